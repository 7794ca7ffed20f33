import { type RelayErrorCode, traitsOf } from "../domain/relay_error.ts";

/** Options of the retry policy, resolved. */
export interface RetryOptions {
  /** Failed attempts after which another one is made; 2 allows three attempts. */
  readonly retryLimit: number;
  /** Whether a batch is sent to one node only. */
  readonly disableBatchRetry: boolean;
}

/** Where a relay stands after a failed attempt. */
export interface RetryState {
  readonly code: RelayErrorCode;
  /** Attempts made, all failed. */
  readonly attempts: number;
  readonly stateful: 0 | 1 | 2;
  readonly isBatch: boolean;
  /** Milliseconds until the deadline for all attempts. */
  readonly remainingMs: number;
}

/** What to do next, and why. */
export interface Decision {
  readonly action: "retry" | "stop";
  readonly reason:
    | "permanent"
    | "never_sent"
    | "stateful"
    | "batch"
    | "attempt_limit"
    | "retry_limit"
    | "deadline"
    | "failed";
}

/** Most attempts of one relay, whatever the options say. */
const MAX_ATTEMPTS = 10;

/**
 * Decides whether another node is asked. Pure; the reasons stand in the order in which they are looked at.
 *
 * An attempt that never reached its node can be made elsewhere without the risk of doing something twice, so that
 * neither a write nor a batch is held to its first node by it.
 */
export function decideNext(state: RetryState, options: RetryOptions): Decision {
  if (!traitsOf(state.code).askAnother) return { action: "stop", reason: "permanent" };
  if (state.remainingMs <= 0) return { action: "stop", reason: "deadline" };
  if (state.attempts >= MAX_ATTEMPTS) return { action: "stop", reason: "attempt_limit" };
  if (state.code === "upstream_unreachable") return { action: "retry", reason: "never_sent" };
  if (state.stateful !== 0) return { action: "stop", reason: "stateful" };
  if (state.isBatch && options.disableBatchRetry) return { action: "stop", reason: "batch" };
  if (state.attempts > options.retryLimit) return { action: "stop", reason: "retry_limit" };
  return { action: "retry", reason: "failed" };
}
