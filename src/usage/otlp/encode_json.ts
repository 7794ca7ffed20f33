import type { AttributeField, AttributeType } from "../attributes.ts";
import { cleanDouble, cleanInt, cleanText } from "../attributes.ts";
import type { UsageEvent } from "../../domain/usage_event.ts";
import { type HrTime, SCOPE, SEVERITY_INFO, type UsageLogRecord } from "../log_record.ts";
import type { OtlpEncoding } from "./encoding.ts";

const encoder = new TextEncoder();
const COMMA = 0x2c;
const TAIL = encoder.encode("]}]}]}");

/**
 * OTLP's JSON: 64-bit integers are written as text, as Protobuf's JSON mapping says; an int stays an int and a double a
 * double, whatever its value.
 */
export const jsonEncoding: OtlpEncoding = {
  contentType: "application/json",
  appendRecord(buffer, record) {
    // The first record's comma is left out when the request is put together.
    buffer.byte(COMMA);
    buffer.text(recordText(record));
  },
  encodeRequest(resource, records) {
    const attributes = resource.getRawAttributes().map(([key, value]) => `${keyText(key)}${stringText(value)}}`);
    const head = encoder.encode(
      `{"resourceLogs":[{"resource":{"attributes":[${attributes}]},"scopeLogs":[{"scope":{"name":${
        JSON.stringify(SCOPE.name)
      }},"logRecords":[`,
    );
    const request = new Uint8Array(head.length + records.length - 1 + TAIL.length);
    request.set(head);
    request.set(records.subarray(1), head.length);
    request.set(TAIL, head.length + records.length - 1);
    return request;
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

function recordText({ event, eventId, fields, hrTime, hrTimeObserved }: UsageLogRecord): string {
  const kind = `"${event.kind}"`;
  let text = `{"timeUnixNano":"${nanosText(hrTime)}","observedTimeUnixNano":"${nanosText(hrTimeObserved)}",` +
    `"severityNumber":${SEVERITY_INFO},"body":{"stringValue":${kind}},"eventName":${kind},"attributes":[`;
  const starts = startsOf(fields);
  for (let i = 0; i < fields.length; i++) {
    const { type, read } = fields[i]!;
    text += starts[i]! + valueText(type, read(event, eventId));
  }
  return `${text}}]}`;
}

/** What stands before each value, the bracket of the attribute before it included: the same for all records of a kind. */
function startsOf(fields: readonly AttributeField<UsageEvent>[]): readonly string[] {
  let starts = STARTS.get(fields);
  if (starts === undefined) {
    starts = fields.map(({ name }, index) => `${index > 0 ? "}," : ""}${keyText(name)}`);
    STARTS.set(fields, starts);
  }
  return starts;
}

const STARTS = new Map<readonly AttributeField<UsageEvent>[], readonly string[]>();

function valueText(type: AttributeType, value: string | number | boolean): string {
  switch (type) {
    case "string":
      return stringText(value as string);
    case "bool":
      return value === true ? '{"boolValue":true}' : '{"boolValue":false}';
    case "int":
      return `{"intValue":"${intText(value as number)}"}`;
    case "double":
      return `{"doubleValue":${cleanDouble(value as number)}}`;
  }
}

/** An attribute up to its value. */
function keyText(key: string): string {
  return `{"key":${JSON.stringify(key)},"value":`;
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
