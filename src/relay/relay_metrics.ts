import type { Outcome } from "../domain/outcome.ts";
import type { RelayRequest } from "../domain/relay_request.ts";

/** What the relay tells whoever counts. Synchronous, cheap, and never throwing. */
export interface RelayMetrics {
  /** A relay that is on the bill has ended, `latencyMs` after it arrived. */
  relayEnded(request: RelayRequest, outcome: Outcome, latencyMs: number): void;
  /** An attempt was answered with an error of the node's own, or not at all. */
  attemptFailed(request: RelayRequest, provider: string, kind: "node_error" | "protocol_error"): void;
  /** The cache was asked. */
  cacheAsked(request: RelayRequest, isHit: boolean): void;
  /** A request was held to providers that have what its caller has seen. */
  heldToBlock(request: RelayRequest): void;
  /** A request was refused, because its project has used its budget. */
  overBudget(request: RelayRequest): void;
}

/** Counts nothing. */
export const noMetrics: RelayMetrics = {
  relayEnded() {},
  attemptFailed() {},
  cacheAsked() {},
  heldToBlock() {},
  overBudget() {},
};
