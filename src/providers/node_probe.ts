import type { RelayError } from "../domain/relay_error.ts";
import type { NodeUrl } from "./provider.ts";

/** What a node answered to one of the relay's own questions; undefined where its answer does not have it. */
export type ProbeResult =
  | { readonly kind: "value"; readonly text: string | undefined }
  | { readonly kind: "failure"; readonly error: RelayError };

/** Something that a node has to answer. */
export interface Verification {
  readonly name: string;
  /** Add-on whose nodes are asked; empty for all. */
  readonly addOn: string;
  /** Extension whose nodes are asked; empty for all. */
  readonly extension: string;
  /** Whether a node that fails is left out. */
  readonly isFatal: boolean;
  /** Asks a node, and says what is wrong with its answer; undefined when it is as it should be. */
  check(nodeUrl: NodeUrl, head: number, signal: AbortSignal): Promise<string | undefined>;
}

/** The relay's own questions, in the words of the chain. */
export interface NodeProbe {
  /** Asks for the newest block; undefined where the chain spec has no question for it. */
  readonly newestBlock: ((nodeUrl: NodeUrl, signal: AbortSignal) => Promise<ProbeResult>) | undefined;
  readonly verifications: readonly Verification[];
}
