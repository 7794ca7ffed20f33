import { copyBytes, passingBytes } from "../../domain/bytes.ts";
import type { Piece } from "./envelope.ts";

/** Bytes of one message, in pieces that are copied once, when the whole body is put together. */
export type Pieces = readonly Piece[];

/** All of these bytes. */
export function wholeOf(bytes: Uint8Array): Piece {
  return { bytes, start: 0, end: bytes.length };
}

/** A text in UTF-8. */
export function textPiece(text: string): Piece {
  return wholeOf(encoder.encode(text));
}

const encoder = new TextEncoder();
/** Puts pieces together, copying each once. */
export function joinPieces(pieces: Pieces): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (let i = 0; i < pieces.length; i++) length += pieces[i]!.end - pieces[i]!.start;
  const whole = passingBytes(length);
  let at = 0;
  for (let i = 0; i < pieces.length; i++) {
    const { bytes, start, end } = pieces[i]!;
    copyBytes(bytes, start, end, whole, at);
    at += end - start;
  }
  return whole;
}
