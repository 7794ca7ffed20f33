/**
 * A strict JSON scanner (RFC 8259) over bytes: finds where values end, builds nothing.
 *
 * The relay needs to know where a message's id stands and that the message is whole; the values themselves pass
 * through. Iterative, so that nesting costs no stack, and without allocations.
 */

/** Returned instead of a position: the bytes are not JSON. */
export const NOT_JSON = -1;
/** Returned instead of a position: deeper nested than allowed. */
export const TOO_DEEP = -2;
/** Hard limit on nesting, the same as in Go's decoder. */
export const MAX_DEPTH = 10_000;

const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const COLON = 0x3a;
const LEFT_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const LEFT_BRACE = 0x7b;
const RIGHT_BRACE = 0x7d;

/** The closing byte of each open container. Scanning is synchronous, so that one stack serves all. */
const closers = new Uint8Array(MAX_DEPTH);

/** Position of the first byte at or after `at` that is not white space. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  for (;;) {
    const byte = bytes[at];
    // What nearly always stands there is told by one look.
    if (byte === undefined || byte > 0x20) return at;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at;
    at++;
  }
}

/** Position after the string that starts at `at`, or {@linkcode NOT_JSON}. */
export function skipString(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) return NOT_JSON;
  at++;
  for (;;) {
    const byte = bytes[at++];
    if (byte === QUOTE) return at;
    if (byte === undefined || byte < 0x20) return NOT_JSON;
    if (byte !== BACKSLASH) continue;
    at = skipEscape(bytes, at);
    if (at < 0) return at;
  }
}

/**
 * Position after the value that starts at `at` (white space before it allowed), or {@linkcode NOT_JSON}, or
 * {@linkcode TOO_DEEP} when containers nest deeper than `maxDepth`.
 */
export function skipValue(bytes: Uint8Array, at: number, maxDepth: number): number {
  let depth = 0;
  for (;;) {
    at = skipSpace(bytes, at);
    const first = bytes[at];
    if (first === LEFT_BRACE || first === LEFT_BRACKET) {
      if (depth >= maxDepth || depth >= MAX_DEPTH) return TOO_DEEP;
      const closer = first + 2;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] === closer) {
        at++;
      } else {
        closers[depth++] = closer;
        if (closer === RIGHT_BRACE && (at = skipKey(bytes, at)) < 0) return at;
        continue;
      }
    } else {
      at = skipScalar(bytes, at, first);
      if (at < 0) return at;
    }
    // A value has ended: close containers until another value is due.
    for (;;) {
      if (depth === 0) return at;
      at = skipSpace(bytes, at);
      const closer = closers[depth - 1];
      const byte = bytes[at++];
      if (byte === closer) {
        depth--;
        continue;
      }
      if (byte !== COMMA) return NOT_JSON;
      if (closer === RIGHT_BRACE && (at = skipKey(bytes, skipSpace(bytes, at))) < 0) return at;
      break;
    }
  }
}

/** Position after the key that starts at `at` and its colon. */
function skipKey(bytes: Uint8Array, at: number): number {
  at = skipString(bytes, at);
  if (at < 0) return at;
  at = skipSpace(bytes, at);
  return bytes[at] === COLON ? at + 1 : NOT_JSON;
}

/** Position after the string, number or literal that starts at `at`. */
function skipScalar(bytes: Uint8Array, at: number, first: number | undefined): number {
  switch (first) {
    case QUOTE:
      return skipString(bytes, at);
    case 0x74: // t
      return bytes[at + 1] === 0x72 && bytes[at + 2] === 0x75 && bytes[at + 3] === 0x65 ? at + 4 : NOT_JSON;
    case 0x66: // f
      return bytes[at + 1] === 0x61 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x73 && bytes[at + 4] === 0x65
        ? at + 5
        : NOT_JSON;
    case 0x6e: // n
      return bytes[at + 1] === 0x75 && bytes[at + 2] === 0x6c && bytes[at + 3] === 0x6c ? at + 4 : NOT_JSON;
    default:
      return skipNumber(bytes, at);
  }
}

function skipNumber(bytes: Uint8Array, at: number): number {
  if (bytes[at] === MINUS) at++;
  if (bytes[at] === 0x30) at++;
  else if ((at = skipDigits(bytes, at)) < 0) return at;
  if (bytes[at] === 0x2e && (at = skipDigits(bytes, at + 1)) < 0) return at;
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    at++;
    if (bytes[at] === 0x2b || bytes[at] === MINUS) at++;
    return skipDigits(bytes, at);
  }
  return at;
}

/** Position after one or more digits. */
function skipDigits(bytes: Uint8Array, at: number): number {
  const start = at;
  while (isDigit(bytes[at])) at++;
  return at > start ? at : NOT_JSON;
}

/** Position after the escape whose backslash stands before `at`. */
function skipEscape(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case QUOTE:
    case BACKSLASH:
    case 0x2f: // slash
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return at + 1;
    case 0x75: // u
      return isHex(bytes[at + 1]) && isHex(bytes[at + 2]) && isHex(bytes[at + 3]) && isHex(bytes[at + 4])
        ? at + 5
        : NOT_JSON;
    default:
      return NOT_JSON;
  }
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}

function isHex(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  return isDigit(byte) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}
