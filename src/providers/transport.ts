import type { Cancellation } from "../domain/cancellation.ts";
import type { RelayError } from "../domain/relay_error.ts";
import type { NodeReply, NodeRequest } from "../domain/wire.ts";
import type { NodeUrl } from "./provider.ts";

/** A reply, whatever it says, or why there is none. */
export type SendResult =
  | { readonly kind: "reply"; readonly reply: NodeReply }
  | { readonly kind: "failure"; readonly error: RelayError };

/** How bytes reach a node. */
export interface Transport {
  /**
   * Sends one request. `clientAddress` is for URLs that are to be told it, empty where it is not known. Never rejects;
   * once `signal` is aborted it gives up, and what it returns is not looked at.
   */
  send(nodeUrl: NodeUrl, request: NodeRequest, clientAddress: string, signal: Cancellation): Promise<SendResult>;
}
