import type { AttributeField } from "../attributes.ts";
import { cleanDouble, cleanInt, cleanText } from "../attributes.ts";
import type { UsageEvent } from "../../domain/usage_event.ts";
import { type HrTime, SCOPE, SEVERITY_INFO, type UsageLogRecord } from "../log_record.ts";
import type { OtlpEncoding } from "./encoding.ts";

const encoder = new TextEncoder();
const NO_BYTES = new Uint8Array();

/**
 * OTLP's JSON: 64-bit integers are written as text, as Protobuf's JSON mapping says; an int stays an int and a double a
 * double, whatever its value.
 */
export const jsonEncoding: OtlpEncoding = {
  contentType: "application/json",
  separator: encoder.encode(","),
  appendRecord(buffer, record) {
    buffer.text(recordText(record));
  },
  encodeRequest(resource, records) {
    const attributes = resource.getRawAttributes().map(([key, value]) => keyValue(key, stringValue(value)));
    const head = `{"resourceLogs":[{"resource":{"attributes":[${attributes}]},"scopeLogs":[{"scope":{"name":${
      JSON.stringify(SCOPE.name)
    }},"logRecords":[`;
    return concat(encoder.encode(head), records, encoder.encode("]}]}]}"));
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
  for (let i = 0; i < fields.length; i++) {
    if (i > 0) text += ",";
    text += attributeText(fields[i]!, event, eventId);
  }
  return `${text}]}`;
}

function attributeText({ name, type, read }: AttributeField<UsageEvent>, event: UsageEvent, eventId: string): string {
  const value = read(event, eventId);
  switch (type) {
    case "string":
      return keyValue(name, stringValue(value as string));
    case "bool":
      return keyValue(name, `{"boolValue":${value === true}}`);
    case "int":
      return keyValue(name, `{"intValue":"${intText(value as number)}"}`);
    case "double":
      return keyValue(name, `{"doubleValue":${cleanDouble(value as number)}}`);
  }
}

function keyValue(key: string, value: string): string {
  return `{"key":${JSON.stringify(key)},"value":${value}}`;
}

function stringValue(text: string): string {
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

function concat(head: Uint8Array, middle: Uint8Array, tail: Uint8Array = NO_BYTES): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(head.length + middle.length + tail.length);
  whole.set(head);
  whole.set(middle, head.length);
  whole.set(tail, head.length + middle.length);
  return whole;
}
