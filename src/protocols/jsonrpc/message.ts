import type { RelayError } from "../../domain/relay_error.ts";
import type { HeaderFields } from "../../domain/wire.ts";
import type { Dialect } from "./dialect.ts";
import type { Piece } from "./envelope.ts";
import { joinPieces, type Pieces, textPiece } from "./pieces.ts";

/** `null`: the id of an answer to nobody knows what, and the member that 1.0 leaves empty. */
export const NULL_JSON: Piece = textPiece("null");
const COMMA = textPiece(",");
const OPEN = textPiece("[");
const CLOSE = textPiece("]");

/** Headers of every JSON-RPC message over HTTP, both ways. */
export const JSON_HEADERS: HeaderFields = [["content-type", "application/json"]];

/** The request object that a node is sent: the caller's own method and params under an id of the relay. */
export function requestMessage(
  version: Dialect["version"],
  id: number,
  method: Piece,
  params: Piece | undefined,
): Pieces {
  const head = id === 1 ? FIRST_HEADS[version] : requestHead(version, id);
  return params === undefined ? [head, method, END] : [head, method, PARAMS, params, END];
}

function requestHead(version: Dialect["version"], id: number): Piece {
  return textPiece(`{"jsonrpc":"${version}","id":${id},"method":`);
}

/** Nearly every request is a single one, whose id is 1. */
const FIRST_HEADS = { "1.0": requestHead("1.0", 1), "2.0": requestHead("2.0", 1) };
const PARAMS = textPiece(',"params":');
const END = textPiece("}");

/** The response object for one of the relay's errors, with the caller's id as it came (null when it is not known). */
export function errorMessage(dialect: Dialect, error: RelayError, id: Piece = NULL_JSON): Pieces {
  const object = dialect.errorObject(error);
  if (dialect.version === "2.0") {
    return [textPiece('{"jsonrpc":"2.0","id":'), id, textPiece(`,"error":${object}}`)];
  }
  return [textPiece(`{"result":null,"error":${object},"id":`), id, END];
}

/** Puts one message, or a batch of them, together. Not a batch and no message: nothing. */
export function joinMessages(messages: readonly Pieces[], isBatch: boolean): Uint8Array<ArrayBuffer> {
  if (!isBatch) return joinPieces(messages[0] ?? []);
  const pieces: Piece[] = [OPEN];
  messages.forEach((message, index) => {
    if (index > 0) pieces.push(COMMA);
    pieces.push(...message);
  });
  pieces.push(CLOSE);
  return joinPieces(pieces);
}
