import type { UsageEvent, UsageEventKind } from "../domain/usage_event.ts";
import {
  type AttributeField,
  cleanDouble,
  cleanInt,
  cleanText,
  EXTENDED_RELAY_USAGE_ATTRIBUTES,
  OPTIMIZER_QOS_ATTRIBUTES,
  RELAY_USAGE_ATTRIBUTES,
} from "./attributes.ts";

/** A value as it arrived; integers that a double can't hold exactly are bigints. */
export type AttributeValue = string | number | bigint | boolean;

/** A log record as it arrived, whatever the wire format. */
export interface ReceivedRecord {
  /** The body, where it is a text, or else the name of the event. */
  readonly name: string;
  /** Milliseconds since the Unix epoch; NaN for a record without a time. */
  readonly timeUnixMs: number;
  /** Attributes by name. What is not a text, a number or a bool is left out. */
  readonly attributes: ReadonlyMap<string, AttributeValue>;
  /** Whether a number was said to be a double, by name of the attribute. A wire that does not tell leaves it out. */
  readonly doubles?: ReadonlySet<string>;
}

/** An event as it is kept: its values in the order of {@linkcode ROW_FIELDS}, null for one that it does not have. */
export interface UsageRow {
  readonly kind: UsageEventKind;
  readonly timeUnixMs: number;
  readonly values: readonly (AttributeValue | null)[];
}

/** The attributes of each kind of event, in the order of a row's values. */
export const ROW_FIELDS: Readonly<Record<UsageEventKind, readonly AttributeField<never>[]>> = {
  relay_usage: EXTENDED_RELAY_USAGE_ATTRIBUTES,
  optimizer_qos: OPTIMIZER_QOS_ATTRIBUTES,
};

/** How many of a kind's attributes every record has; those behind them are there on request only. */
const REQUIRED_COUNT: Readonly<Record<UsageEventKind, number>> = {
  relay_usage: RELAY_USAGE_ATTRIBUTES.length,
  optimizer_qos: OPTIMIZER_QOS_ATTRIBUTES.length,
};

/** A row, or why a record can't be one. */
export type RowResult =
  | { readonly kind: "row"; readonly row: UsageRow }
  | { readonly kind: "unusable"; readonly reason: string };

/**
 * Reads a record as the usage event that its name says. All attributes have to be there with their types: an event
 * whose price had to be guessed is no bill. Attributes that the contract does not know are left out.
 */
export function readRow({ name, timeUnixMs, attributes, doubles }: ReceivedRecord): RowResult {
  if (name !== "relay_usage" && name !== "optimizer_qos") return unusable("neither relay_usage nor optimizer_qos");
  if (!(timeUnixMs >= 0)) return unusable(`${name} has no time`);
  const fields = ROW_FIELDS[name];
  const required = REQUIRED_COUNT[name];
  const values: (AttributeValue | null)[] = new Array(fields.length);
  for (let i = 0; i < fields.length; i++) {
    const { name: attribute, type } = fields[i]!;
    const value = attributes.get(attribute);
    if (value === undefined) {
      if (i < required) return unusable(`${name} lacks ${attribute}`);
      values[i] = null;
    } else if (attribute === "event_id" && value === "") {
      values[i] = null;
    } else if (!hasType(value, type) || (type === "int" && doubles?.has(attribute))) {
      return unusable(`${name} has a value of ${attribute} that is no ${type}`);
    } else if (attribute === "event_id" && parseEventId(value as string) === undefined) {
      return unusable("relay_usage has an event_id that is not <instance>/<boot>/<number>");
    } else {
      values[i] = type === "string" ? cleanText(value as string) : value;
    }
  }
  return { kind: "row", row: { kind: name, timeUnixMs: Math.floor(timeUnixMs), values } };
}

/** The row of an event of this process; `eventId` is empty for one without. */
export function rowOfEvent(event: UsageEvent, eventId: string): UsageRow {
  const fields = ROW_FIELDS[event.kind] as readonly AttributeField<UsageEvent>[];
  const values = fields.map(({ name, type, read }) => {
    if (name === "event_id" && eventId === "") return null;
    return cleanValue(read(event, eventId), type);
  });
  return { kind: event.kind, timeUnixMs: Math.floor(event.timeUnixMs), values };
}

/** A value of this process as it would arrive over the wire. */
function cleanValue(value: string | number | boolean, type: AttributeField<never>["type"]): AttributeValue {
  switch (type) {
    case "string":
      return cleanText(value as string);
    case "bool":
      return value;
    case "double":
      return cleanDouble(value as number);
    case "int": {
      const int = cleanInt(value as number);
      return Number.isSafeInteger(int) ? int + 0 : BigInt(int);
    }
  }
}

/** The parts of an event's id: `<service.instance.id>/<boot id>`, and the number in it. Undefined for no such text. */
export function parseEventId(id: string): { readonly boot: string; readonly sequence: number } | undefined {
  const slash = id.lastIndexOf("/");
  const digits = id.slice(slash + 1);
  const sequence = Number(digits);
  if (slash <= 0 || !/^[1-9]\d{0,15}$/.test(digits) || !Number.isSafeInteger(sequence)) return undefined;
  return { boot: id.slice(0, slash), sequence };
}

function hasType(value: AttributeValue, type: AttributeField<never>["type"]): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "bool":
      return typeof value === "boolean";
    case "int":
      return typeof value === "bigint" || (typeof value === "number" && Number.isSafeInteger(value));
    case "double":
      return typeof value === "number" && Number.isFinite(value);
  }
}

function unusable(reason: string): RowResult {
  return { kind: "unusable", reason };
}
