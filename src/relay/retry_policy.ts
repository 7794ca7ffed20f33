import { NODE_ERRORS, type NodeErrorClass } from "../domain/node_error.ts";
import { type RelayErrorCode, traitsOf } from "../domain/relay_error.ts";

/** Options of the retry policy, resolved. */
export interface RetryOptions {
  /** Failed attempts after which another one is made; 2 allows three attempts. */
  readonly retryLimit: number;
  /** Whether a batch is sent to one node only. */
  readonly disableBatchRetry: boolean;
}

/** Why another node might be asked. */
export type RetryCause =
  /** The attempts under way are slow. */
  | { readonly kind: "slow" }
  /** An attempt has failed. */
  | { readonly kind: "failed"; readonly code: RelayErrorCode }
  /** A node has answered with an error of its own. */
  | { readonly kind: "node_error"; readonly nodeError: NodeErrorClass };

/** Where a relay stands. */
export interface RetryState {
  readonly cause: RetryCause;
  /** Whether the caller asked for several answers to be compared. */
  readonly isCrossValidation: boolean;
  readonly stateful: 0 | 1 | 2;
  readonly isBatch: boolean;
  /** Attempts made, under way or ended. */
  readonly attempts: number;
  /** Attempts that failed, or were answered with an error, and that a node may have seen. */
  readonly errors: number;
  /** Milliseconds until the deadline for all attempts. */
  readonly remainingMs: number;
}

/** What to do next, and why. */
export interface Decision {
  readonly action: "ask" | "stop";
  readonly reason:
    | "cross_validation"
    | "stateful"
    | "same_everywhere"
    | "permanent"
    | "attempt_limit"
    | "batch"
    | "retry_limit"
    | "deadline"
    | RetryCause["kind"];
}

/** Most attempts of one relay, whatever the options say. */
export const MAX_ATTEMPTS = 10;

/**
 * Decides whether another node is asked. Pure; the reasons stand in the order in which they are looked at.
 *
 * An attempt that never reached its node can be made elsewhere without the risk of doing something twice, so that
 * neither a write nor a batch is held to its first node by it.
 */
export function decideNext(state: RetryState, options: RetryOptions): Decision {
  const { cause } = state;
  const wasSeen = !isNeverSeen(cause);
  if (state.isCrossValidation) return { action: "stop", reason: "cross_validation" };
  if (state.stateful !== 0 && wasSeen) return { action: "stop", reason: "stateful" };
  if (cause.kind === "node_error" && !NODE_ERRORS[cause.nodeError].askAnother) {
    return { action: "stop", reason: "same_everywhere" };
  }
  if (cause.kind === "failed" && !traitsOf(cause.code).askAnother) return { action: "stop", reason: "permanent" };
  if (state.attempts >= MAX_ATTEMPTS) return { action: "stop", reason: "attempt_limit" };
  if (state.isBatch && options.disableBatchRetry && wasSeen) return { action: "stop", reason: "batch" };
  if (state.errors > options.retryLimit && wasSeen) return { action: "stop", reason: "retry_limit" };
  if (state.remainingMs <= 0) return { action: "stop", reason: "deadline" };
  return { action: "ask", reason: cause.kind };
}

/** Whether the node can't have seen the call. */
export function isNeverSeen(cause: RetryCause): boolean {
  return cause.kind === "failed" && cause.code === "upstream_unreachable";
}
