import { NOT_JSON, skipSpace, skipString, skipValue } from "./json_scan.ts";

/** Part of a body: from its first byte to after its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Part of an array of bytes, of which no view is made: that would cost more than to copy the few bytes it has. */
export interface Piece extends Span {
  readonly bytes: Uint8Array;
}

/** Name of a member that JSON-RPC gives a meaning to. */
export type EnvelopeMember = "jsonrpc" | "id" | "method" | "params" | "result" | "error";

/** Where the members of one JSON-RPC message stand: a request or a response. Undefined for those it does not have. */
export class Envelope implements Piece {
  readonly bytes: Uint8Array;
  readonly start: number;
  end: number;
  jsonrpc: Piece | undefined;
  id: Piece | undefined;
  method: Piece | undefined;
  params: Piece | undefined;
  result: Piece | undefined;
  error: Piece | undefined;
  /** A member that stands twice, so that what it means is anyone's guess; the id where that is one of several. */
  repeated: EnvelopeMember | undefined;

  constructor(bytes: Uint8Array, start: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = start;
  }

  /** Notes where a member stands. */
  note(member: EnvelopeMember, piece: Piece): void {
    // By name: an object that is written to by a name which is known only then is slow in all its members.
    let before: Piece | undefined;
    switch (member) {
      case "jsonrpc":
        before = this.jsonrpc;
        this.jsonrpc = piece;
        break;
      case "id":
        before = this.id;
        this.id = piece;
        break;
      case "method":
        before = this.method;
        this.method = piece;
        break;
      case "params":
        before = this.params;
        this.params = piece;
        break;
      case "result":
        before = this.result;
        this.result = piece;
        break;
      case "error":
        before = this.error;
        this.error = piece;
    }
    if (before !== undefined && this.repeated !== "id") this.repeated = member;
  }
}

interface KnownMember {
  readonly name: EnvelopeMember;
  readonly bytes: Uint8Array;
}

const MEMBERS: readonly KnownMember[] = (["jsonrpc", "id", "method", "params", "result", "error"] as const)
  .map((name) => ({ name, bytes: new TextEncoder().encode(name) }));
/** No two of them start alike. */
const MEMBER_BY_FIRST_BYTE: readonly (KnownMember | undefined)[] = Array.from(
  { length: 256 },
  (_, byte) => MEMBERS.find(({ bytes }) => bytes[0] === byte),
);
const BACKSLASH = 0x5c;

/**
 * Scans the object that starts at `start` and notes where the members of JSON-RPC stand in it.
 *
 * Comes back with a negative number, as `skipValue` does, when the bytes are not JSON or nest too deep.
 */
export function scanEnvelope(bytes: Uint8Array, start: number, maxDepth: number): Envelope | number {
  const found = new Envelope(bytes, start);
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
    if (member !== undefined) found.note(member, { bytes, start: valueStart, end: at });
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
  const known = start < end ? MEMBER_BY_FIRST_BYTE[bytes[start]!] : undefined;
  if (known?.bytes.length === end - start && startsWith(bytes, start, known.bytes)) return known.name;
  if (bytes.subarray(start, end).includes(BACKSLASH)) {
    const text = readString(bytes, { start: start - 1, end: end + 1 });
    return MEMBERS.find(({ name }) => name === text)?.name;
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
