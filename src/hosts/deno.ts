import { DenoWebSockets } from "./deno_websocket.ts";
import type { ConnectionInfo } from "./fetch_handler.ts";
import { type AcceptSocket, isUpgrade } from "./upgrade.ts";

/** A listener that is open. */
export interface Listener {
  /** The address that it listens on. */
  readonly hostname: string;
  /** The port that it listens on. */
  readonly port: number;
  /**
   * Takes no more connections and comes back when the requests under way have been answered, and the WebSockets closed,
   * which is for their relay to do.
   */
  shutdown(): Promise<void>;
}

/** Where to listen. */
export interface ListenerAddress {
  readonly hostname: string;
  readonly port: number;
  /** Whether others may listen on it as well, with whom the kernel shares its connections; default false. */
  readonly reusePort?: boolean;
}

/** Certificate chain and private key of a listener that speaks TLS, in PEM. */
export interface ListenerTls {
  readonly cert: string;
  readonly key: string;
}

/**
 * Serves a `fetch` handler on one address with `Deno.serve`, and WebSockets where `upgrade` is given. Port 0 takes a free
 * one. With TLS it speaks HTTP/2 as well. Throws when the address is taken, or the certificate can't be used.
 */
export function listen(
  address: ListenerAddress,
  fetch: (request: Request, info: ConnectionInfo) => Promise<Response>,
  upgrade?: (request: Request, info: ConnectionInfo) => AcceptSocket | Response,
  tls?: ListenerTls,
): Listener {
  const sockets = new DenoWebSockets();
  const server = Deno.serve(
    {
      hostname: address.hostname,
      port: address.port,
      ...(address.reusePort && { reusePort: true }),
      onListen() {},
      ...tls,
    },
    (request, { remoteAddr }) => {
      if (hasPathInHost(request)) return new Response("a host has no path\n", { status: 400 });
      const info = { clientAddress: remoteAddr.hostname };
      if (upgrade === undefined || !isUpgrade(request)) return fetch(request, info);
      const decision = upgrade(request, info);
      return decision instanceof Response ? decision : sockets.open(request, decision);
    },
  );
  const { hostname, port } = server.addr;
  const shutdown = async () => {
    await sockets.ended();
    await server.shutdown();
  };
  return { hostname, port, shutdown };
}

/** The platform makes a URL of host and target, in which what follows a slash of the host would be taken for the path. */
function hasPathInHost({ url, headers }: Request): boolean {
  const isRoot = url.indexOf("/", url.indexOf("://") + 3) === url.length - 1;
  return !isRoot && headers.get("host")?.includes("/") === true;
}
