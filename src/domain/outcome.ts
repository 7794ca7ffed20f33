import type { RelayError } from "./relay_error.ts";
import type { ApiFacts } from "./relay_request.ts";
import type { HeaderFields, WireResponse } from "./wire.ts";

/** What all outcomes of a relay have. */
interface OutcomeFacts {
  /** The call as it was made in the end: an extension may have been added on the way. */
  readonly api: ApiFacts;
  /** Names of the providers that were asked, in order. */
  readonly tried: readonly string[];
  /** Attempts made for this call; none where it waited for those of an identical one. */
  readonly attempts: number;
  /** Attempts made because an earlier one failed. */
  readonly retries: number;
  /** Attempts made because an earlier one was slow. */
  readonly hedges: number;
  /** What the relay adds for the client about how the answer came about, such as `lava-cross-validation-status`. */
  readonly notes: HeaderFields;
}

/** How a relay ended. A node's own error is an answer. */
export type Outcome =
  | OutcomeFacts & {
    readonly kind: "answer";
    /** Empty for an answer from the cache. */
    readonly provider: string;
    readonly cacheHit: boolean;
    /** False when the node answered with an error of its own. */
    readonly success: boolean;
    /** Ready to be sent; headers are the protocol's own. */
    readonly response: WireResponse;
    /** The headers of the node's reply, of which the client gets those that the chain spec lets through. */
    readonly replyHeaders: HeaderFields;
  }
  | OutcomeFacts & { readonly kind: "failure"; readonly error: RelayError };
