import { cleanText } from "../attributes.ts";
import { SCOPE, type UsageResource } from "../log_record.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import type { OtlpEncoding } from "./encoding.ts";
import { BYTES, FIXED64, open, string, tag, VARINT } from "./protobuf.ts";
import { appendRecord } from "./protobuf_record.ts";
import { RelayTemplates } from "./relay_templates.ts";

const REQUEST_RESOURCE_LOGS = tag(1, BYTES);
const RESOURCE_LOGS_RESOURCE = tag(1, BYTES);
const RESOURCE_LOGS_SCOPE_LOGS = tag(2, BYTES);
const RESOURCE_ATTRIBUTES = tag(1, BYTES);
const SCOPE_LOGS_SCOPE = tag(1, BYTES);
const SCOPE_NAME = tag(1, BYTES);
const KEY_VALUE_KEY = tag(1, BYTES);
const KEY_VALUE_VALUE = tag(2, BYTES);
const ANY_STRING = tag(1, BYTES);
const RESPONSE_PARTIAL_SUCCESS = tag(1, BYTES);
const PARTIAL_SUCCESS_REJECTED = tag(1, VARINT);

/** OTLP's Protobuf: half the bytes of the JSON. */
export const protobufEncoding: OtlpEncoding = {
  contentType: "application/x-protobuf",
  appendRecord(buffer, record) {
    appendRecord(buffer, record);
  },
  encodeRequest(resource, records) {
    const head = encodeHead(resource, records.length);
    const request = new ByteBuffer(head.length + records.length);
    request.raw(head);
    request.raw(records);
    return request.view();
  },
  encodeHead,
  relayEncoder: (eventIdPrefix, resource, clock) => new RelayTemplates(eventIdPrefix, resource, clock),
  readRejected,
};

/** What stands in a request before that many bytes of records, with which it ends. */
function encodeHead(resource: UsageResource, recordBytes: number): Uint8Array<ArrayBuffer> {
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
  common.varint(scope.length + recordBytes);
  common.raw(scope.view());
  const head = new ByteBuffer(common.length + 16);
  head.byte(REQUEST_RESOURCE_LOGS);
  head.varint(common.length + recordBytes);
  head.raw(common.view());
  return head.view();
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
