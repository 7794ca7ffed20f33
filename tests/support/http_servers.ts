/** The HTTP servers that a relay can be served with, for suites that run on each of them. */
import { listen, type Listener } from "../../src/hosts/deno.ts";
import { silentLog } from "../../src/domain/log.ts";
import { hostHandlerOf } from "../../src/hosts/host_handler.ts";
import type { HttpServerOptions } from "../../src/hosts/http1/http_server.ts";
import { listenOwn } from "../../src/hosts/http1/listen.ts";
import { listenNode, type NodeListenerOptions } from "../../src/hosts/node.ts";
import { createTakeUpgrade } from "../../src/hosts/own_websocket.ts";
import type { RoutedRelay } from "../../src/hosts/path_router.ts";

/** As `--http-server` names them. */
export const HTTP_SERVERS = ["own", "deno", "node"] as const;

export type HttpServer = typeof HTTP_SERVERS[number];

/** Limits that only some of the servers have. */
export type HttpServerLimits = Partial<NodeListenerOptions & HttpServerOptions>;

/** Serves a relay, or what is like one, on a free port of loopback. */
export async function listenWith(
  server: HttpServer,
  served: RoutedRelay,
  limits: HttpServerLimits = {},
): Promise<Listener> {
  const address = { hostname: "127.0.0.1", port: 0 };
  const { fetch, upgrade } = served;
  const all = { headerTimeoutMs: 5_000, idleTimeoutMs: 5_000, maxConnections: 1_000, ...limits };
  switch (server) {
    case "own": {
      const handler = hostHandlerOf(served)!;
      return listenOwn(address, { handler, log: silentLog, takeUpgrade: createTakeUpgrade(handler, all) }, all);
    }
    case "deno":
      return listen(address, fetch, upgrade);
    case "node":
      return await listenNode(address, fetch, all, upgrade);
  }
}
