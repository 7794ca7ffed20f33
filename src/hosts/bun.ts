/**
 * The relay on Bun.
 *
 * @module
 */
import type { Listener } from "./deno.ts";
import type { RoutedRelay } from "./path_router.ts";
import { type AcceptSocket, isUpgrade } from "./upgrade.ts";
import type { ClientSocket } from "./websocket_outbox.ts";
import type { SocketReceiver } from "./websocket_session.ts";

export type { Listener } from "./deno.ts";
export type { ConnectionInfo } from "./fetch_handler.ts";
export type { RoutedRelay } from "./path_router.ts";
export type { AcceptSocket } from "./upgrade.ts";
export type { ClientSocket } from "./websocket_outbox.ts";
export type { SocketReceiver } from "./websocket_session.ts";

/** Where a relay is served, and within which limits. */
export interface ServeBunOptions {
  /** Default `127.0.0.1`. */
  readonly hostname?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Seconds without a byte after which a connection over HTTP is ended; default 60, at most 255. */
  readonly idleTimeoutS?: number;
  /** Largest message of a WebSocket client; a larger one ends its connection. Default 1 MiB. */
  readonly maxMessageBytes?: number;
}

/** What waits for its WebSocket to be open, and then is told of it. */
interface SocketData {
  readonly accept: AcceptSocket;
  session?: SocketReceiver;
}

/** What of the platform's WebSocket is used. */
interface BunSocket {
  readonly data: SocketData;
  readonly readyState: number;
  getBufferedAmount(): number;
  send(text: string): number;
  close(code: number, reason: string): void;
}

/** What of the platform's server is used. */
interface BunServer {
  readonly hostname: string;
  readonly port: number;
  requestIP(request: Request): { readonly address: string } | null;
  upgrade(request: Request, options: { readonly data: SocketData }): boolean;
  stop(): Promise<void>;
}

/** What of the platform is used. */
interface Platform {
  readonly Bun: {
    serve(options: {
      readonly hostname: string;
      readonly port: number;
      readonly idleTimeout: number;
      fetch(request: Request, server: BunServer): Response | undefined | Promise<Response>;
      readonly websocket: {
        readonly maxPayloadLength: number;
        readonly sendPings: boolean;
        open(socket: BunSocket): void;
        message(socket: BunSocket, data: unknown): void;
        close(socket: BunSocket): void;
      };
    }): BunServer;
  };
}

/** `readyState` of a socket that takes messages. */
const OPEN = 1;

/**
 * Serves what `createRelay` or `createPathRouter` gave with `Bun.serve`: calls over HTTP, and WebSockets with
 * subscriptions. Throws when the address is taken. To stop, shut the listener down, then close the relay and its usage
 * sink.
 *
 * @example
 * ```ts
 * import { createRelay } from "@relaymeter/relay";
 * import { serveBun } from "@relaymeter/relay/bun";
 *
 * async function main() {
 *   const relay = createRelay({
 *     chainId: "ETH1",
 *     providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 *   });
 *   const listener = serveBun(relay, { port: 3333 });
 *   console.log(`http://127.0.0.1:${listener.port}`);
 * }
 * if ("Bun" in globalThis) await main();
 * ```
 */
export function serveBun(relay: RoutedRelay, options: ServeBunOptions = {}): Listener {
  const { hostname = "127.0.0.1", port = 0, idleTimeoutS = 60, maxMessageBytes = 1_048_576 } = options;
  const { Bun } = globalThis as unknown as Platform;
  const server = Bun.serve({
    hostname,
    port,
    idleTimeout: idleTimeoutS,
    fetch(request, server) {
      const info = { clientAddress: server.requestIP(request)?.address ?? "" };
      if (!isUpgrade(request)) return relay.fetch(request, info);
      const decision = relay.upgrade(request, info);
      if (decision instanceof Response) return decision;
      if (server.upgrade(request, { data: { accept: decision } })) return undefined;
      return new Response("this is no WebSocket handshake (RFC 6455)\n", { status: 400 });
    },
    websocket: {
      maxPayloadLength: maxMessageBytes,
      sendPings: true,
      open(socket) {
        socket.data.session = socket.data.accept(clientSocket(socket));
      },
      message: ({ data: { session } }, data) => session?.message(data),
      close: ({ data: { session } }) => session?.closed(),
    },
  });
  return { hostname: server.hostname, port: server.port, shutdown: () => server.stop() };
}

function clientSocket(socket: BunSocket): ClientSocket {
  return {
    get bufferedAmount() {
      return socket.getBufferedAmount();
    },
    send(text) {
      if (socket.readyState !== OPEN) return false;
      // 0 when it was dropped, -1 when it waits.
      return socket.send(text) !== 0;
    },
    close(code, reason) {
      if (socket.readyState <= OPEN) socket.close(code, reason);
    },
  };
}
