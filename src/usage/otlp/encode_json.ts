import type { AttributeField, AttributeType } from "../attributes.ts";
import { cleanDouble, cleanInt, cleanText } from "../attributes.ts";
import { concatBytes } from "../../domain/bytes.ts";
import type { UsageEvent } from "../../domain/usage_event.ts";
import { type HrTime, SCOPE, SEVERITY_INFO, type UsageLogRecord } from "../log_record.ts";
import type { ByteBuffer } from "./byte_buffer.ts";
import type { OtlpEncoding } from "./encoding.ts";
import { recordEncoder } from "./record_encoder.ts";

const encoder = new TextEncoder();
const QUOTE = 0x22;
const END = encoder.encode("}}]}");
const TAIL = encoder.encode("]}]}]}");

/**
 * OTLP's JSON: 64-bit integers are written as text, as Protobuf's JSON mapping says; an int stays an int and a double a
 * double, whatever its value.
 */
export const jsonEncoding: OtlpEncoding = {
  contentType: "application/json",
  appendRecord(buffer, record) {
    writeRecord(buffer, record);
  },
  relayEncoder: (eventIdPrefix, resource, clock) => recordEncoder(jsonEncoding, eventIdPrefix, resource, clock),
  encodeRequest(resource, records) {
    const attributes = resource.getRawAttributes().map(([key, value]) => `${keyText(key)}${stringText(value)}}`);
    const head = encoder.encode(
      `{"resourceLogs":[{"resource":{"attributes":[${attributes}]},"scopeLogs":[{"scope":{"name":${
        JSON.stringify(SCOPE.name)
      }},"logRecords":[`,
    );
    return concatBytes([head, records.subarray(1), TAIL]);
  },
  readRejected(response) {
    try {
      const { partialSuccess } = JSON.parse(new TextDecoder().decode(response));
      const count = Number(partialSuccess?.rejectedLogRecords ?? 0);
      return Number.isSafeInteger(count) && count > 0 ? count : 0;
    } catch {
      return 0;
    }
  },
};

/** The parts of a record that all records of a kind have in common. */
interface Template {
  readonly time: Uint8Array;
  readonly observedTime: Uint8Array;
  /** From the observed time to the first attribute. */
  readonly head: Uint8Array;
  /** What stands before each value, the end of the attribute before it included. */
  readonly starts: readonly Uint8Array[];
}

const templates = new Map<readonly AttributeField<UsageEvent>[], Template>();

function templateOf({ event: { kind }, fields }: UsageLogRecord): Template {
  let template = templates.get(fields);
  if (template === undefined) {
    template = {
      // The first record's comma is left out when the request is put together.
      time: encoder.encode(',{"timeUnixNano":"'),
      observedTime: encoder.encode('","observedTimeUnixNano":"'),
      head: encoder.encode(
        `","severityNumber":${SEVERITY_INFO},"body":{"stringValue":"${kind}"},"eventName":"${kind}","attributes":[`,
      ),
      starts: fields.map(({ name, type }, index) =>
        encoder.encode(`${index > 0 ? "}}," : ""}${keyText(name)}{"${type}Value":`)
      ),
    };
    templates.set(fields, template);
  }
  return template;
}

function writeRecord(buffer: ByteBuffer, record: UsageLogRecord): void {
  const { event, eventId, fields, hrTime, hrTimeObserved } = record;
  const { time, observedTime, head, starts } = templateOf(record);
  buffer.raw(time);
  buffer.text(nanosText(hrTime));
  buffer.raw(observedTime);
  buffer.text(nanosText(hrTimeObserved));
  buffer.raw(head);
  for (let i = 0; i < fields.length; i++) {
    const { type, read } = fields[i]!;
    buffer.raw(starts[i]!);
    writeValue(buffer, type, read(event, eventId));
  }
  buffer.raw(END);
}

function writeValue(buffer: ByteBuffer, type: AttributeType, value: string | number | boolean): void {
  switch (type) {
    case "string":
      return writeString(buffer, value as string);
    case "bool":
      return void buffer.text(value === true ? "true" : "false");
    case "int":
      buffer.byte(QUOTE);
      buffer.text(intText(value as number));
      return buffer.byte(QUOTE);
    case "double":
      return void buffer.text(String(cleanDouble(value as number)));
  }
}

/** Most texts are short and need no escape. */
function writeString(buffer: ByteBuffer, text: string): void {
  if (PLAIN.test(text)) {
    buffer.byte(QUOTE);
    buffer.text(text);
    return buffer.byte(QUOTE);
  }
  buffer.text(JSON.stringify(cleanText(text)));
}

const PLAIN = /^[ !#-[\]-~]{0,64}$/;

/** An attribute up to its value. */
function keyText(key: string): string {
  return `{"key":${JSON.stringify(cleanText(key))},"value":`;
}

function stringText(text: string): string {
  return `{"stringValue":${JSON.stringify(cleanText(text))}}`;
}

function intText(value: number): string {
  const int = cleanInt(value);
  return Number.isSafeInteger(int) ? String(int) : BigInt(int).toString();
}

/** Nanoseconds since the Unix epoch, which no double holds exactly. */
function nanosText([seconds, nanos]: HrTime): string {
  return seconds === 0 ? String(nanos) : `${seconds}${String(nanos).padStart(9, "0")}`;
}
