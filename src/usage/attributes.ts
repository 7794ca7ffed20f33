import type { OptimizerQosEvent, RelayUsageEvent, UsageEvent } from "../domain/usage_event.ts";

/** The OTLP type that an attribute always has. */
export type AttributeType = "string" | "int" | "double" | "bool";

/** One attribute of a log record. */
export interface AttributeField<Event> {
  /** Name on the wire. */
  readonly name: string;
  /** Its type on the wire, whatever the value. */
  readonly type: AttributeType;
  /** Its value. `eventId` is empty where events have none. */
  read(event: Event, eventId: string): string | number | boolean;
}

/** The attributes of a `relay_usage` record, all of them always present. */
export const RELAY_USAGE_ATTRIBUTES: readonly AttributeField<RelayUsageEvent>[] = [
  { name: "project", type: "string", read: (event) => event.project },
  { name: "chain", type: "string", read: (event) => event.chain },
  { name: "api_interface", type: "string", read: (event) => event.apiInterface },
  { name: "api_method", type: "string", read: (event) => event.apiMethod },
  { name: "cu", type: "int", read: (event) => event.computeUnits },
  { name: "latency_ms", type: "int", read: (event) => event.latencyMs },
  { name: "success", type: "bool", read: (event) => event.success },
  { name: "cache_hit", type: "bool", read: (event) => event.cacheHit },
  { name: "is_write", type: "bool", read: (event) => event.isWrite },
  { name: "is_archive", type: "bool", read: (event) => event.isArchive },
  { name: "is_batch", type: "bool", read: (event) => event.isBatch },
  { name: "is_debug_trace", type: "bool", read: (event) => event.isDebugTrace },
  { name: "hedge_count", type: "int", read: (event) => event.hedgeCount },
  { name: "provider", type: "string", read: (event) => event.provider },
  { name: "origin", type: "string", read: (event) => event.origin },
];

/** The attributes of a `relay_usage` record for operators who audit their bill: three more. */
export const EXTENDED_RELAY_USAGE_ATTRIBUTES: readonly AttributeField<RelayUsageEvent>[] = [
  ...RELAY_USAGE_ATTRIBUTES,
  { name: "event_id", type: "string", read: (_event, eventId) => eventId },
  { name: "error_class", type: "string", read: (event) => event.errorClass },
  { name: "attempts", type: "int", read: (event) => event.attempts },
];

/** The attributes of an `optimizer_qos` record, all of them always present. */
export const OPTIMIZER_QOS_ATTRIBUTES: readonly AttributeField<OptimizerQosEvent>[] = [
  { name: "provider", type: "string", read: (event) => event.provider },
  { name: "consumer_hostname", type: "string", read: (event) => event.consumerHostname },
  { name: "consumer_pub_address", type: "string", read: (event) => event.consumerPubAddress },
  { name: "chain_id", type: "string", read: (event) => event.chainId },
  { name: "epoch", type: "int", read: (event) => event.epoch },
  { name: "entry_index", type: "int", read: (event) => event.entryIndex },
  { name: "geo_location", type: "int", read: (event) => event.geoLocation },
  { name: "provider_stake", type: "int", read: (event) => event.providerStake },
  { name: "selection_availability", type: "double", read: (event) => event.selectionAvailability },
  { name: "selection_latency", type: "double", read: (event) => event.selectionLatency },
  { name: "selection_sync", type: "double", read: (event) => event.selectionSync },
  { name: "selection_stake", type: "double", read: (event) => event.selectionStake },
  { name: "selection_composite", type: "double", read: (event) => event.selectionComposite },
  { name: "availability_contribution", type: "double", read: (event) => event.availabilityContribution },
  { name: "latency_contribution", type: "double", read: (event) => event.latencyContribution },
  { name: "sync_contribution", type: "double", read: (event) => event.syncContribution },
  { name: "stake_contribution", type: "double", read: (event) => event.stakeContribution },
];

/** The attributes of an event's kind. */
export function fieldsOf(event: UsageEvent, isExtended: boolean): readonly AttributeField<UsageEvent>[] {
  const fields = event.kind === "optimizer_qos"
    ? OPTIMIZER_QOS_ATTRIBUTES
    : isExtended
    ? EXTENDED_RELAY_USAGE_ATTRIBUTES
    : RELAY_USAGE_ATTRIBUTES;
  return fields as readonly AttributeField<UsageEvent>[];
}

/** Longest text of an attribute in UTF-16 units; the names of a full batch of 1,000 ordinary calls fit. */
export const MAX_ATTRIBUTE_CHARS = 65_536;
/** Stands at the end of a text that was cut. */
const CUT_MARK = "…[cut]";

/** A text as it may leave: well-formed, and cut with a mark where it is longer than an attribute may be. */
export function cleanText(text: string): string {
  const bounded = text.length > MAX_ATTRIBUTE_CHARS
    ? text.slice(0, MAX_ATTRIBUTE_CHARS - CUT_MARK.length) + CUT_MARK
    : text;
  return bounded.toWellFormed();
}

/** A double as it may leave: NaN and the infinities, which OTLP's JSON can't say, become 0, and -0 does too. */
export function cleanDouble(value: number): number {
  return Number.isFinite(value) ? value + 0 : 0;
}

/** The bounds of an int on the wire: 64 bits with a sign. Beyond 2^53 only these powers of two are sure to be exact. */
const MAX_INT64 = 2 ** 63;

/** An int as it may leave: whole, finite, and within 64 bits. */
export function cleanInt(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  if (!Number.isFinite(value)) return 0;
  // The largest double below 2^63 is 1,024 less.
  return Math.min(Math.max(Math.trunc(value), -MAX_INT64), MAX_INT64 - 1024);
}
