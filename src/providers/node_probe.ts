import type { Candidate, Sample } from "./selector.ts";

/** What came of a question of the relay's own. */
export interface ProbeResult {
  /** What it says about the node as an attempt; undefined when it says nothing. */
  readonly sample: Sample | undefined;
  /**
   * `value`: the node answered, and this stands where the chain spec says. `refusal`: it answered with an error, or with
   * something else. `unknown`: it did not answer, or had no time for it.
   */
  readonly kind: "value" | "refusal" | "unknown";
  /** The value; else why there is none, for the log. */
  readonly text: string;
}

/** A question of the relay's own, as the chain spec words it. */
export interface NodeQuestion {
  /** Whether it can be asked at the candidate's URL: one that serves another path can't. */
  fits(candidate: Candidate): boolean;
  /** Asks it; `block` is what the question is about, where it is about one. Never rejects. */
  ask(candidate: Candidate, signal: AbortSignal, block?: number): Promise<ProbeResult>;
}

/** What a node has to answer to count as what it is configured as. */
export interface NodeCheck {
  /** Name in the chain spec. */
  readonly name: string;
  readonly question: NodeQuestion;
  /** Add-on or extension whose nodes are asked, and which one that fails does not serve; empty for all. */
  readonly services: readonly string[];
  /** `*` for any; undefined where only the distance counts. */
  readonly expectedValue: string | undefined;
  /** Blocks behind its newest that a node must have; 0 where that does not count. */
  readonly latestDistance: number;
  /** Whether the question is about the block at that distance, else its answer is the oldest block that the node has. */
  readonly isAboutBlock: boolean;
  /** Whether a node that fails is left out; else it is only told. */
  readonly isFatal: boolean;
}

/** The relay's own questions, in the words of the chain. */
export interface NodeProbe {
  /** Which block is newest, as a decimal number; undefined where the chain spec does not say how to ask. */
  readonly newestBlock: NodeQuestion | undefined;
  /** What nodes are held to. */
  readonly checks: readonly NodeCheck[];
}
