import type { ApiFacts, RelayRequest } from "../domain/relay_request.ts";
import type { NodeUrl, Provider } from "./provider.ts";

/** A provider and the URL of it to ask. */
export interface Candidate {
  readonly provider: Provider;
  readonly nodeUrl: NodeUrl;
}

/** What a candidate is wanted for. */
export interface Selection {
  readonly request: RelayRequest;
  /** The call as it is made now: an extension may have been added to the request's own. */
  readonly api: ApiFacts;
  /** URLs that have been asked, or that may not be. */
  readonly tried: ReadonlySet<NodeUrl>;
  /** Block that a provider must have reached as far as is known; 0 for any. */
  readonly minBlock: number;
  /** Whether it is asked over a WebSocket; default false. */
  readonly overSocket?: boolean;
  /** The moment of the monotonic clock, where that has just been read. */
  readonly nowMs?: number;
}

/**
 * How an attempt ended, as far as choosing the next node is concerned. `outrun` is one that was given up because
 * another node, asked at the same time or later, had answered: its latency is not known, but it is longer than that, so
 * that the sample can only worsen what is thought of the node.
 */
export type Sample =
  | { readonly kind: "answered"; readonly latencyMs: number }
  | { readonly kind: "outrun"; readonly latencyMs: number }
  | { readonly kind: "failed" }
  | { readonly kind: "rate_limited"; readonly retryAfterMs: number };

/** Chooses who is asked, and learns from how it went. */
export interface Selector {
  /** The next one to ask; undefined when everyone who serves it has been tried. */
  select(selection: Selection): Candidate | undefined;
  /**
   * The best ones to ask at once, each of another provider: at most `atMost`. Backups and those that are being left
   * alone are among them only where there would be fewer than `atLeast` without.
   */
  selectSeveral(selection: Selection, atLeast: number, atMost: number): readonly Candidate[];
  /** Takes in how an attempt against a candidate ended, at `nowMs` of the monotonic clock where that has just been read. */
  report(candidate: Candidate, sample: Sample, api: Pick<ApiFacts, "computeUnits">, nowMs?: number): void;
  /** What a choice is made from, for people to read: one line of printable ASCII; empty where there is nothing to tell. */
  explain(selection: Selection): string;
  /** Whether any provider can be expected to answer now. */
  isHealthy(): boolean;
  /** Whether any provider, available or not, serves an add-on or extension. */
  serves(name: string): boolean;
  /** The newest block that is known of the chain; 0 while none is. */
  head(): number;
  /** The newest block that is known of a provider; 0 while none is. */
  headOf(provider: string): number;
}
