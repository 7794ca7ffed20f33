import type { RelayRequest } from "../domain/relay_request.ts";
import type { NodeUrl, Provider } from "./provider.ts";

/** A provider and the URL of it to ask. */
export interface Candidate {
  readonly provider: Provider;
  readonly nodeUrl: NodeUrl;
}

/** How an attempt ended, as far as choosing the next node is concerned. */
export type Sample =
  | { readonly kind: "answered"; readonly latencyMs: number }
  | { readonly kind: "failed" }
  | { readonly kind: "rate_limited"; readonly retryAfterMs: number };

/** Chooses who is asked, and learns from how it went. */
export interface Selector {
  /** The next one to ask for this request; undefined when everyone who serves it has been tried. */
  select(request: RelayRequest, tried: ReadonlySet<NodeUrl>): Candidate | undefined;
  /** Takes in how an attempt against a candidate ended. */
  report(candidate: Candidate, sample: Sample): void;
  /** Whether any provider can be expected to answer now. */
  isHealthy(): boolean;
}
