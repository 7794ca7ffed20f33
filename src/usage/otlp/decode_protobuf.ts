import type { AttributeValue, ReceivedRecord } from "../usage_row.ts";

/*
 * Protobuf as opentelemetry/proto/logs/v1/logs.proto has it: the numbers of the fields that are read. Other fields are
 * skipped, as the format wants it.
 */
const REQUEST_RESOURCE_LOGS = 1;
const RESOURCE_LOGS_SCOPE_LOGS = 2;
const SCOPE_LOGS_LOG_RECORDS = 2;
const RECORD_TIME = 1;
const RECORD_BODY = 5;
const RECORD_ATTRIBUTES = 6;
const RECORD_OBSERVED_TIME = 11;
const RECORD_EVENT_NAME = 12;
const KEY_VALUE_KEY = 1;
const KEY_VALUE_VALUE = 2;
const ANY_STRING = 1;
const ANY_BOOL = 2;
const ANY_INT = 3;
const ANY_DOUBLE = 4;

/** The records of an export request in OTLP's Protobuf. Throws on bytes that are none. */
export function decodeProtobufRequest(bytes: Uint8Array): ReceivedRecord[] {
  const reader = new Reader(bytes);
  const records: ReceivedRecord[] = [];
  reader.eachOf(
    bytes.length,
    REQUEST_RESOURCE_LOGS,
    (ofResource) =>
      reader.eachOf(
        ofResource,
        RESOURCE_LOGS_SCOPE_LOGS,
        (ofScope) =>
          reader.eachOf(ofScope, SCOPE_LOGS_LOG_RECORDS, (end) => void records.push(readRecord(reader, end))),
      ),
  );
  return records;
}

interface Attributes {
  readonly attributes: Map<string, AttributeValue>;
  doubles?: Set<string>;
}

function readRecord(reader: Reader, end: number): ReceivedRecord {
  const read: Attributes = { attributes: new Map() };
  let timeUnixMs = 0;
  let observedUnixMs = 0;
  let body: AttributeValue | undefined;
  let eventName = "";
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === (RECORD_ATTRIBUTES << 3 | 2)) readAttribute(reader, reader.open(end), read);
    else if (tag === (RECORD_TIME << 3 | 1)) timeUnixMs = reader.nanosAsMs(end);
    else if (tag === (RECORD_BODY << 3 | 2)) body = readAny(reader, reader.open(end));
    else if (tag === (RECORD_OBSERVED_TIME << 3 | 1)) observedUnixMs = reader.nanosAsMs(end);
    else if (tag === (RECORD_EVENT_NAME << 3 | 2)) eventName = reader.text(reader.open(end));
    else reader.skip(tag, end);
  }
  reader.expectAt(end);
  // A time of 0 is none; when the record was made is near it.
  timeUnixMs ||= observedUnixMs || NaN;
  return { name: typeof body === "string" ? body : eventName, timeUnixMs, ...read };
}

function readAttribute(reader: Reader, end: number, read: Attributes): void {
  let key = "";
  let value: AttributeValue | undefined;
  let isDouble = false;
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === (KEY_VALUE_KEY << 3 | 2)) key = reader.text(reader.open(end));
    else if (tag === (KEY_VALUE_VALUE << 3 | 2)) {
      const valueEnd = reader.open(end);
      isDouble = reader.peek() === (ANY_DOUBLE << 3 | 1);
      value = readAny(reader, valueEnd);
    } else reader.skip(tag, end);
  }
  reader.expectAt(end);
  if (value !== undefined) read.attributes.set(key, value);
  if (isDouble) (read.doubles ??= new Set()).add(key);
}

/** A value of a simple type; undefined for lists, maps, bytes and none. */
function readAny(reader: Reader, end: number): AttributeValue | undefined {
  let value: AttributeValue | undefined;
  while (reader.at < end) {
    const tag = reader.varint();
    if (tag === (ANY_STRING << 3 | 2)) value = reader.text(reader.open(end));
    else if (tag === (ANY_INT << 3)) value = reader.int64();
    else if (tag === (ANY_BOOL << 3)) value = reader.varint() !== 0;
    else if (tag === (ANY_DOUBLE << 3 | 1)) value = reader.double(end);
    else {
      reader.skip(tag, end);
      value = undefined;
    }
  }
  reader.expectAt(end);
  return value;
}

// deno-lint-ignore no-control-regex -- what is not ASCII is looked for
const ASCII = /^[\u0000-\u007f]*$/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Walks through a message. Every length is checked against the message around it. */
class Reader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** One character for each byte: texts are ASCII as a rule, and are cut out of it in a third of the time. */
  readonly #chars: string;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#chars = new TextDecoder("latin1").decode(bytes);
  }

  /** Runs `read` for each field with that number, which holds a message, and skips all others. */
  eachOf(end: number, field: number, read: (end: number) => void): void {
    while (this.at < end) {
      const tag = this.varint();
      if (tag === (field << 3 | 2)) read(this.open(end));
      else this.skip(tag, end);
    }
    this.expectAt(end);
  }

  /** Reads a length; comes back with where what it measures ends. */
  open(end: number): number {
    const length = this.varint();
    const innerEnd = this.at + length;
    if (innerEnd > end) throw new Error("a length goes beyond its message");
    return innerEnd;
  }

  /** The next byte, unread. */
  peek(): number {
    return this.#bytes[this.at] ?? -1;
  }

  expectAt(end: number): void {
    if (this.at !== end) throw new Error("a field goes beyond its message");
  }

  /** A varint; exact up to 2^53. */
  varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.at++];
    if (byte !== undefined && byte < 0x80) return byte;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (byte === undefined) break;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
      byte = bytes[this.at++];
    }
    throw new Error("a number has no end");
  }

  int64(): number | bigint {
    const start = this.at;
    const value = this.varint();
    if (value <= Number.MAX_SAFE_INTEGER) return value;
    let big = 0n;
    for (let at = this.at - 1; at >= start; at--) big = big << 7n | BigInt(this.#bytes[at]! & 0x7f);
    big = BigInt.asIntN(64, big);
    const int = Number(big);
    return Number.isSafeInteger(int) ? int : big;
  }

  double(end: number): number {
    return this.#view.getFloat64(this.#take(8, end), true);
  }

  /** 64 bits of nanoseconds in milliseconds. */
  nanosAsMs(end: number): number {
    return Number(this.#view.getBigUint64(this.#take(8, end), true) / 1_000_000n);
  }

  /** The text up to `end`. */
  text(end: number): string {
    const start = this.at;
    this.at = end;
    const text = this.#chars.slice(start, end);
    return ASCII.test(text) ? text : utf8.decode(this.#bytes.subarray(start, end));
  }

  /** Skips a field that is not read. */
  skip(tag: number, end: number): void {
    switch (tag & 7) {
      case 0:
        this.varint();
        break;
      case 1:
        this.#take(8, end);
        break;
      case 2:
        this.at = this.open(end);
        break;
      case 5:
        this.#take(4, end);
        break;
      default:
        throw new Error("a field has a wire type that is none");
    }
  }

  #take(count: number, end: number): number {
    const start = this.at;
    if (start + count > end) throw new Error("a field goes beyond its message");
    this.at = start + count;
    return start;
  }
}
