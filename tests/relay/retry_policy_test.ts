import { assertEquals } from "@std/assert";
import {
  decideNext,
  type Decision,
  type RetryCause,
  type RetryOptions,
  type RetryState,
} from "../../src/relay/retry_policy.ts";

const OPTIONS: RetryOptions = { retryLimit: 2, disableBatchRetry: true };
const failed = (code: (RetryCause & { kind: "failed" })["code"]): RetryCause => ({ kind: "failed", code });
const nodeError = (error: (RetryCause & { kind: "node_error" })["nodeError"]): RetryCause => ({
  kind: "node_error",
  nodeError: error,
});
const SLOW: RetryCause = { kind: "slow" };
const NEVER_SEEN = failed("upstream_unreachable");

const TIMED_OUT: RetryState = {
  cause: failed("upstream_timeout"),
  isCrossValidation: false,
  stateful: 0,
  isBatch: false,
  attempts: 1,
  errors: 1,
  remainingMs: 1_000,
};

type Row = readonly [what: string, state: Partial<RetryState>, options: Partial<RetryOptions>, decision: string];

const TABLE: readonly Row[] = [
  ["a timeout is retried", {}, {}, "ask failed"],
  ["a broken connection is retried", { cause: failed("upstream_disconnected") }, {}, "ask failed"],
  ["an HTTP error is retried", { cause: failed("upstream_http_error") }, {}, "ask failed"],
  ["a rate limit is retried elsewhere", { cause: failed("upstream_rate_limited") }, {}, "ask failed"],
  ["garbage is retried", { cause: failed("malformed_answer") }, {}, "ask failed"],
  ["a slow one is helped by another", { cause: SLOW, errors: 0 }, {}, "ask slow"],

  ["missing data may be had elsewhere", { cause: nodeError("missing_data") }, {}, "ask node_error"],
  ["a node that is behind is not the only one", { cause: nodeError("syncing") }, {}, "ask node_error"],
  ["nor one that has too much to do", { cause: nodeError("overloaded") }, {}, "ask node_error"],
  ["nor one that asks for fewer requests", { cause: nodeError("rate_limited") }, {}, "ask node_error"],
  ["what all nodes would say is the answer", { cause: nodeError("deterministic") }, {}, "stop same_everywhere"],
  ["an error that is not known is an answer", { cause: nodeError("unknown") }, {}, "stop same_everywhere"],

  ["cross-validation asks once", { isCrossValidation: true }, {}, "stop cross_validation"],
  ["even where nothing was sent", { isCrossValidation: true, cause: NEVER_SEEN }, {}, "stop cross_validation"],
  ["a write that a node may have seen is not repeated", { stateful: 1 }, {}, "stop stateful"],
  ["nor one that is bound to its node", { stateful: 2 }, {}, "stop stateful"],
  ["nor because it is slow", { stateful: 2, cause: SLOW }, {}, "stop stateful"],
  ["a write that no node has seen goes on", { stateful: 1, cause: NEVER_SEEN }, {}, "ask failed"],
  ["the client has gone", { cause: failed("client_closed") }, {}, "stop permanent"],
  ["the relay is stopping", { cause: failed("shutting_down") }, {}, "stop permanent"],
  ["an answer that is too large is so everywhere", { cause: failed("answer_too_large") }, {}, "stop permanent"],
  ["a mistake of the relay", { cause: failed("internal_error") }, {}, "stop permanent"],
  ["ten attempts are enough", { attempts: 10, errors: 0, cause: NEVER_SEEN }, {}, "stop attempt_limit"],
  ["hedges count among them", { attempts: 10, errors: 0, cause: SLOW }, {}, "stop attempt_limit"],
  ["a batch stays where it was sent", { isBatch: true }, {}, "stop batch"],
  ["also when it is slow", { isBatch: true, cause: SLOW, errors: 0 }, {}, "stop batch"],
  ["unless it may move", { isBatch: true }, { disableBatchRetry: false }, "ask failed"],
  ["a batch that no node has seen goes on", { isBatch: true, cause: NEVER_SEEN }, {}, "ask failed"],
  ["the limit allows this many errors", { attempts: 2, errors: 2 }, {}, "ask failed"],
  ["and no more", { attempts: 3, errors: 3 }, {}, "stop retry_limit"],
  ["of nodes either", { attempts: 3, errors: 3, cause: nodeError("syncing") }, {}, "stop retry_limit"],
  ["limit 0: one attempt", {}, { retryLimit: 0 }, "stop retry_limit"],
  ["dead nodes do not use up the limit", { attempts: 5, errors: 0, cause: NEVER_SEEN }, {}, "ask failed"],
  ["no time left", { remainingMs: 0 }, {}, "stop deadline"],
  ["no time left, nothing sent", { remainingMs: -5, cause: NEVER_SEEN }, {}, "stop deadline"],

  // Where two hold, the order of the section decides.
  ["cross-validation before a write", { isCrossValidation: true, stateful: 1 }, {}, "stop cross_validation"],
  ["a write before the node's error", { stateful: 1, cause: nodeError("deterministic") }, {}, "stop stateful"],
  ["the node's error before the attempts", { attempts: 10, cause: nodeError("unknown") }, {}, "stop same_everywhere"],
  ["what is permanent before the attempts", { attempts: 10, cause: failed("client_closed") }, {}, "stop permanent"],
  ["the attempts before the batch", { attempts: 10, isBatch: true }, {}, "stop attempt_limit"],
  ["the batch before the errors", { errors: 3, isBatch: true }, {}, "stop batch"],
  ["the errors before the time", { errors: 3, remainingMs: 0 }, {}, "stop retry_limit"],
];

for (const [what, state, options, expected] of TABLE) {
  Deno.test(`decideNext: ${what}`, () => {
    const { action, reason }: Decision = decideNext({ ...TIMED_OUT, ...state }, { ...OPTIONS, ...options });
    assertEquals(`${action} ${reason}`, expected);
  });
}
