import { decodeProtobufRequest } from "./otlp_protobuf.ts";

/** A value with the type that it had on the wire. */
export type TypedValue =
  | readonly ["string", string]
  | readonly ["bool", boolean]
  | readonly ["int", bigint]
  | readonly ["double", number];

/** One log record as it arrived. */
export interface ReceivedRecord {
  readonly body: string;
  readonly eventName: string;
  readonly severityNumber: number;
  readonly timeUnixNano: bigint;
  readonly observedTimeUnixNano: bigint;
  readonly attributes: Readonly<Record<string, TypedValue>>;
  readonly resource: Readonly<Record<string, TypedValue>>;
  readonly scope: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** The fields of each message that a usage record may set; a trace context, say, is none of them. */
const REQUEST = ["resourceLogs"];
const RESOURCE_LOGS = ["resource", "scopeLogs"];
const RESOURCE = ["attributes", "droppedAttributesCount"];
const SCOPE_LOGS = ["scope", "logRecords"];
const SCOPE = ["name", "version"];
const RECORD = [
  "timeUnixNano",
  "observedTimeUnixNano",
  "severityNumber",
  "severityText",
  "body",
  "eventName",
  "attributes",
  "droppedAttributesCount",
  "flags",
];

/** Reads an export request as a strict collector does: what is not exactly OTLP is an error. */
export function readRequest(contentType: string, bytes: Uint8Array): ReceivedRecord[] {
  const request = contentType === "application/json"
    ? JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
    : contentType === "application/x-protobuf"
    ? decodeProtobufRequest(bytes)
    : fail(`content-type "${contentType}"`);
  return listOf(message(request, REQUEST)["resourceLogs"]).flatMap((entry) => {
    const { resource, scopeLogs } = message(entry, RESOURCE_LOGS);
    const ofResource = attributesOf(message(resource, RESOURCE)["attributes"]);
    return listOf(scopeLogs).flatMap((scopeEntry) => {
      const { scope, logRecords } = message(scopeEntry, SCOPE_LOGS);
      const name = textOf(message(scope, SCOPE)["name"]);
      return listOf(logRecords).map((record) => readRecord(message(record, RECORD), ofResource, name));
    });
  });
}

function readRecord(record: Fields, resource: ReceivedRecord["resource"], scope: string): ReceivedRecord {
  const [type, body] = valueOf(record["body"]);
  if (type !== "string") fail(`a body of type ${type}`);
  if (typeof record["severityNumber"] !== "number") fail("a severity that is no number");
  return {
    body: body as string,
    eventName: textOf(record["eventName"]),
    severityNumber: record["severityNumber"] as number,
    timeUnixNano: integerOf(record["timeUnixNano"], 0n, 2n ** 64n - 1n),
    observedTimeUnixNano: integerOf(record["observedTimeUnixNano"], 0n, 2n ** 64n - 1n),
    attributes: attributesOf(record["attributes"]),
    resource,
    scope,
  };
}

function attributesOf(list: unknown): Record<string, TypedValue> {
  const attributes: Record<string, TypedValue> = {};
  for (const entry of listOf(list)) {
    const { key, value } = message(entry, ["key", "value"]);
    const name = textOf(key);
    if (Object.hasOwn(attributes, name)) fail(`attribute "${name}" twice`);
    attributes[name] = valueOf(value);
  }
  return attributes;
}

function valueOf(any: unknown): TypedValue {
  const entries = Object.entries(message(any, ["stringValue", "boolValue", "intValue", "doubleValue"]));
  const [[kind, value] = ["none", undefined]] = entries;
  if (entries.length !== 1) return fail(`a value with ${entries.length} types`);
  if (kind === "stringValue") return ["string", textOf(value)];
  if (kind === "intValue") return ["int", integerOf(value, -(2n ** 63n), 2n ** 63n - 1n)];
  if (kind === "boolValue" && typeof value === "boolean") return ["bool", value];
  if (kind === "doubleValue" && typeof value === "number" && Number.isFinite(value)) return ["double", value];
  return fail(`${kind} ${String(value)}`);
}

/** Decimal text, or a JSON number that is an integer and exact as a double. */
function integerOf(value: unknown, least: bigint, most: bigint): bigint {
  const isText = typeof value === "string" && /^-?\d+$/.test(value);
  if (!isText && !Number.isSafeInteger(value)) fail(`integer ${String(value)}`);
  const integer = BigInt(value as string | number);
  if (integer < least || integer > most) fail(`integer ${integer} out of its range`);
  return integer;
}

function textOf(value: unknown): string {
  const text = value instanceof Uint8Array
    ? new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value)
    : value;
  if (typeof text !== "string" || !text.isWellFormed()) return fail("a text that is no Unicode");
  return text;
}

function message(value: unknown, known: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return fail("a message that is none");
  const unknown = Object.keys(value).find((name) => !known.includes(name));
  return unknown === undefined ? value as Fields : fail(`field "${unknown}"`);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : fail("a list that is none");
}

function fail(what: string): never {
  throw new Error(`not OTLP: ${what}`);
}
