/** A node's reply, before the protocol's codec has read it. */
export interface NodeReply {
  readonly status: number;
  readonly body: Uint8Array<ArrayBuffer>;
  /** Milliseconds that the node asked to be left alone, from `Retry-After`; 0 when it did not ask. */
  readonly retryAfterMs: number;
}

/** What goes back to the client, independent of the host that sends it. */
export interface WireResponse {
  readonly status: number;
  /** Null for a response without a body. */
  readonly body: Uint8Array<ArrayBuffer> | null;
}
