import type { AttributeValue, ReceivedRecord } from "../usage_row.ts";

/** The records of an export request in OTLP's JSON. Throws on bytes that are none. */
export function decodeJsonRequest(bytes: Uint8Array): ReceivedRecord[] {
  return recordsOf(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
}

/** The records of a parsed export request. Throws on a value that is none. */
export function recordsOf(request: unknown): ReceivedRecord[] {
  const records: ReceivedRecord[] = [];
  for (const ofResource of listOf(membersOf(request)["resourceLogs"])) {
    for (const ofScope of listOf(membersOf(ofResource)["scopeLogs"])) {
      for (const record of listOf(membersOf(ofScope)["logRecords"])) records.push(readRecord(membersOf(record)));
    }
  }
  return records;
}

type Members = Readonly<Record<string, unknown>>;

function readRecord(record: Members): ReceivedRecord {
  const attributes = new Map<string, AttributeValue>();
  let doubles: Set<string> | undefined;
  for (const attribute of listOf(record["attributes"])) {
    const { key, value } = membersOf(attribute);
    if (typeof key !== "string") throw new Error("an attribute has no key");
    const read = readValue(membersOf(value));
    if (read !== undefined) attributes.set(key, read);
    if (membersOf(value)["doubleValue"] !== undefined) (doubles ??= new Set()).add(key);
  }
  const body = readValue(membersOf(record["body"]));
  const eventName = record["eventName"];
  return {
    name: typeof body === "string" ? body : typeof eventName === "string" ? eventName : "",
    // A time of 0 is none; when the record was made is near it.
    timeUnixMs: readMs(record["timeUnixNano"]) || readMs(record["observedTimeUnixNano"]) || NaN,
    attributes,
    ...(doubles !== undefined && { doubles }),
  };
}

/** A value of a simple type; undefined for lists, maps, bytes and none. */
function readValue({ stringValue, intValue, boolValue, doubleValue }: Members): AttributeValue | undefined {
  if (typeof stringValue === "string") return stringValue;
  if (intValue !== undefined) return readInt(intValue);
  if (typeof boolValue === "boolean") return boolValue;
  return typeof doubleValue === "number" ? doubleValue : undefined;
}

/** 64-bit integers are written as text, and senders that know better write numbers. */
function readInt(value: unknown): number | bigint | undefined {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value !== "string" || !/^-?\d{1,19}$/.test(value)) return undefined;
  const int = Number(value);
  if (Number.isSafeInteger(int)) return int;
  const big = BigInt(value);
  return big === BigInt.asIntN(64, big) ? big : undefined;
}

function readMs(nanos: unknown): number {
  const text = typeof nanos === "number" ? String(nanos) : nanos;
  return typeof text === "string" && /^\d{1,20}$/.test(text) ? Number(text.slice(0, -6)) : NaN;
}

function membersOf(value: unknown): Members {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new Error("an object was expected");
  return value as Members;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new Error("a list was expected");
  return value;
}
