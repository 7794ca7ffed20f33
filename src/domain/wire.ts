/** Header fields in order. Names are in lower case, and one may stand more than once. */
export type HeaderFields = readonly (readonly [name: string, value: string])[];

/** What a client sent, independent of the host that received it. */
export interface WireRequest {
  /** HTTP method in upper case. */
  readonly verb: string;
  /** Percent-encoded as it came, without the query and without what the host uses to find the endpoint. */
  readonly path: string;
  /** As it came, without the question mark; empty for none. */
  readonly query: string;
  /** The value of a header, null when it was not sent. Several of one name are joined by `, `. */
  header(name: string): string | null;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What a node is sent. Its URL, credentials and the forwarded address are added by the transport. */
export interface NodeRequest {
  /** HTTP method in upper case. */
  readonly verb: string;
  /** Goes behind the path of the node's URL; empty, or starting with a slash. Percent-encoded. */
  readonly path: string;
  /** Without the question mark; empty for none. */
  readonly query: string;
  readonly headers: HeaderFields;
  /** Null for a request without a body. */
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** A node's reply, before the protocol's codec has read it. */
export interface NodeReply {
  /** HTTP status. */
  readonly status: number;
  /** Its header fields. */
  readonly headers: HeaderFields;
  /** All of its body. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** What came after the body; empty where the protocol has no trailers. */
  readonly trailers: HeaderFields;
  /** Milliseconds that the node asked to be left alone, from `Retry-After`; 0 when it did not ask. */
  readonly retryAfterMs: number;
}

/** What goes back to the client, independent of the host that sends it. */
export interface WireResponse {
  readonly status: number;
  /** The protocol's own, such as `content-type`. The host adds what is its business. */
  readonly headers: HeaderFields;
  /** Null for a response without a body. */
  readonly body: Uint8Array<ArrayBuffer> | null;
  /** What goes behind the body, where the protocol has such. */
  readonly trailers?: HeaderFields;
}

/** The first value of a header in a list of fields. */
export function fieldOf(fields: HeaderFields, name: string): string | undefined {
  for (const [key, value] of fields) if (key === name) return value;
  return undefined;
}
