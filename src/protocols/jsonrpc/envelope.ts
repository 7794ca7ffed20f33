import { NOT_JSON, skipSpace, skipString, skipValue } from "./json_scan.ts";

/** Part of a body: from its first byte to after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the members of one JSON-RPC message stand: a request or a response. */
export interface Envelope extends Span {
  jsonrpc?: Span;
  id?: Span;
  method?: Span;
  params?: Span;
  result?: Span;
  error?: Span;
  /** A member that stands twice, so that what it means is anyone's guess; the id where that is one of several. */
  repeated?: EnvelopeMember;
}

const MEMBERS = ["jsonrpc", "id", "method", "params", "result", "error"] as const;

/** Name of a member that JSON-RPC gives a meaning to. */
export type EnvelopeMember = typeof MEMBERS[number];

const MEMBER_BYTES = MEMBERS.map((name) => ({ name, bytes: new TextEncoder().encode(name) }));
const BACKSLASH = 0x5c;

/**
 * Scans the object that starts at `start` and notes where the members of JSON-RPC stand in it.
 *
 * Comes back with a negative number, as `skipValue` does, when the bytes are not JSON or nest too deep.
 */
export function scanEnvelope(bytes: Uint8Array, start: number, maxDepth: number): Envelope | number {
  const found: { -readonly [Key in keyof Envelope]: Envelope[Key] } = { start, end: start };
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === 0x7d) {
    found.end = at + 1;
    return found;
  }
  for (;;) {
    const keyStart = at;
    at = skipString(bytes, at);
    if (at < 0) return at;
    const member = memberAt(bytes, keyStart + 1, at - 1);
    at = skipSpace(bytes, at);
    if (bytes[at] !== 0x3a) return NOT_JSON;
    const valueStart = skipSpace(bytes, at + 1);
    at = skipValue(bytes, valueStart, maxDepth - 1);
    if (at < 0) return at;
    if (member !== undefined) {
      if (found[member] !== undefined && found.repeated !== "id") found.repeated = member;
      found[member] = { start: valueStart, end: at };
    }
    at = skipSpace(bytes, at);
    const byte = bytes[at];
    if (byte === 0x7d) {
      found.end = at + 1;
      return found;
    }
    if (byte !== 0x2c) return NOT_JSON;
    at = skipSpace(bytes, at + 1);
  }
}

/** The member whose name stands between the quotes, if JSON-RPC knows it. */
function memberAt(bytes: Uint8Array, start: number, end: number): EnvelopeMember | undefined {
  for (const { name, bytes: expected } of MEMBER_BYTES) {
    if (end - start === expected.length && startsWith(bytes, start, expected)) return name;
  }
  if (bytes.subarray(start, end).includes(BACKSLASH)) {
    const name = readString(bytes, { start: start - 1, end: end + 1 });
    return MEMBERS.find((member) => member === name);
  }
  return undefined;
}

/** Whether the bytes at `start` are the expected ones. */
export function startsWith(bytes: Uint8Array, start: number, expected: Uint8Array): boolean {
  for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected[i]) return false;
  return true;
}

/** The text of a JSON string, escapes resolved. */
export function readString(bytes: Uint8Array, { start, end }: Span): string {
  let text = "";
  for (let i = start + 1; i < end - 1; i++) {
    const byte = bytes[i]!;
    if (byte === BACKSLASH || byte > 0x7e) return JSON.parse(new TextDecoder().decode(bytes.subarray(start, end)));
    text += String.fromCharCode(byte);
  }
  return text;
}
