/** Bytes of memory that are shared, and the most bytes that get a part of it. */
const SHARED_BYTES = 16 * 1024;
const MAX_PART_BYTES = 1024;

let shared = new ArrayBuffer(SHARED_BYTES);
let used = 0;

/**
 * Room for bytes that are soon done with, empty at first: a part of memory that others have a part of too, as memory of
 * its own takes the platform ten times as long. Whoever keeps such bytes copies them, or keeps all of that memory.
 */
export function passingBytes(length: number): Uint8Array<ArrayBuffer> {
  if (length > MAX_PART_BYTES) return new Uint8Array(length);
  if (used + length > SHARED_BYTES) {
    shared = new ArrayBuffer(SHARED_BYTES);
    used = 0;
  }
  const bytes = new Uint8Array(shared, used, length);
  used += length;
  return bytes;
}

/** Up to so many bytes are copied one by one, as a view of them would take longer to make. */
const FEW_BYTES = 64;

/** Copies the bytes from `start` to `end` to a place in others. */
export function copyBytes(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): void {
  if (end - start <= FEW_BYTES) { for (let i = start; i < end; i++) into[at++] = from[i]!; }
  else into.set(start === 0 && end === from.length ? from : from.subarray(start, end), at);
}

/** Puts pieces together, copying each once. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
