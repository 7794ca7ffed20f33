import { systemClock } from "../../mod.ts";
import type { Clock } from "../../src/domain/clock.ts";
import type { NodeRequest } from "../../src/domain/wire.ts";
import type { NodeUrl } from "../../src/providers/provider.ts";
import type { SendResult, Transport } from "../../src/providers/transport.ts";
import { createFetchTransport } from "../../src/transports/fetch.ts";
import { denoConnect } from "../../src/transports/http1/deno_connect.ts";
import { nodeConnect } from "../../src/transports/http1/node_connect.ts";
import { Http1Transport, type Http1TransportOptions } from "../../src/transports/http1/transport.ts";
import { nodeUrlOf } from "./node_url.ts";

/** A transport that a test ends. */
export interface TestTransport extends Transport {
  readonly connections?: number;
  close?(): void;
}

/** The transports that speak HTTP to nodes: one suite for all. */
export const TRANSPORTS: Readonly<
  Record<string, (options?: Partial<Http1TransportOptions>, clock?: Clock) => TestTransport>
> = {
  "fetch": ({ maxReplyBytes = 1_000_000 } = {}, clock = systemClock) =>
    createFetchTransport(fetch, clock, { maxReplyBytes }),
  "http1 over Deno's sockets": (options, clock = systemClock) =>
    new Http1Transport({ connect: denoConnect, clock }, { maxReplyBytes: 1_000_000, ...options }),
  "http1 over node:net": (options, clock = systemClock) =>
    new Http1Transport({ connect: nodeConnect, clock }, { maxReplyBytes: 1_000_000, ...options }),
};

/** HTTP/1.1 over Deno's sockets. */
export function http1Transport(options: Partial<Http1TransportOptions> = {}): Http1Transport {
  return new Http1Transport({ connect: denoConnect, clock: systemClock }, { maxReplyBytes: 1_000_000, ...options });
}

/** A request that a JSON-RPC codec would make. */
export function requestOf(body = "{}", changes: Partial<NodeRequest> = {}): NodeRequest {
  const headers: NodeRequest["headers"] = [["content-type", "application/json"]];
  return { verb: "POST", path: "", query: "", headers, body: new TextEncoder().encode(body), ...changes };
}

/** Sends a request that nobody gives up. */
export function sendTo(
  transport: Transport,
  target: string | NodeUrl,
  request: NodeRequest = requestOf(),
  signal: AbortSignal = new AbortController().signal,
): Promise<SendResult> {
  return transport.send(typeof target === "string" ? nodeUrlOf(target) : target, request, "192.0.2.7", signal);
}

/** What came of a request in a line: `200 body`, or the code of the failure. */
export function describe(result: SendResult): string {
  if (result.kind === "failure") return result.error.code;
  return `${result.reply.status} ${new TextDecoder().decode(result.reply.body)}`;
}
