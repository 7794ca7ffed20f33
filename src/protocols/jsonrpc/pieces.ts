import { copyBytes, passingBytes } from "../../domain/bytes.ts";
import type { Span } from "./envelope.ts";

/** Part of an array of bytes, of which no view is made: that would cost more than to copy the few bytes it has. */
export interface Piece extends Span {
  readonly bytes: Uint8Array;
}

/** Bytes of one message, in pieces that are copied once, when the whole body is put together. */
export type Pieces = readonly Piece[];

/** All of these bytes. */
export function wholeOf(bytes: Uint8Array): Piece {
  return { bytes, start: 0, end: bytes.length };
}

/** These bytes, of which a span is given. */
export function pieceOf(bytes: Uint8Array, { start, end }: Span): Piece {
  return { bytes, start, end };
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
