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

/** Milliseconds until a port is opened again that the platform has given up, as when there are no more files to be had. */
const PAUSE_MS = 500;

/**
 * Serves a `fetch` handler on one address with `Deno.serve`, and WebSockets where `upgrade` is given. Port 0 takes a free
 * one. With TLS it speaks HTTP/2 as well. Throws when the address is taken, or the certificate can't be used.
 *
 * When the platform can't accept a connection, it gives up the port and the requests under way there: `onLost` is told
 * why, and the port is opened again.
 */
export function listen(
  address: ListenerAddress,
  fetch: (request: Request, info: ConnectionInfo) => Promise<Response>,
  upgrade?: (request: Request, info: ConnectionInfo) => AcceptSocket | Response,
  tls?: ListenerTls,
  onLost: (error: unknown) => void = () => {},
): Listener {
  const sockets = new DenoWebSockets();
  const answer: Deno.ServeHandler<Deno.NetAddr> = (request, { remoteAddr }) => {
    if (hasPathInHost(request)) return new Response("a host has no path\n", { status: 400 });
    const info = { clientAddress: remoteAddr.hostname };
    if (upgrade === undefined || !isUpgrade(request)) return fetch(request, info);
    const decision = upgrade(request, info);
    return decision instanceof Response ? decision : sockets.open(request, decision);
  };
  let server: Deno.HttpServer<Deno.NetAddr> | undefined;
  let reopening: ReturnType<typeof setTimeout> | undefined;
  const open = (port: number): Deno.HttpServer<Deno.NetAddr> => {
    const connections = new AbortController();
    const opened = Deno.serve({
      hostname: address.hostname,
      port,
      ...(address.reusePort && { reusePort: true }),
      signal: connections.signal,
      onListen() {},
      ...tls,
    }, answer);
    opened.finished.catch((error) => {
      // Nobody answers those that it has accepted.
      connections.abort();
      if (server !== opened) return;
      server = undefined;
      onLost(error);
      reopenLater();
    });
    return opened;
  };
  const { hostname, port } = (server = open(address.port)).addr;
  const reopenLater = () => {
    reopening = setTimeout(() => {
      try {
        server = open(port);
      } catch (error) {
        onLost(error);
        reopenLater();
      }
    }, PAUSE_MS);
  };
  const shutdown = async () => {
    await sockets.ended();
    clearTimeout(reopening);
    await server?.shutdown();
  };
  return { hostname, port, shutdown };
}

/** The platform makes a URL of host and target, in which what follows a slash of the host would be taken for the path. */
function hasPathInHost({ url, headers }: Request): boolean {
  const isRoot = url.indexOf("/", url.indexOf("://") + 3) === url.length - 1;
  return !isRoot && headers.get("host")?.includes("/") === true;
}
