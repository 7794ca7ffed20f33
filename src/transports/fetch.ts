import { toAbortSignal } from "../domain/cancellation.ts";
import type { Clock } from "../domain/clock.ts";
import { failure, type RelayErrorCode } from "../domain/relay_error.ts";
import { parseRetryAfter } from "../domain/retry_after.ts";
import type { SendResult, Transport } from "../providers/transport.ts";
import { readBounded } from "./read_bounded.ts";

/**
 * What of `fetch` the transport uses.
 *
 * @example Nodes behind a gateway that wants a token
 * ```ts
 * import { createRelay, type Fetch } from "@relaymeter/relay";
 *
 * const withToken: Fetch = (url, init) => {
 *   const headers = new Headers(init.headers);
 *   headers.set("x-gateway-token", "secret");
 *   return fetch(url, { ...init, headers });
 * };
 * await using _relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 *   fetch: withToken,
 * });
 * ```
 */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** Options of the transport. */
export interface FetchTransportOptions {
  /** Most bytes of a reply. */
  readonly maxReplyBytes: number;
}

/** Reaches nodes with the platform's `fetch`: works everywhere, pools connections, speaks HTTP/1.1 and HTTP/2. */
export function createFetchTransport(fetch: Fetch, clock: Clock, { maxReplyBytes }: FetchTransportOptions): Transport {
  return {
    async send(nodeUrl, { verb, path, query, headers: own, body }, clientAddress, signal): Promise<SendResult> {
      const headers: [string, string][] = [
        ...own.map(([name, value]): [string, string] => [name, value]),
        // Decoding would cost more than the bytes that it saves between neighbours.
        ["accept-encoding", "identity"],
        ...nodeUrl.headers.map(([name, value]): [string, string] => [name, value]),
      ];
      if (nodeUrl.forwardsAddress && clientAddress !== "") headers.push(["x-forwarded-for", clientAddress]);
      try {
        // A redirect would carry the credentials elsewhere.
        const target = targetOf(nodeUrl.target, path, query);
        const response = await fetch(target, {
          method: verb,
          headers,
          body,
          signal: toAbortSignal(signal),
          redirect: "manual",
        });
        const read = await readBounded(response, maxReplyBytes);
        if (read === undefined) return failure("answer_too_large", `the answer is larger than ${maxReplyBytes} bytes`);
        const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), clock.now());
        const reply = {
          status: response.status,
          headers: [...response.headers],
          body: read,
          trailers: [],
          retryAfterMs,
        };
        return { kind: "reply", reply };
      } catch (error) {
        return describeFailure(error);
      }
    },
  };
}

/** The node's URL with a request's own path behind its path, and its own query behind its query. */
export function targetOf(target: string, path: string, query: string): string {
  if (path === "" && query === "") return target;
  const mark = target.indexOf("?");
  const base = mark < 0 ? target : target.slice(0, mark);
  const queries = [mark < 0 ? "" : target.slice(mark + 1), query].filter((part) => part !== "").join("&");
  const whole = path === "" ? base : base.replace(/\/$/, "") + path;
  return queries === "" ? whole : `${whole}?${queries}`;
}

/**
 * Runtimes tell what went wrong in prose that holds the URL, so that only known words of it are let through. What
 * failed while connecting never reached the node.
 */
const REASONS: readonly (readonly [RegExp, RelayErrorCode, string])[] = [
  [/connection refused|ECONNREFUSED/i, "upstream_unreachable", "connection refused"],
  [/dns error|failed to lookup|ENOTFOUND|EAI_AGAIN/i, "upstream_unreachable", "its name could not be resolved"],
  [/certificate|UnknownIssuer|tls|ssl|corrupt message/i, "upstream_unreachable", "TLS could not be established"],
  [/\(Connect\)|ECONNRESET while connecting|unreachable|EHOSTUNREACH/i, "upstream_unreachable", "could not connect"],
];

function describeFailure(error: unknown): SendResult {
  const text = error instanceof Error ? `${error.message} ${String(error.cause ?? "")}` : "";
  for (const [pattern, code, reason] of REASONS) if (pattern.test(text)) return failure(code, reason);
  return failure("upstream_disconnected", "the connection broke before the answer was complete");
}
