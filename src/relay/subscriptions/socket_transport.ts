import { failure } from "../../domain/relay_error.ts";
import type { SocketSelector } from "../../providers/socket_selector.ts";
import type { Transport } from "../../providers/transport.ts";
import type { UpstreamPool } from "./upstream_pool.ts";

/**
 * Carries the relay's own questions to WebSocket URLs over the connections that subscriptions have, and all else as the
 * nodes' own transport does.
 */
export function createSocketTransport(pool: UpstreamPool, sockets: SocketSelector): Transport {
  return {
    async send(nodeUrl, request, clientAddress, signal) {
      const candidate = sockets.find(nodeUrl);
      if (candidate === undefined) return sockets.nodes.transport.send(nodeUrl, request, clientAddress, signal);
      if (request.path.length > 1) return failure("invalid_request", "a WebSocket leads to one path only");
      const result = await pool.ask(candidate, request.body, signal);
      if (result.kind === "failure") return result;
      const body = new TextEncoder().encode(result.text);
      return { kind: "reply", reply: { status: 200, headers: [], body, trailers: [], retryAfterMs: 0 } };
    },
  };
}
