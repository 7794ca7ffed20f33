import { failure, type RelayError } from "../../domain/relay_error.ts";
import type { Dialect } from "./dialect.ts";
import { type Envelope, type Piece, readString, scanEnvelope, type Span, startsWith } from "./envelope.ts";
import { NOT_JSON, skipSpace, skipValue, TOO_DEEP } from "./json_scan.ts";
import { NULL_JSON } from "./message.ts";
import { NameTable } from "./name_table.ts";

/** Deepest nesting of a request. */
const MAX_REQUEST_DEPTH = 128;
/** Longest method name in bytes. No chain comes near; it bounds what an unknown name costs in the bill. */
const MAX_METHOD_BYTES = 256;

const LEFT_BRACKET = 0x5b;
const LEFT_BRACE = 0x7b;
const QUOTE = 0x22;
const NULL = 0x6e;

/** One call of the body, in its caller's own bytes. */
export interface DecodedCall {
  readonly name: string;
  readonly method: Piece;
  readonly params: Piece | undefined;
  /** Undefined for a notification, which gets no answer. */
  readonly id: Piece | undefined;
}

/** One element of the body: a call, or what is wrong with it. */
export type DecodedElement =
  | { readonly kind: "call"; readonly call: DecodedCall }
  | { readonly kind: "failure"; readonly error: RelayError; readonly id: Piece | undefined };

/** An element, and the position after it; a negative number when it is no JSON. */
type PlacedElement = { readonly element: DecodedElement; readonly end: number } | number;

/** What a body holds: its elements (one when it is no batch), or why it can't be read. */
export type DecodedBody =
  | { readonly kind: "body"; readonly isBatch: boolean; readonly elements: readonly DecodedElement[] }
  | { readonly kind: "failure"; readonly error: RelayError };

/**
 * Reads a JSON-RPC body.
 *
 * The envelope is checked here and not left to the node, since nodes differ in what they make of a broken one. Params
 * are checked to be JSON and are otherwise the node's business.
 */
export function decodeBody(bytes: Uint8Array, maxBatchSize: number, version: Dialect["version"] = "2.0"): DecodedBody {
  if (!isUtf8(bytes)) return failure("parse_error", "Parse error: the body is not valid UTF-8");
  const start = skipSpace(bytes, 0);
  const isBatch = bytes[start] === LEFT_BRACKET;
  const decoded = isBatch ? decodeBatch(bytes, start, maxBatchSize, version) : decodeElement(bytes, start, version);
  if (typeof decoded === "object" && "error" in decoded) return decoded;
  if (decoded === TOO_DEEP) {
    return failure("invalid_request", `Invalid request: nested deeper than ${MAX_REQUEST_DEPTH} levels`);
  }
  if (typeof decoded === "number" || skipSpace(bytes, decoded.end) !== bytes.length) {
    return failure("parse_error", "Parse error: the body is not valid JSON");
  }
  const elements = "elements" in decoded ? decoded.elements : [decoded.element];
  if (elements.length === 0) return failure("invalid_request", "Invalid request: the batch is empty");
  return { kind: "body", isBatch, elements };
}

/** Decodes the elements of the array at `start`; a negative number when it is no JSON. */
function decodeBatch(
  bytes: Uint8Array,
  start: number,
  maxBatchSize: number,
  version: Dialect["version"],
): { readonly elements: DecodedElement[]; readonly end: number } | number | ReturnType<typeof failure> {
  const elements: DecodedElement[] = [];
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === 0x5d) return { elements, end: at + 1 };
  for (;;) {
    if (elements.length === maxBatchSize) {
      return failure("batch_too_large", `batch has more than ${maxBatchSize} calls; send smaller ones`);
    }
    const placed = decodeElement(bytes, at, version);
    if (typeof placed === "number") return placed;
    elements.push(placed.element);
    at = skipSpace(bytes, placed.end);
    const byte = bytes[at++];
    if (byte === 0x5d) return { elements, end: at };
    if (byte !== 0x2c) return NOT_JSON;
    at = skipSpace(bytes, at);
  }
}

/** Decodes the value at `at` as a request object. */
function decodeElement(bytes: Uint8Array, at: number, version: Dialect["version"]): PlacedElement {
  if (bytes[at] !== LEFT_BRACE) {
    const end = skipValue(bytes, at, MAX_REQUEST_DEPTH);
    if (end < 0) return end;
    return { element: invalid("a request is an object with jsonrpc, method, params and id", undefined), end };
  }
  const envelope = scanEnvelope(bytes, at, MAX_REQUEST_DEPTH);
  if (typeof envelope === "number") return envelope;
  const element = version === "2.0" ? checkEnvelope(bytes, envelope) : checkEnvelope1(bytes, envelope);
  return { element, end: envelope.end };
}

/** Checks what JSON-RPC 1.0 says about a request object. Its callers write all versions, and often none. */
function checkEnvelope1(bytes: Uint8Array, envelope: Envelope): DecodedElement {
  const { jsonrpc, id } = envelope;
  if (jsonrpc !== undefined && !isVersion(bytes, jsonrpc, ["1.0", "1.1", "2.0"])) {
    return invalid('jsonrpc must be "1.0"', id);
  }
  const element = checkEnvelope(bytes, envelope, true);
  if (element.kind === "failure" || id !== undefined || isVersion(bytes, jsonrpc, ["2.0"])) return element;
  return { kind: "call", call: { ...element.call, id: NULL_JSON } };
}

/** Checks what JSON-RPC 2.0 says about a request object. */
function checkEnvelope(bytes: Uint8Array, envelope: Envelope, isAnyVersion = false): DecodedElement {
  const { method, id } = envelope;
  if (envelope.repeated === "id") return invalid("member id stands twice", undefined);
  if (id !== undefined && !isId(bytes[id.start]!)) return invalid("id must be a string, a number or null", undefined);
  if (envelope.repeated !== undefined) return invalid(`member ${envelope.repeated} stands twice`, id);
  if (!isAnyVersion && !isVersion(bytes, envelope.jsonrpc, ["2.0"])) return invalid('jsonrpc must be "2.0"', id);
  if (method === undefined || bytes[method.start] !== QUOTE) return invalid("method must be a string", id);
  if (method.end - method.start - 2 > MAX_METHOD_BYTES) {
    return invalid(`method is longer than ${MAX_METHOD_BYTES} bytes`, id);
  }
  const params = paramsOf(envelope.params);
  if (params === null) return invalid("params must be an array or an object", id);
  return { kind: "call", call: { name: names.read(bytes, method), method, params, id } };
}

function invalid(reason: string, id: Piece | undefined): DecodedElement {
  return { ...failure("invalid_request", `Invalid request: ${reason}`), id };
}

/** Callers use few methods, again and again. */
const names = new NameTable();

function isVersion(bytes: Uint8Array, span: Span | undefined, versions: readonly string[]): boolean {
  // What nearly all say is told without making a text of it.
  if (span !== undefined && span.end - span.start === TWO.length && startsWith(bytes, span.start, TWO)) {
    return versions.includes("2.0");
  }
  return span !== undefined && bytes[span.start] === QUOTE && versions.includes(readString(bytes, span));
}

const TWO = new TextEncoder().encode('"2.0"');

/** Whether a value that starts with this byte can be an id: a string, a number, null. */
function isId(first: number): boolean {
  return first === QUOTE || first === NULL || first === 0x2d || (first >= 0x30 && first <= 0x39);
}

/** The params to send on; undefined for none (null counts as none, as it does with most nodes), null for invalid ones. */
function paramsOf(params: Piece | undefined): Piece | undefined | null {
  if (params === undefined) return undefined;
  const first = params.bytes[params.start];
  if (first === LEFT_BRACE || first === LEFT_BRACKET) return params;
  return first === NULL ? undefined : null;
}

function isUtf8(bytes: Uint8Array): boolean {
  if (isAscii(bytes)) return true;
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function isAscii(bytes: Uint8Array): boolean {
  let all = 0;
  for (let i = 0; i < bytes.length; i++) all |= bytes[i]!;
  return all <= 0x7f;
}
