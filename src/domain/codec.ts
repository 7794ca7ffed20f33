import type { RelayError } from "./relay_error.ts";
import type { ProtocolCall } from "./relay_request.ts";
import type { WireRequest, WireResponse } from "./wire.ts";

/** A protocol: turns a client's request into a call, and the relay's errors into the protocol's own. */
export interface Codec {
  /** The verbs that it serves, in upper case. */
  readonly verbs: readonly string[];
  /** Reads a request: a call to relay, or the response when nothing of it can be relayed. */
  decode(request: WireRequest):
    | { readonly kind: "call"; readonly call: ProtocolCall }
    | { readonly kind: "response"; readonly response: WireResponse };
  /** An error that belongs to no call, such as a body that is too large. */
  encodeError(error: RelayError): WireResponse;
}
