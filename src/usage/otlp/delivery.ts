import { parseRetryAfter } from "../../domain/retry_after.ts";

/** What a collector's answer means for the records of a request. */
export type Delivery =
  | { readonly kind: "delivered"; readonly rejected: number }
  /** Final: the same request would be refused again. */
  | { readonly kind: "refused" }
  /** May work later. */
  | { readonly kind: "retryable"; readonly retryAfterMs: number };

/** Statuses after which OTLP/HTTP says to try again. */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Reads what a collector's status says. `rejected` of a delivery is for the caller to read from the body. */
export function classifyStatus(status: number, retryAfter: string | null, nowUnixMs: number): Delivery {
  if (status >= 200 && status < 300) return { kind: "delivered", rejected: 0 };
  if (!RETRYABLE.has(status)) return { kind: "refused" };
  return { kind: "retryable", retryAfterMs: parseRetryAfter(retryAfter, nowUnixMs) };
}

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 5_000;
/** Longest wait that a collector may ask for; an absurd one must not outlive the outage. */
const MAX_RETRY_AFTER_MS = 60_000;
const JITTER = 0.2;

/**
 * How long to wait before attempt number `attempt` + 1: doubling from 500 ms to 5 s, with a jitter of a fifth either
 * way, and no less than the collector asked for. `random` is from 0 to 1.
 */
export function backoffMs(attempt: number, retryAfterMs: number, random: number): number {
  const exponential = Math.min(FIRST_BACKOFF_MS * 2 ** (attempt - 1), MAX_BACKOFF_MS);
  return Math.max(exponential * (1 - JITTER + 2 * JITTER * random), Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
}
