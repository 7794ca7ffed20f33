import type { RelayError } from "../domain/relay_error.ts";
import type { NodeReply } from "../domain/wire.ts";
import type { NodeUrl } from "./provider.ts";

/** What a transport sends to a node. */
export interface NodeRequest {
  readonly body: Uint8Array<ArrayBuffer>;
  /** Address of the client, for URLs that are to be told; empty where it is not known. */
  readonly clientAddress: string;
}

/** A reply, whatever it says, or why there is none. */
export type SendResult =
  | { readonly kind: "reply"; readonly reply: NodeReply }
  | { readonly kind: "failure"; readonly error: RelayError };

/** How bytes reach a node. */
export interface Transport {
  /** Sends one request. Never rejects; once `signal` is aborted it gives up, and what it returns is not looked at. */
  send(nodeUrl: NodeUrl, request: NodeRequest, signal: AbortSignal): Promise<SendResult>;
}
