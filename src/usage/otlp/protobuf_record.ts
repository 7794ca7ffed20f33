import type { UsageEvent } from "../../domain/usage_event.ts";
import { type AttributeField, cleanDouble, cleanInt, cleanText } from "../attributes.ts";
import { type HrTime, SEVERITY_INFO, type UsageLogRecord } from "../log_record.ts";
import type { ByteBuffer } from "./byte_buffer.ts";
import { BYTES, FIXED64, open, string, tag, VARINT } from "./protobuf.ts";

const SCOPE_LOGS_LOG_RECORDS = tag(2, BYTES);
const RECORD_TIME = tag(1, FIXED64);
const RECORD_SEVERITY_NUMBER = tag(2, VARINT);
const RECORD_BODY = tag(5, BYTES);
const RECORD_ATTRIBUTES = tag(6, BYTES);
const RECORD_OBSERVED_TIME = tag(11, FIXED64);
const RECORD_EVENT_NAME = tag(12, BYTES);
const KEY_VALUE_KEY = tag(1, BYTES);
const KEY_VALUE_VALUE = tag(2, BYTES);
const ANY_STRING = tag(1, BYTES);
const ANY_BOOL = tag(2, VARINT);
const ANY_INT = tag(3, VARINT);
const ANY_DOUBLE = tag(4, FIXED64);

/** Where a relay's record says when it was made, counted back from its end: its name alone comes after that. */
export const OBSERVED_BEFORE_END = 8 + 2 + "relay_usage".length;

/** Where values of a record end, counted back from its own end. */
export interface RecordMarks {
  time: number;
  /** Of each attribute, in the order of the record's fields. */
  readonly attributes: number[];
}

/** Appends a record as a field of its scope; `marks`, if given, is told where its values are. */
export function appendRecord(buffer: ByteBuffer, record: UsageLogRecord, marks?: RecordMarks): void {
  const { event, eventId, fields, hrTime, hrTimeObserved } = record;
  buffer.byte(SCOPE_LOGS_LOG_RECORDS);
  const mark = buffer.open();
  nanos(buffer, RECORD_TIME, hrTime);
  if (marks !== undefined) marks.time = buffer.length;
  buffer.byte(RECORD_SEVERITY_NUMBER);
  buffer.byte(SEVERITY_INFO);
  const body = open(buffer, RECORD_BODY);
  string(buffer, ANY_STRING, event.kind);
  buffer.close(body);
  for (let i = 0; i < fields.length; i++) {
    writeAttribute(buffer, fields[i]!, event, eventId);
    marks?.attributes.push(buffer.length);
  }
  nanos(buffer, RECORD_OBSERVED_TIME, hrTimeObserved);
  string(buffer, RECORD_EVENT_NAME, event.kind);
  if (marks !== undefined) countBack(marks, buffer.length);
  buffer.close(mark);
}

/** The length in front of a record is written last, and may move all of it; distances from the end stay. */
function countBack(marks: RecordMarks, end: number): void {
  marks.time = end - marks.time;
  for (let i = 0; i < marks.attributes.length; i++) marks.attributes[i] = end - marks.attributes[i]!;
}

function writeAttribute(
  buffer: ByteBuffer,
  { name, type, read }: AttributeField<UsageEvent>,
  event: UsageEvent,
  eventId: string,
): void {
  const value = read(event, eventId);
  const attribute = open(buffer, RECORD_ATTRIBUTES);
  string(buffer, KEY_VALUE_KEY, name);
  const anyValue = open(buffer, KEY_VALUE_VALUE);
  switch (type) {
    case "string":
      string(buffer, ANY_STRING, cleanText(value as string));
      break;
    case "bool":
      buffer.byte(ANY_BOOL);
      buffer.byte(value === true ? 1 : 0);
      break;
    case "int":
      buffer.byte(ANY_INT);
      int64(buffer, cleanInt(value as number));
      break;
    case "double":
      buffer.byte(ANY_DOUBLE);
      eight.setFloat64(0, cleanDouble(value as number), true);
      buffer.raw(eightBytes);
  }
  buffer.close(anyValue);
  buffer.close(attribute);
}

function int64(buffer: ByteBuffer, value: number): void {
  if (value >= 0 && value <= 0x7fffffff) return buffer.varint(value);
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) buffer.byte(Number(rest & 0x7fn) | 0x80);
  buffer.byte(Number(rest));
}

const eightBytes = new Uint8Array(8);
const eight = new DataView(eightBytes.buffer);

/** Nanoseconds since the Unix epoch in 64 bits, which no double holds exactly. */
function nanos(buffer: ByteBuffer, fieldTag: number, [seconds, nanoseconds]: HrTime): void {
  buffer.byte(fieldTag);
  eight.setBigUint64(0, BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds), true);
  buffer.raw(eightBytes);
}
