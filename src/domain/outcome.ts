import type { RelayError } from "./relay_error.ts";

/** What all outcomes of a relay have. */
interface OutcomeFacts {
  /** Names of the providers that were asked, in order. */
  readonly tried: readonly string[];
  /** Attempts made because an earlier one failed. */
  readonly retries: number;
  /** Attempts made because an earlier one was slow. */
  readonly hedges: number;
}

/** How a relay ended. A node's own error is an answer. */
export type Outcome =
  | OutcomeFacts & {
    readonly kind: "answer";
    readonly provider: string;
    /** False when the node answered with an error of its own. */
    readonly success: boolean;
    /** Ready to be sent, null when the protocol asks for no answer. */
    readonly body: Uint8Array<ArrayBuffer> | null;
  }
  | OutcomeFacts & { readonly kind: "failure"; readonly error: RelayError };
