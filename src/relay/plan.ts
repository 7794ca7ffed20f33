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

/**
 * How nodes are asked: `one` asks one, and another where that is slow or fails; `broadcast` asks many at once and takes
 * the first success; `cross_validation` asks several and takes what enough of them agree on.
 */
export type RelayMode = "one" | "broadcast" | "cross_validation";

/** How a relay is made, and how much time it has. */
export interface Plan {
  readonly mode: RelayMode;
  /** Milliseconds after which an attempt counts as slow, before what its node URL adds. */
  readonly relayTimeoutMs: number;
  /** The monotonic moment by which all attempts end. */
  readonly deadlineMs: number;
}

const MS_PER_COMPUTE_UNIT = 100;

/**
 * Works out how a relay is made and its time limits.
 *
 * The relay timeout is what the caller asked for, else what the spec sets, else 100 ms for each compute unit; an API
 * that waits for the chain has two block times on top. All attempts together have the processing timeout: 60 s from 50
 * compute units, 180 s from 100, for writes and for APIs that wait, and never less than one attempt has.
 */
export function planRelay(request: RelayRequest, options: PlanOptions): Plan {
  const { api, steering: { requestedTimeoutMs, crossValidation } } = request;
  const ownMs = api.timeoutMs || Math.max(api.computeUnits * MS_PER_COMPUTE_UNIT, options.minRelayTimeoutMs);
  const waitMs = api.isHanging ? 2 * options.averageBlockTimeMs : 0;
  const relayTimeoutMs = requestedTimeoutMs || ownMs + waitMs;
  const processingMs = Math.max(processingTimeout(api, options.processingTimeoutMs), relayTimeoutMs);
  const mode = crossValidation !== undefined ? "cross_validation" : api.stateful === 1 ? "broadcast" : "one";
  return { mode, relayTimeoutMs, deadlineMs: request.arrivedAtMs + processingMs };
}

function processingTimeout(api: ApiFacts, defaultMs: number): number {
  if (api.isHanging || api.computeUnits >= 100 || api.stateful === 1) return Math.max(180_000, defaultMs);
  return api.computeUnits >= 50 ? Math.max(60_000, defaultMs) : defaultMs;
}
