import type { UsageEvent } from "../../domain/usage_event.ts";
import { type AttributeField, cleanDouble, cleanInt, cleanText } from "../attributes.ts";
import { type HrTime, SCOPE, SEVERITY_INFO, type UsageLogRecord } from "../log_record.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import type { OtlpEncoding } from "./encoding.ts";

/*
 * Protobuf as opentelemetry/proto/logs/v1/logs.proto has it. A field starts with its number and wire type; these are
 * the ones that a usage record needs.
 */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const tag = (field: number, wireType: number) => (field << 3) | wireType;

const REQUEST_RESOURCE_LOGS = tag(1, BYTES);
const RESOURCE_LOGS_RESOURCE = tag(1, BYTES);
const RESOURCE_LOGS_SCOPE_LOGS = tag(2, BYTES);
const RESOURCE_ATTRIBUTES = tag(1, BYTES);
const SCOPE_LOGS_SCOPE = tag(1, BYTES);
const SCOPE_LOGS_LOG_RECORDS = tag(2, BYTES);
const SCOPE_NAME = tag(1, BYTES);
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
const RESPONSE_PARTIAL_SUCCESS = tag(1, BYTES);
const PARTIAL_SUCCESS_REJECTED = tag(1, VARINT);

/** OTLP's Protobuf: half the bytes of the JSON. */
export const protobufEncoding: OtlpEncoding = {
  contentType: "application/x-protobuf",
  appendRecord(buffer, record) {
    const mark = open(buffer, SCOPE_LOGS_LOG_RECORDS);
    writeRecord(buffer, record);
    buffer.close(mark);
  },
  encodeRequest(resource, records) {
    const common = new ByteBuffer(1024);
    const ofResource = open(common, RESOURCE_LOGS_RESOURCE);
    for (const [key, value] of resource.getRawAttributes()) {
      const attribute = open(common, RESOURCE_ATTRIBUTES);
      string(common, KEY_VALUE_KEY, cleanText(key));
      const anyValue = open(common, KEY_VALUE_VALUE);
      string(common, ANY_STRING, cleanText(value));
      common.close(anyValue);
      common.close(attribute);
    }
    common.close(ofResource);
    // Scope and records are one message: its length is known before it is written, which spares moving the records.
    const scope = new ByteBuffer(64);
    const ofScope = open(scope, SCOPE_LOGS_SCOPE);
    string(scope, SCOPE_NAME, SCOPE.name);
    scope.close(ofScope);
    common.byte(RESOURCE_LOGS_SCOPE_LOGS);
    common.varint(scope.length + records.length);
    common.raw(scope.view());
    const request = new ByteBuffer(records.length + common.length + 16);
    request.byte(REQUEST_RESOURCE_LOGS);
    request.varint(common.length + records.length);
    request.raw(common.view());
    request.raw(records);
    return request.view();
  },
  readRejected,
};

function writeRecord(buffer: ByteBuffer, { event, eventId, fields, hrTime, hrTimeObserved }: UsageLogRecord): void {
  nanos(buffer, RECORD_TIME, hrTime);
  buffer.byte(RECORD_SEVERITY_NUMBER);
  buffer.byte(SEVERITY_INFO);
  const body = open(buffer, RECORD_BODY);
  string(buffer, ANY_STRING, event.kind);
  buffer.close(body);
  for (let i = 0; i < fields.length; i++) writeAttribute(buffer, fields[i]!, event, eventId);
  nanos(buffer, RECORD_OBSERVED_TIME, hrTimeObserved);
  string(buffer, RECORD_EVENT_NAME, event.kind);
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

/** Starts a message whose length is not known yet. */
function open(buffer: ByteBuffer, fieldTag: number): number {
  buffer.byte(fieldTag);
  return buffer.open();
}

function string(buffer: ByteBuffer, fieldTag: number, text: string): void {
  const mark = open(buffer, fieldTag);
  buffer.text(text);
  buffer.close(mark);
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

/** `partial_success.rejected_log_records` of an ExportLogsServiceResponse; 0 for bytes that are none. */
function readRejected(response: Uint8Array): number {
  const partial = findField(response, RESPONSE_PARTIAL_SUCCESS);
  if (!(partial instanceof Uint8Array)) return 0;
  const rejected = findField(partial, PARTIAL_SUCCESS_REJECTED);
  return typeof rejected === "number" && Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
}

/** The first field with that tag; undefined when there is none or the bytes are not Protobuf. */
function findField(bytes: Uint8Array, wanted: number): number | Uint8Array | undefined {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; at < bytes.length && scale <= 2 ** 63; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    return NaN;
  };
  while (at < bytes.length) {
    const found = varint();
    const wireType = found & 7;
    const value = wireType === VARINT || wireType === BYTES ? varint() : wireType === FIXED64 ? 8 : 4;
    if (!Number.isFinite(value)) return undefined;
    const start = at;
    if (wireType !== VARINT) at += value;
    if (found === wanted) return wireType === BYTES ? bytes.subarray(start, at) : value;
  }
  return undefined;
}
