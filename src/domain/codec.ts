import type { RelayError } from "./relay_error.ts";
import type { ProtocolCall } from "./relay_request.ts";
import type { WireResponse } from "./wire.ts";

/** A protocol: turns a client's bytes into a call, and the relay's errors into the protocol's own. */
export interface Codec {
  /** Media types of a request's body, in lower case, without parameters. The first is that of the answers. */
  readonly mediaTypes: readonly string[];
  /** Reads a body: a call to relay, or the response when nothing of it can be relayed. */
  decode(body: Uint8Array<ArrayBuffer>):
    | { readonly kind: "call"; readonly call: ProtocolCall }
    | { readonly kind: "response"; readonly response: WireResponse };
  /** An error that belongs to no call, such as a body that is too large. */
  encodeError(error: RelayError): Uint8Array<ArrayBuffer>;
}
