import type { Outcome } from "../domain/outcome.ts";
import { traitsOf } from "../domain/relay_error.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import type { RelayUsageEvent } from "../domain/usage_event.ts";

/** Whether a relay that ended so is on the bill: the ones that no node was asked for by the client's doing are not. */
export function isBilled(outcome: Outcome): boolean {
  return outcome.kind === "answer" || outcome.tried.length > 0 || outcome.error.code === "no_provider";
}

/** Compute units charged: the spec's when a node answered, be it with an error; none when none did. */
export function chargedComputeUnits(outcome: Outcome): number {
  const isCharged = outcome.kind === "answer" || traitsOf(outcome.error.code).charged;
  return isCharged ? outcome.api.computeUnits : 0;
}

/** The bill's record of one relay that ended at `endedAtMs` of the monotonic clock. */
export function usageRecord(request: RelayRequest, outcome: Outcome, endedAtMs: number): RelayUsageEvent {
  const { caller, call } = request;
  const { api } = outcome;
  return {
    kind: "relay_usage",
    timeUnixMs: request.arrivedAtUnixMs,
    project: caller.project,
    chain: request.chain,
    apiInterface: request.apiInterface,
    apiMethod: api.apiMethod,
    computeUnits: chargedComputeUnits(outcome),
    latencyMs: Math.max(0, Math.round(endedAtMs - request.arrivedAtMs)),
    success: outcome.kind === "answer" && outcome.success,
    cacheHit: outcome.kind === "answer" && outcome.cacheHit,
    isWrite: api.stateful !== 0,
    isArchive: api.extensions.includes("archive"),
    isBatch: call.isBatch,
    isDebugTrace: isDebugTrace(api),
    hedgeCount: outcome.hedges,
    provider: outcome.kind === "answer" ? outcome.provider : outcome.tried.at(-1) ?? "",
    origin: caller.origin,
    errorClass: outcome.kind === "answer" ? "" : outcome.error.code,
    attempts: outcome.attempts,
  };
}

/** The bill's record of one message of a subscription, which a client's socket took at this moment. */
export function deliveryRecord(
  { caller, chain, apiInterface, api }: RelayRequest,
  provider: string,
  timeUnixMs: number,
  computeUnits: number,
): RelayUsageEvent {
  return {
    kind: "relay_usage",
    timeUnixMs,
    project: caller.project,
    chain,
    apiInterface,
    apiMethod: "subscription_delivery",
    computeUnits,
    latencyMs: 0,
    success: true,
    cacheHit: false,
    isWrite: api.stateful !== 0,
    isArchive: api.extensions.includes("archive"),
    isBatch: false,
    isDebugTrace: isDebugTrace(api),
    hedgeCount: 0,
    provider,
    origin: caller.origin,
    errorClass: "",
    attempts: 0,
  };
}

/** Whether an API is in one of the add-ons that the bill calls debug or trace. */
function isDebugTrace({ addOn }: RelayRequest["api"]): boolean {
  return addOn === "debug" || addOn === "trace";
}
