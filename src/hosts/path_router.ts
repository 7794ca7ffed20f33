import type { ConnectionInfo } from "./fetch_handler.ts";
import { hostHandlerOf, setHostHandler } from "./host_handler.ts";
import type { HostResponse } from "./host_request.ts";
import { splitUrl, toResponse } from "./http_response.ts";
import type { AcceptSocket } from "./upgrade.ts";

/** What a path leads to: a relay. */
export interface RoutedRelay {
  /** Answers one request. */
  fetch(request: Request, info?: ConnectionInfo): Promise<Response>;
  /** Decides about a request for a WebSocket. */
  upgrade(request: Request, info?: ConnectionInfo): AcceptSocket | Response;
}

/** Many relays behind one address. */
export type PathRouter = RoutedRelay;

/**
 * Serves several relays at one address, each below a path of its own, such as `/eth1/jsonrpc`: what stands behind it is
 * the path that the relay sees. Upper and lower case make no difference in it. Everything else is not found. Throws a
 * `TypeError` for a path that is none, or that is given twice.
 *
 * @example Two relays on a platform that has one address
 * ```ts
 * import { createPathRouter, createRelay } from "@relaymeter/relay";
 *
 * const providers = [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }];
 * const router = createPathRouter({
 *   "/eth1/jsonrpc": createRelay({ chainId: "ETH1", providers }),
 *   "/base/jsonrpc": createRelay({ chainId: "BASE", providers }),
 * });
 * const health = await router.fetch(new Request("http://relay.example/base/jsonrpc/lava/health"));
 * if (health.status !== 200) throw new Error("the second relay is healthy");
 * const nothing = await router.fetch(new Request("http://relay.example/"));
 * if (nothing.status !== 404) throw new Error("nothing is served at the root");
 * ```
 */
export function createPathRouter(relays: Readonly<Record<string, RoutedRelay>>): PathRouter {
  const routes = new Map<string, RoutedRelay>();
  for (const [prefix, relay] of Object.entries(relays)) {
    const path = trimmed(prefix);
    if (!/^(\/[^/?#\s]+)+$/.test(path)) throw new TypeError(`"${prefix}" is no path such as /eth1/jsonrpc`);
    if (routes.has(path)) throw new TypeError(`the path ${path} is given twice`);
    routes.set(path, relay);
  }
  // All prefixes of one router need not have the same depth: the longest one that fits is meant.
  const depths = [...new Set([...routes.keys()].map(depthOf))].sort((a, b) => b - a);
  const find = (path: string): { readonly relay: RoutedRelay; readonly path: string } | undefined => {
    for (const depth of depths) {
      const end = endOfSegments(path, depth);
      const relay = end < 0 ? undefined : routes.get(path.slice(0, end).toLowerCase());
      if (relay !== undefined) return { relay, path: path.slice(end) || "/" };
    }
    return undefined;
  };
  const router: PathRouter = {
    fetch(request, info = {}) {
      const found = find(info.path ?? splitUrl(request.url).path);
      return found === undefined
        ? Promise.resolve(toResponse(NOT_FOUND))
        : found.relay.fetch(request, { ...info, path: found.path });
    },
    upgrade(request, info = {}) {
      const found = find(info.path ?? splitUrl(request.url).path);
      return found === undefined ? toResponse(NOT_FOUND) : found.relay.upgrade(request, { ...info, path: found.path });
    },
  };
  return setHostHandler(router, {
    handle(request, path = request.path) {
      const found = find(path);
      const handler = found && hostHandlerOf(found.relay);
      return handler === undefined ? Promise.resolve(NOT_FOUND) : handler.handle(request, found!.path);
    },
    accept(request, path = request.path) {
      const found = find(path);
      const handler = found && hostHandlerOf(found.relay);
      return handler === undefined ? NOT_FOUND : handler.accept(request, found!.path);
    },
  });
}

const NOT_FOUND: HostResponse = {
  status: 404,
  fields: [[["content-type", "application/json"], ["access-control-allow-origin", "*"]]],
  body: new TextEncoder().encode(
    '{"error":"not_found","message":"nothing is served at this path; write one such as /<chain>/<interface>"}',
  ),
};

function trimmed(prefix: string): string {
  return `/${prefix.replace(/^\/+|\/+$/g, "").toLowerCase()}`;
}

function depthOf(prefix: string): number {
  return prefix.split("/").length - 1;
}

/** Where the first `count` segments of a path end; -1 when it has fewer. */
function endOfSegments(path: string, count: number): number {
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (path[at] !== "/" || at + 1 >= path.length) return -1;
    const slash = path.indexOf("/", at + 1);
    at = slash < 0 ? path.length : slash;
  }
  return at;
}
