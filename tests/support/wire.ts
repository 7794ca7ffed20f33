import type { NodeReply, WireRequest } from "../../src/domain/wire.ts";

/** A client's request with a body and, mostly, nothing else. */
export function wireRequest(body: string | Uint8Array<ArrayBuffer>, changes: Partial<WireRequest> = {}): WireRequest {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { verb: "POST", path: "/", query: "", header: () => null, body: bytes, ...changes };
}

/** A node's reply with a body and, mostly, nothing else. */
export function nodeReply(body: string | Uint8Array<ArrayBuffer>, changes: Partial<NodeReply> = {}): NodeReply {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { status: 200, headers: [], body: bytes, trailers: [], retryAfterMs: 0, ...changes };
}
