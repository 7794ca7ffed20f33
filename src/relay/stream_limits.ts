import type { Clock } from "../domain/clock.ts";
import { failure, type RelayError } from "../domain/relay_error.ts";
import type { StreamCall } from "../domain/stream_call.ts";
import type { Latencies } from "./latencies.ts";
import { type PlanOptions, planRelay } from "./plan.ts";
import { named, type StreamAttempt } from "./stream_attempt.ts";

/** Options, resolved. */
export interface StreamLimitOptions extends PlanOptions {
  /** Share of a provider's answers that are faster than a slow one; 0 for those within the relay timeout. */
  readonly hedgeQuantile: number;
}

/** The moments at which a node is slow, and at which it has had its time. */
export interface StreamLimits {
  readonly slowAtMs: number;
  readonly endsAtMs: number;
}

const MAX_TIMER_MS = 0x7fffffff;

/** How long an attempt may take: a node's time begins when it can know all of the request. */
export function limitsOf(
  { candidate: { provider, nodeUrl }, api, startedAtMs }: StreamAttempt,
  { request, deadlineMs }: StreamCall,
  requestEndedAtMs: number,
  latencies: Latencies | undefined,
  options: StreamLimitOptions,
): StreamLimits {
  const plan = planRelay(request, options);
  const sinceMs = Math.max(startedAtMs, requestEndedAtMs);
  const timeoutMs = plan.relayTimeoutMs + nodeUrl.extraTimeoutMs;
  const lateMs = latencies?.quantile(provider.name, api, options.hedgeQuantile) ?? Infinity;
  // What is subscribed to may be silent for as long as it likes; and who has a deadline of its own knows best.
  const isUnlimited = request.api.isSubscription || deadlineMs !== undefined;
  return {
    slowAtMs: sinceMs + Math.min(timeoutMs, lateMs),
    endsAtMs: isUnlimited ? Infinity : Math.max(plan.deadlineMs, sinceMs + timeoutMs),
  };
}

/** Why an attempt that has had its time was ended. */
export function expiry(attempt: StreamAttempt, nowMs: number): RelayError {
  const isOpen = attempt.stream !== undefined;
  const message = `did not ${isOpen ? "answer" : "connect"} within ${Math.round(nowMs - attempt.startedAtMs)} ms`;
  return named(attempt, failure(isOpen ? "upstream_timeout" : "upstream_unreachable", message).error);
}

/** Runs `callback` in so many milliseconds, however many or few. */
export function scheduleIn(clock: Clock, ms: number, callback: () => void): () => void {
  return clock.schedule(Math.max(0, Math.min(ms, MAX_TIMER_MS)), callback);
}
