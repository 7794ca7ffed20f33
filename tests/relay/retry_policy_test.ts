import { assertEquals } from "@std/assert";
import { decideNext, type Decision, type RetryOptions, type RetryState } from "../../src/relay/retry_policy.ts";

const OPTIONS: RetryOptions = { retryLimit: 2, disableBatchRetry: true };
const TIMED_OUT: RetryState = {
  code: "upstream_timeout",
  attempts: 1,
  stateful: 0,
  isBatch: false,
  remainingMs: 1_000,
};

type Row = readonly [what: string, state: Partial<RetryState>, options: Partial<RetryOptions>, decision: string];

const TABLE: readonly Row[] = [
  ["a timeout is retried", {}, {}, "retry failed"],
  ["a broken connection is retried", { code: "upstream_disconnected" }, {}, "retry failed"],
  ["an HTTP error is retried", { code: "upstream_http_error" }, {}, "retry failed"],
  ["a rate limit is retried elsewhere", { code: "upstream_rate_limited" }, {}, "retry failed"],
  ["garbage is retried", { code: "malformed_answer" }, {}, "retry failed"],
  ["the limit allows this many failures", { attempts: 2 }, {}, "retry failed"],
  ["and no more", { attempts: 3 }, {}, "stop retry_limit"],
  ["limit 0: one attempt", { attempts: 1 }, { retryLimit: 0 }, "stop retry_limit"],
  ["a write that a node may have seen is not repeated", { stateful: 1 }, {}, "stop stateful"],
  ["nor one that is bound to its node", { stateful: 2 }, {}, "stop stateful"],
  ["a write that no node has seen goes on", { stateful: 1, code: "upstream_unreachable" }, {}, "retry never_sent"],
  ["a batch stays where it was sent", { isBatch: true }, {}, "stop batch"],
  ["unless it may move", { isBatch: true }, { disableBatchRetry: false }, "retry failed"],
  ["a batch that no node has seen goes on", { isBatch: true, code: "upstream_unreachable" }, {}, "retry never_sent"],
  ["dead nodes do not use up the limit", { attempts: 5, code: "upstream_unreachable" }, {}, "retry never_sent"],
  ["ten attempts are enough", { attempts: 10, code: "upstream_unreachable" }, {}, "stop attempt_limit"],
  ["no time left", { remainingMs: 0 }, {}, "stop deadline"],
  ["no time left, nothing sent", { remainingMs: -5, code: "upstream_unreachable" }, {}, "stop deadline"],
  ["the client has gone", { code: "client_closed" }, {}, "stop permanent"],
  ["the relay is stopping", { code: "shutting_down" }, {}, "stop permanent"],
  ["an answer that is too large is so everywhere", { code: "answer_too_large" }, {}, "stop permanent"],
  ["a mistake of the relay", { code: "internal_error" }, {}, "stop permanent"],
];

for (const [what, state, options, expected] of TABLE) {
  Deno.test(`decideNext: ${what}`, () => {
    const { action, reason }: Decision = decideNext({ ...TIMED_OUT, ...state }, { ...OPTIONS, ...options });
    assertEquals(`${action} ${reason}`, expected);
  });
}
