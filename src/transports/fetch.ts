import type { Clock } from "../domain/clock.ts";
import { failure, type RelayErrorCode } from "../domain/relay_error.ts";
import { parseRetryAfter } from "../domain/retry_after.ts";
import type { SendResult, Transport } from "../providers/transport.ts";
import { readBounded } from "./read_bounded.ts";

/** What of `fetch` the transport uses. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Options of the transport. */
export interface FetchTransportOptions {
  /** Most bytes of a reply. */
  readonly maxReplyBytes: number;
}

/** Reaches nodes with the platform's `fetch`: works everywhere, pools connections, speaks HTTP/1.1 and HTTP/2. */
export function createFetchTransport(fetch: Fetch, clock: Clock, { maxReplyBytes }: FetchTransportOptions): Transport {
  return {
    async send(nodeUrl, { body, clientAddress }, signal): Promise<SendResult> {
      const headers: [string, string][] = [
        ["content-type", "application/json"],
        // Decoding would cost more than the bytes that it saves between neighbours.
        ["accept-encoding", "identity"],
        ...nodeUrl.headers.map(([name, value]): [string, string] => [name, value]),
      ];
      if (nodeUrl.forwardsAddress && clientAddress !== "") headers.push(["x-forwarded-for", clientAddress]);
      try {
        // A redirect would carry the credentials elsewhere.
        const response = await fetch(nodeUrl.target, { method: "POST", headers, body, signal, redirect: "manual" });
        const read = await readBounded(response, maxReplyBytes);
        if (read === undefined) return failure("answer_too_large", `the answer is larger than ${maxReplyBytes} bytes`);
        const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), clock.now());
        return { kind: "reply", reply: { status: response.status, body: read, retryAfterMs } };
      } catch (error) {
        return describeFailure(error);
      }
    },
  };
}

/**
 * Runtimes tell what went wrong in prose that holds the URL, so that only known words of it are let through. What
 * failed while connecting never reached the node.
 */
const REASONS: readonly (readonly [RegExp, RelayErrorCode, string])[] = [
  [/connection refused|ECONNREFUSED/i, "upstream_unreachable", "connection refused"],
  [/dns error|failed to lookup|ENOTFOUND|EAI_AGAIN/i, "upstream_unreachable", "its name could not be resolved"],
  [/certificate|UnknownIssuer|tls|ssl/i, "upstream_unreachable", "TLS could not be established"],
  [/\(Connect\)|ECONNRESET while connecting|unreachable|EHOSTUNREACH/i, "upstream_unreachable", "could not connect"],
];

function describeFailure(error: unknown): SendResult {
  const text = error instanceof Error ? `${error.message} ${String(error.cause ?? "")}` : "";
  for (const [pattern, code, reason] of REASONS) if (pattern.test(text)) return failure(code, reason);
  return failure("upstream_disconnected", "the connection broke before the answer was complete");
}
