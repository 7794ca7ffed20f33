/** The HTTP servers that a relay can be served with, for suites that run on each of them. */
import { listen, type Listener } from "../../src/hosts/deno.ts";
import type { ConnectionInfo } from "../../src/hosts/fetch_handler.ts";
import { listenNode, type NodeListenerOptions } from "../../src/hosts/node.ts";
import type { ListenerFetch } from "../../src/hosts/probes.ts";
import type { AcceptSocket } from "../../src/hosts/upgrade.ts";

/** As `--http-server` names them. */
export const HTTP_SERVERS = ["deno", "node"] as const;

export type HttpServer = typeof HTTP_SERVERS[number];

const LIMITS: NodeListenerOptions = { headerTimeoutMs: 5_000, idleTimeoutMs: 5_000 };

/** Listens on a free port of loopback. What a server has no limit for is left out. */
export async function listenWith(
  server: HttpServer,
  fetch: ListenerFetch,
  limits: Partial<NodeListenerOptions> = {},
  upgrade?: (request: Request, info: ConnectionInfo) => AcceptSocket | Response,
): Promise<Listener> {
  const address = { hostname: "127.0.0.1", port: 0 };
  if (server === "deno") return listen(address, fetch, upgrade);
  return await listenNode(address, fetch, { ...LIMITS, ...limits }, upgrade);
}
