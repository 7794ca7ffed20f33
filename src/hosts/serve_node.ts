/**
 * The relay on Node, from version 22 on, and on what is compatible with it.
 *
 * @module
 */
import type { Listener } from "./deno.ts";
import { listenNode, type NodeListenerOptions } from "./node.ts";
import type { RoutedRelay } from "./path_router.ts";

export type { Listener } from "./deno.ts";
export type { ConnectionInfo } from "./fetch_handler.ts";
export type { NodeListenerOptions } from "./node.ts";
export type { NodeWebSocketOptions } from "./node_websocket.ts";
export type { RoutedRelay } from "./path_router.ts";
export type { AcceptSocket } from "./upgrade.ts";
export type { ClientSocket } from "./websocket_outbox.ts";
export type { SocketReceiver } from "./websocket_session.ts";

/** Where a relay is served, and within which limits. */
export interface ServeNodeOptions extends Partial<NodeListenerOptions> {
  /** Default `127.0.0.1`. */
  readonly hostname?: string;
  /** Default 0: a free one. */
  readonly port?: number;
}

/**
 * Serves what `createRelay` or `createPathRouter` gave with `node:http`: calls over HTTP, and WebSockets with subscriptions.
 * Heads that are slow to arrive (10 s) and connections without a request (60 s) are ended. Rejects when the address is
 * taken. To stop, shut the listener down, then close the relay and its usage sink.
 *
 * @example
 * ```ts
 * import { createRelay } from "@relaymeter/relay";
 * import { serveNode } from "@relaymeter/relay/node";
 *
 * const relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 * });
 * const listener = await serveNode(relay, { port: 0 });
 * const health = await fetch(`http://127.0.0.1:${listener.port}/lava/health`);
 * if (await health.text() !== "Health status OK") throw new Error("it is served");
 * await listener.shutdown();
 * await relay.close();
 * ```
 */
export function serveNode(relay: RoutedRelay, options: ServeNodeOptions = {}): Promise<Listener> {
  const { hostname = "127.0.0.1", port = 0, headerTimeoutMs = 10_000, idleTimeoutMs = 60_000, ...sockets } = options;
  return listenNode(
    { hostname, port },
    (request, info) => relay.fetch(request, info),
    { headerTimeoutMs, idleTimeoutMs, ...sockets },
    (request, info) => relay.upgrade(request, info),
  );
}
