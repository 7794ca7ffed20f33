import type { ConnectionInfo } from "./fetch_handler.ts";

/** A listener that is open. */
export interface Listener {
  readonly hostname: string;
  readonly port: number;
  /** Takes no more connections and comes back when the requests under way have been answered. */
  shutdown(): Promise<void>;
}

/** Serves a `fetch` handler on one address with `Deno.serve`. Port 0 takes a free one. Throws when the address is taken. */
export function listen(
  address: { readonly hostname: string; readonly port: number },
  fetch: (request: Request, info: ConnectionInfo) => Promise<Response>,
): Listener {
  const server = Deno.serve(
    { hostname: address.hostname, port: address.port, onListen() {} },
    (request, { remoteAddr }) => fetch(request, { clientAddress: remoteAddr.hostname }),
  );
  const { hostname, port } = server.addr;
  return { hostname, port, shutdown: () => server.shutdown() };
}
