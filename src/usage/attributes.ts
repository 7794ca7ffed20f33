import type { OptimizerQosEvent, RelayUsageEvent, UsageEvent } from "../domain/usage_event.ts";

/** The OTLP type that an attribute always has. */
export type AttributeType = "string" | "int" | "double" | "bool";

/** One attribute of a log record: its name on the wire, its type, and the member of the event that it is read from. */
export interface AttributeField<Event> {
  readonly name: string;
  readonly type: AttributeType;
  readonly member: Exclude<keyof Event, "kind" | "timeUnixMs">;
}

/** The attributes of a `relay_usage` record, all of them always present. */
export const RELAY_USAGE_ATTRIBUTES: readonly AttributeField<RelayUsageEvent>[] = [
  { name: "project", type: "string", member: "project" },
  { name: "chain", type: "string", member: "chain" },
  { name: "api_interface", type: "string", member: "apiInterface" },
  { name: "api_method", type: "string", member: "apiMethod" },
  { name: "cu", type: "int", member: "computeUnits" },
  { name: "latency_ms", type: "int", member: "latencyMs" },
  { name: "success", type: "bool", member: "success" },
  { name: "cache_hit", type: "bool", member: "cacheHit" },
  { name: "is_write", type: "bool", member: "isWrite" },
  { name: "is_archive", type: "bool", member: "isArchive" },
  { name: "is_batch", type: "bool", member: "isBatch" },
  { name: "is_debug_trace", type: "bool", member: "isDebugTrace" },
  { name: "hedge_count", type: "int", member: "hedgeCount" },
  { name: "provider", type: "string", member: "provider" },
  { name: "origin", type: "string", member: "origin" },
];

/** The attributes of an `optimizer_qos` record, all of them always present. */
export const OPTIMIZER_QOS_ATTRIBUTES: readonly AttributeField<OptimizerQosEvent>[] = [
  { name: "provider", type: "string", member: "provider" },
  { name: "consumer_hostname", type: "string", member: "consumerHostname" },
  { name: "consumer_pub_address", type: "string", member: "consumerPubAddress" },
  { name: "chain_id", type: "string", member: "chainId" },
  { name: "epoch", type: "int", member: "epoch" },
  { name: "entry_index", type: "int", member: "entryIndex" },
  { name: "geo_location", type: "int", member: "geoLocation" },
  { name: "provider_stake", type: "int", member: "providerStake" },
  { name: "selection_availability", type: "double", member: "selectionAvailability" },
  { name: "selection_latency", type: "double", member: "selectionLatency" },
  { name: "selection_sync", type: "double", member: "selectionSync" },
  { name: "selection_stake", type: "double", member: "selectionStake" },
  { name: "selection_composite", type: "double", member: "selectionComposite" },
  { name: "availability_contribution", type: "double", member: "availabilityContribution" },
  { name: "latency_contribution", type: "double", member: "latencyContribution" },
  { name: "sync_contribution", type: "double", member: "syncContribution" },
  { name: "stake_contribution", type: "double", member: "stakeContribution" },
];

/** The attributes of an event by their names. A number that is none (NaN, an infinity) becomes 0. */
export function attributesOf(event: UsageEvent): Record<string, string | number | boolean> {
  return event.kind === "relay_usage" ? read(event, RELAY_USAGE_ATTRIBUTES) : read(event, OPTIMIZER_QOS_ATTRIBUTES);
}

function read<Event>(
  event: Event & Record<AttributeField<Event>["member"], string | number | boolean>,
  fields: readonly AttributeField<Event>[],
): Record<string, string | number | boolean> {
  const attributes: Record<string, string | number | boolean> = {};
  for (const { name, member } of fields) {
    const value = event[member];
    attributes[name] = typeof value === "number" && !Number.isFinite(value) ? 0 : value;
  }
  return attributes;
}
