import { concatBytes } from "../../domain/bytes.ts";
import type { RelayError } from "../../domain/relay_error.ts";
import type { HeaderFields } from "../../domain/wire.ts";
import type { Span } from "./envelope.ts";
import { errorObject } from "./errors.ts";

const encoder = new TextEncoder();
const NULL_ID = encoder.encode("null");
const COMMA = encoder.encode(",");
const OPEN = encoder.encode("[");
const CLOSE = encoder.encode("]");

/** Headers of every JSON-RPC message over HTTP, both ways. */
export const JSON_HEADERS: HeaderFields = [["content-type", "application/json"]];

/** Bytes of one message, in pieces that are copied once, when the whole body is put together. */
export type Pieces = Uint8Array[];

/** The request object that a node is sent: the caller's own method and params under an id of the relay. */
export function requestMessage(bytes: Uint8Array, id: number, method: Span, params: Span | undefined): Pieces {
  const pieces = [
    encoder.encode(`{"jsonrpc":"2.0","id":${id},"method":`),
    bytes.subarray(method.start, method.end),
  ];
  if (params !== undefined) pieces.push(encoder.encode(',"params":'), bytes.subarray(params.start, params.end));
  pieces.push(encoder.encode("}"));
  return pieces;
}

/** The response object for one of the relay's errors, with the caller's id as it came (null when it is not known). */
export function errorMessage(error: RelayError, id: Uint8Array = NULL_ID): Pieces {
  return [encoder.encode('{"jsonrpc":"2.0","id":'), id, encoder.encode(`,"error":${errorObject(error)}}`)];
}

/** Puts one message, or a batch of them, together. Not a batch and no message: nothing. */
export function joinMessages(messages: readonly Pieces[], isBatch: boolean): Uint8Array<ArrayBuffer> {
  if (!isBatch) return concatBytes(messages[0] ?? []);
  const pieces: Uint8Array[] = [OPEN];
  messages.forEach((message, index) => {
    if (index > 0) pieces.push(COMMA);
    pieces.push(...message);
  });
  pieces.push(CLOSE);
  return concatBytes(pieces);
}
