/** The HTTP servers that a relay can be served with, for suites that run on each of them. */
import { listen, type Listener } from "../../src/hosts/deno.ts";
import { listenNode, type NodeListenerOptions } from "../../src/hosts/node.ts";
import type { RoutedRelay } from "../../src/hosts/path_router.ts";

/** As `--http-server` names them. */
export const HTTP_SERVERS = ["deno", "node"] as const;

export type HttpServer = typeof HTTP_SERVERS[number];

/** Limits that only some of the servers have. */
export type HttpServerLimits = Partial<NodeListenerOptions>;

/** Serves a relay, or what is like one, on a free port of loopback. */
export async function listenWith(
  server: HttpServer,
  served: RoutedRelay,
  limits: HttpServerLimits = {},
): Promise<Listener> {
  const address = { hostname: "127.0.0.1", port: 0 };
  const { fetch, upgrade } = served;
  if (server === "deno") return listen(address, fetch, upgrade);
  return await listenNode(address, fetch, { headerTimeoutMs: 5_000, idleTimeoutMs: 5_000, ...limits }, upgrade);
}
