import type { ApiFacts, RelayRequest } from "../domain/relay_request.ts";

/** Options of the plan, resolved. */
export interface PlanOptions {
  /** Shortest relay timeout that is worked out from compute units, milliseconds. */
  readonly minRelayTimeoutMs: number;
  /** Shortest time for all attempts together, milliseconds. */
  readonly processingTimeoutMs: number;
  /** Milliseconds between two blocks of the chain. */
  readonly averageBlockTimeMs: number;
}

/** How much time a relay has. */
export interface Plan {
  /** Milliseconds for one attempt, before what its node URL adds. */
  readonly relayTimeoutMs: number;
  /** The monotonic moment by which all attempts end. */
  readonly deadlineMs: number;
}

const MS_PER_COMPUTE_UNIT = 100;

/**
 * Works out the time limits of a relay.
 *
 * The relay timeout is what the caller asked for, else what the spec sets, else 100 ms for each compute unit; an API
 * that waits for the chain has two block times on top. All attempts together have the processing timeout: 60 s from 50
 * compute units, 180 s from 100, for writes and for APIs that wait, and never less than one attempt has.
 */
export function planRelay(request: RelayRequest, options: PlanOptions): Plan {
  const { api, steering: { requestedTimeoutMs } } = request;
  const ownMs = api.timeoutMs || Math.max(api.computeUnits * MS_PER_COMPUTE_UNIT, options.minRelayTimeoutMs);
  const waitMs = api.isHanging ? 2 * options.averageBlockTimeMs : 0;
  const relayTimeoutMs = requestedTimeoutMs || ownMs + waitMs;
  const processingMs = Math.max(processingTimeout(api, options.processingTimeoutMs), relayTimeoutMs);
  return { relayTimeoutMs, deadlineMs: request.arrivedAtMs + processingMs };
}

function processingTimeout(api: ApiFacts, defaultMs: number): number {
  if (api.isHanging || api.computeUnits >= 100 || api.stateful === 1) return Math.max(180_000, defaultMs);
  return api.computeUnits >= 50 ? Math.max(60_000, defaultMs) : defaultMs;
}
