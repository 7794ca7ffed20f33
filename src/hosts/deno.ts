import type { ConnectionInfo } from "./fetch_handler.ts";
import { type AcceptSocket, isUpgrade } from "./upgrade.ts";

/** A listener that is open. */
export interface Listener {
  readonly hostname: string;
  readonly port: number;
  /** Takes no more connections and comes back when the requests under way have been answered. */
  shutdown(): Promise<void>;
}

/** Certificate chain and private key of a listener that speaks TLS, in PEM. */
export interface ListenerTls {
  readonly cert: string;
  readonly key: string;
}

/** Seconds without a sign of life after which the platform asks for one, and then ends a client's WebSocket. */
const PING_TIMEOUT_S = 30;

/**
 * Serves a `fetch` handler on one address with `Deno.serve`, and WebSockets where `upgrade` is given. Port 0 takes a free
 * one. With TLS it speaks HTTP/2 as well. Throws when the address is taken, or the certificate can't be used.
 */
export function listen(
  address: { readonly hostname: string; readonly port: number },
  fetch: (request: Request, info: ConnectionInfo) => Promise<Response>,
  upgrade?: (request: Request, info: ConnectionInfo) => AcceptSocket | Response,
  tls?: ListenerTls,
): Listener {
  const server = Deno.serve(
    { hostname: address.hostname, port: address.port, onListen() {}, ...tls },
    (request, { remoteAddr }) => {
      const info = { clientAddress: remoteAddr.hostname };
      if (upgrade === undefined || !isUpgrade(request)) return fetch(request, info);
      const decision = upgrade(request, info);
      return decision instanceof Response ? decision : openSocket(request, decision);
    },
  );
  const { hostname, port } = server.addr;
  return { hostname, port, shutdown: () => server.shutdown() };
}

/** Makes a WebSocket of a request. */
function openSocket(request: Request, accept: AcceptSocket): Response {
  let upgraded: ReturnType<typeof Deno.upgradeWebSocket>;
  try {
    upgraded = Deno.upgradeWebSocket(request, { idleTimeout: PING_TIMEOUT_S });
  } catch {
    return new Response("this is no WebSocket handshake (RFC 6455)\n", { status: 400 });
  }
  const { socket, response } = upgraded;
  socket.onopen = () => {
    const session = accept({
      get bufferedAmount() {
        return socket.bufferedAmount;
      },
      send: (text) => {
        const isOpen = socket.readyState === WebSocket.OPEN;
        if (isOpen) socket.send(text);
        return isOpen;
      },
      close: (code, reason) => {
        if (socket.readyState <= WebSocket.OPEN) socket.close(code, reason);
      },
    });
    socket.onmessage = ({ data }) => session.message(data);
    socket.onclose = () => session.closed();
  };
  socket.onerror = () => {};
  return response;
}
