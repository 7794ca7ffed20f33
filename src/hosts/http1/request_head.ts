import type { HeaderSource } from "../request_headers.ts";
import type { Refusal } from "./refusal.ts";

/** Most bytes of a request's target. */
export const MAX_TARGET_BYTES = 16_384;
/** Most bytes of a verb. */
export const MAX_VERB_BYTES = 32;
/** Most header fields of a request. */
const MAX_FIELDS = 128;

const TOKEN = 1;
const VALUE = 2;
const TARGET = 4;
/** What each byte may be a part of. */
const KINDS = kinds();
/** The small letter of each byte. */
const LOWER = Uint8Array.from({ length: 256 }, (_, byte) => byte >= 65 && byte <= 90 ? byte + 32 : byte);

const TAB = 9;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const SPACE = 32;
const COLON = 58;

/** How long the body is that a head announces; {@linkcode CHUNKED} where its chunks say so. */
export type BodyLength = number;
/** The body comes in chunks. */
export const CHUNKED = -1;

/** What a head says that is for the server alone. */
interface HeadFacts {
  readonly verb: string;
  readonly path: string;
  readonly query: string;
  readonly bodyLength: BodyLength;
  /** Whether the client takes the connection for one that goes on. */
  readonly isPersistent: boolean;
  /** The client speaks HTTP/1.0. */
  readonly isOld: boolean;
  /** The client waits to be told that its body is wanted. */
  readonly expectsContinue: boolean;
  /** The client asks for a WebSocket. */
  readonly isUpgrade: boolean;
}

/** Where a field stands in the bytes of its head. */
interface Field {
  readonly nameStart: number;
  readonly nameEnd: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  value?: string;
}

/** Whether a byte may begin a request. */
export function canBegin(byte: number): boolean {
  return (KINDS[byte]! & TOKEN) !== 0;
}

/** The head of a request, of which header fields are made texts only where somebody asks for them. */
export class RequestHead implements HeaderSource {
  /** The head as it came, with the empty line at its end. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly verb: string;
  readonly path: string;
  readonly query: string;
  readonly bodyLength: BodyLength;
  readonly isPersistent: boolean;
  readonly isOld: boolean;
  readonly expectsContinue: boolean;
  readonly isUpgrade: boolean;
  readonly #fields: Fields;

  constructor(bytes: Uint8Array<ArrayBuffer>, fields: Fields, facts: HeadFacts) {
    this.bytes = bytes;
    this.#fields = fields;
    this.verb = facts.verb;
    this.path = facts.path;
    this.query = facts.query;
    this.bodyLength = facts.bodyLength;
    this.isPersistent = facts.isPersistent;
    this.isOld = facts.isOld;
    this.expectsContinue = facts.expectsContinue;
    this.isUpgrade = facts.isUpgrade;
  }

  get(name: string): string | null {
    return this.#fields.get(name);
  }
}

/** The fields of a head. Names that it does not have, which are most that are asked for, cost next to nothing. */
class Fields implements HeaderSource {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #list: Field[] = [];
  /** A bit for each length and first letter of a name, of which several share one. */
  #present = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.#bytes = bytes;
  }

  get count(): number {
    return this.#list.length;
  }

  add(nameStart: number, nameEnd: number, valueStart: number, valueEnd: number): void {
    this.#present |= bitOf(nameEnd - nameStart, LOWER[this.#bytes[nameStart]!]!);
    this.#list.push({ nameStart, nameEnd, valueStart, valueEnd });
  }

  get(name: string): string | null {
    if ((this.#present & bitOf(name.length, name.charCodeAt(0))) === 0) return null;
    let found: string | null = null;
    for (const field of this.#list) {
      if (!this.#isNamed(field, name)) continue;
      const value = field.value ??= latin1(this.#bytes, field.valueStart, field.valueEnd);
      found = found === null ? value : `${found}, ${value}`;
    }
    return found;
  }

  /** How often a field stands there. */
  countOf(name: string): number {
    if ((this.#present & bitOf(name.length, name.charCodeAt(0))) === 0) return 0;
    let count = 0;
    for (const field of this.#list) if (this.#isNamed(field, name)) count++;
    return count;
  }

  #isNamed({ nameStart, nameEnd }: Field, name: string): boolean {
    if (nameEnd - nameStart !== name.length) return false;
    for (let i = 0; i < name.length; i++) {
      if (LOWER[this.#bytes[nameStart + i]!] !== name.charCodeAt(i)) return false;
    }
    return true;
  }
}

function bitOf(length: number, letter: number): number {
  return 1 << ((length * 5 + letter) & 31);
}

/**
 * Reads the head of a request: all of its bytes, the empty line at its end included. Strict: what two readers could take
 * differently is refused.
 */
export function parseHead(bytes: Uint8Array<ArrayBuffer>): RequestHead | Refusal {
  let at = 0;
  while (KINDS[bytes[at]!]! & TOKEN) at++;
  if (at === 0 || at > MAX_VERB_BYTES || bytes[at] !== SPACE) return 400;
  const verb = latin1(bytes, 0, at);
  const targetStart = ++at;
  while (KINDS[bytes[at]!]! & TARGET) at++;
  if (at - targetStart > MAX_TARGET_BYTES) return 414;
  if (at === targetStart || bytes[at] !== SPACE) return 400;
  const target = latin1(bytes, targetStart, at);
  const version = VERSION.exec(latin1(bytes, at + 1, at + 11));
  if (version === null) return 400;
  if (version[1] !== "1.1" && version[1] !== "1.0") return 505;
  const fields = readFields(bytes, at + 11);
  if (typeof fields === "number") return fields;
  const isOld = version[1] === "1.0";
  const hosts = fields.countOf("host");
  if (hosts > 1 || (hosts === 0 && !isOld) || !HOST.test(fields.get("host") ?? "")) return 400;
  const place = readTarget(verb, target);
  const bodyLength = readBodyLength(fields, isOld);
  if (place === undefined) return 400;
  if (bodyLength.kind === "refusal") return bodyLength.status;
  const expectation = isOld ? null : fields.get("expect");
  if (expectation !== null && expectation.toLowerCase() !== "100-continue") return 417;
  const { length } = bodyLength;
  return new RequestHead(bytes, fields, {
    verb,
    ...place,
    bodyLength: length,
    // What a proxy would do behind `CONNECT` is not to be taken for requests.
    isPersistent: isPersistent(fields.get("connection"), isOld) && verb !== "CONNECT",
    isOld,
    expectsContinue: expectation !== null && length !== 0,
    isUpgrade: !isOld && verb === "GET" && length === 0 && fields.get("upgrade")?.toLowerCase() === "websocket",
  });
}

const VERSION = /^HTTP\/(\d\.\d)\r\n$/;
/** A name or an address, and perhaps a port. */
const HOST = /^[!$%&'()*+,\-.0-9:;=A-Z[\]_a-z~]*$/;
/** Where the path begins in a target that names the server too. */
const AUTHORITY = /^https?:\/\/[!$%&'()*+,\-.0-9:;=[\]_a-z~]+(?=[/?]|$)/i;

function readFields(bytes: Uint8Array<ArrayBuffer>, from: number): Fields | Refusal {
  const fields = new Fields(bytes);
  const last = bytes.length - 2;
  let at = from;
  while (at < last) {
    const nameStart = at;
    while (KINDS[bytes[at]!]! & TOKEN) at++;
    const nameEnd = at;
    if (nameEnd === nameStart || bytes[at++] !== COLON) return 400;
    while (isBlank(bytes[at])) at++;
    const valueStart = at;
    while (KINDS[bytes[at]!]! & VALUE) at++;
    if (bytes[at] !== CARRIAGE_RETURN || bytes[at + 1] !== LINE_FEED) return 400;
    let valueEnd = at;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1])) valueEnd--;
    if (fields.count === MAX_FIELDS) return 431;
    fields.add(nameStart, nameEnd, valueStart, valueEnd);
    at += 2;
  }
  return at === last ? fields : 400;
}

function readTarget(verb: string, target: string): { readonly path: string; readonly query: string } | undefined {
  if (verb === "CONNECT" || (target === "*" && verb === "OPTIONS")) return { path: target, query: "" };
  const rest = target.startsWith("/") ? target : AUTHORITY.test(target) ? target.replace(AUTHORITY, "") : undefined;
  if (rest === undefined) return undefined;
  const mark = rest.indexOf("?");
  if (mark < 0) return { path: rest || "/", query: "" };
  return { path: rest.slice(0, mark) || "/", query: rest.slice(mark + 1) };
}

/** How long the body is. One whose end could be found in two ways is how requests are smuggled past proxies. */
function readBodyLength(
  fields: Fields,
  isOld: boolean,
): { readonly kind: "length"; readonly length: BodyLength } | { readonly kind: "refusal"; readonly status: Refusal } {
  const [length, coding] = [fields.get("content-length"), fields.get("transfer-encoding")];
  if (coding !== null) {
    if (length !== null || isOld) return BAD_LENGTH;
    const codings = coding.toLowerCase();
    if (codings === "chunked") return { kind: "length", length: CHUNKED };
    const names = codings.split(",").map((name) => name.trim());
    const isUnknown = names.pop() === "chunked" && names.every((name) => /^[a-z-]+$/.test(name) && name !== "chunked");
    return isUnknown ? UNKNOWN_CODING : BAD_LENGTH;
  }
  if (length === null) return NO_BODY;
  // Also where it stands there twice. Fifteen digits fit into a number exactly.
  return /^\d{1,15}$/.test(length) ? { kind: "length", length: Number(length) } : BAD_LENGTH;
}

const NO_BODY = { kind: "length", length: 0 } as const;
const BAD_LENGTH = { kind: "refusal", status: 400 } as const;
const UNKNOWN_CODING = { kind: "refusal", status: 501 } as const;

function isPersistent(connection: string | null, isOld: boolean): boolean {
  if (connection === null) return !isOld;
  const options = connection.toLowerCase().split(",").map((option) => option.trim());
  return !options.includes("close") && (!isOld || options.includes("keep-alive"));
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

/** One character for each byte. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  // A head is never so long that the stack would be too small.
  return String.fromCharCode.apply(null, bytes.subarray(start, end) as unknown as number[]);
}

function kinds(): Uint8Array {
  const table = new Uint8Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const char = String.fromCharCode(byte);
    if (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(char)) table[byte]! |= TOKEN;
    if (/[\t \x21-\x7e\x80-\xff]/.test(char)) table[byte]! |= VALUE;
    // What is not ASCII is to be encoded, and what stands behind `#` is not to be sent.
    if (/[\x21\x22\x24-\x7e]/.test(char)) table[byte]! |= TARGET;
  }
  return table;
}
