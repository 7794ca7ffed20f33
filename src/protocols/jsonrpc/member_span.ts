import type { Span } from "./envelope.ts";
import { MAX_DEPTH, skipSpace, skipString, skipValue } from "./json_scan.ts";

const LEFT_BRACE = 0x7b;
const RIGHT_BRACE = 0x7d;
const COMMA = 0x2c;

/** Where the value of an object's member stands; undefined when there is none, or the bytes are no object. */
export function memberSpan(bytes: Uint8Array, start: number, name: Uint8Array): Span | undefined {
  if (bytes[start] !== LEFT_BRACE) return undefined;
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === RIGHT_BRACE) return undefined;
  for (;;) {
    const key = at + 1;
    at = skipString(bytes, at);
    if (at < 0) return undefined;
    const isWanted = at - 1 - key === name.length && name.every((byte, index) => bytes[key + index] === byte);
    const value = skipSpace(bytes, skipSpace(bytes, at) + 1);
    at = skipValue(bytes, value, MAX_DEPTH);
    if (at < 0) return undefined;
    if (isWanted) return { start: value, end: at };
    at = skipSpace(bytes, at);
    if (bytes[at] !== COMMA) return undefined;
    at = skipSpace(bytes, at + 1);
  }
}
