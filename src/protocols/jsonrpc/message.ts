import { concatBytes } from "../../domain/bytes.ts";
import type { RelayError } from "../../domain/relay_error.ts";
import type { HeaderFields } from "../../domain/wire.ts";
import type { Dialect } from "./dialect.ts";
import type { Span } from "./envelope.ts";

const encoder = new TextEncoder();
/** `null`: the id of an answer to nobody knows what, and the member that 1.0 leaves empty. */
export const NULL_JSON: Uint8Array = encoder.encode("null");
const COMMA = encoder.encode(",");
const OPEN = encoder.encode("[");
const CLOSE = encoder.encode("]");

/** Headers of every JSON-RPC message over HTTP, both ways. */
export const JSON_HEADERS: HeaderFields = [["content-type", "application/json"]];

/** Bytes of one message, in pieces that are copied once, when the whole body is put together. */
export type Pieces = Uint8Array[];

/** The request object that a node is sent: the caller's own method and params under an id of the relay. */
export function requestMessage(
  version: Dialect["version"],
  bytes: Uint8Array,
  id: number,
  method: Span,
  params: Span | undefined,
): Pieces {
  const head = id === 1 ? FIRST_HEADS[version] : requestHead(version, id);
  const pieces: Pieces = [head, bytes.subarray(method.start, method.end)];
  if (params !== undefined) pieces.push(PARAMS, bytes.subarray(params.start, params.end));
  pieces.push(END);
  return pieces;
}

function requestHead(version: Dialect["version"], id: number): Uint8Array {
  return encoder.encode(`{"jsonrpc":"${version}","id":${id},"method":`);
}

/** Nearly every request is a single one, whose id is 1. */
const FIRST_HEADS = { "1.0": requestHead("1.0", 1), "2.0": requestHead("2.0", 1) };
const PARAMS = encoder.encode(',"params":');
const END = encoder.encode("}");

/** The response object for one of the relay's errors, with the caller's id as it came (null when it is not known). */
export function errorMessage(dialect: Dialect, error: RelayError, id: Uint8Array = NULL_JSON): Pieces {
  const object = dialect.errorObject(error);
  if (dialect.version === "2.0") {
    return [encoder.encode('{"jsonrpc":"2.0","id":'), id, encoder.encode(`,"error":${object}}`)];
  }
  return [encoder.encode(`{"result":null,"error":${object},"id":`), id, END];
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
