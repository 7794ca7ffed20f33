import type { OptimizerQosEvent, RelayUsageEvent } from "../domain/usage_event.ts";
import { type AttributeValue, ROW_FIELDS, type UsageRow } from "../usage/usage_row.ts";

/** What the page shows of one relay. */
export interface LiveRelay {
  readonly timeUnixMs: number;
  readonly project: string;
  readonly chain: string;
  readonly method: string;
  readonly provider: string;
  readonly units: number;
  readonly latencyMs: number;
  readonly success: boolean;
  readonly cacheHit: boolean;
}

/** What the page shows of a provider's scores at one tick. */
export interface LiveScore {
  readonly timeUnixMs: number;
  readonly chain: string;
  readonly provider: string;
  readonly composite: number;
  readonly availability: number;
  readonly latency: number;
  readonly sync: number;
}

/** Longest name that is sent to a page: a client can make that of a batch very long. */
const MAX_NAME_CHARS = 120;

/** The relay of an event of this process. */
export function liveRelayOf(event: RelayUsageEvent): LiveRelay {
  const { timeUnixMs, project, chain, provider, computeUnits: units, latencyMs, success, cacheHit } = event;
  const method = shorten(event.apiMethod);
  return { timeUnixMs, project, chain, method, provider, units, latencyMs, success, cacheHit };
}

/** The scores of an event of this process. */
export function liveScoreOf(event: OptimizerQosEvent): LiveScore {
  return {
    timeUnixMs: event.timeUnixMs,
    chain: event.chainId,
    provider: event.provider,
    composite: event.selectionComposite,
    availability: event.selectionAvailability,
    latency: event.selectionLatency,
    sync: event.selectionSync,
  };
}

const indexes = (kind: UsageRow["kind"]) => new Map(ROW_FIELDS[kind].map(({ name }, index) => [name, index]));
const INDEXES = { relay_usage: indexes("relay_usage"), optimizer_qos: indexes("optimizer_qos") };

/** The relay of a row; undefined for a row of another kind. */
export function liveRelayOfRow(row: UsageRow): LiveRelay | undefined {
  if (row.kind !== "relay_usage") return undefined;
  const value = reader(row);
  return {
    timeUnixMs: row.timeUnixMs,
    project: String(value("project")),
    chain: String(value("chain")),
    method: shorten(String(value("api_method"))),
    provider: String(value("provider")),
    units: Number(value("cu")),
    latencyMs: Number(value("latency_ms")),
    success: value("success") === true,
    cacheHit: value("cache_hit") === true,
  };
}

/** The scores of a row; undefined for a row of another kind. */
export function liveScoreOfRow(row: UsageRow): LiveScore | undefined {
  if (row.kind !== "optimizer_qos") return undefined;
  const value = reader(row);
  return {
    timeUnixMs: row.timeUnixMs,
    chain: String(value("chain_id")),
    provider: String(value("provider")),
    composite: Number(value("selection_composite")),
    availability: Number(value("selection_availability")),
    latency: Number(value("selection_latency")),
    sync: Number(value("selection_sync")),
  };
}

function reader({ kind, values }: UsageRow): (name: string) => AttributeValue | null {
  return (name) => values[INDEXES[kind].get(name)!]!;
}

function shorten(name: string): string {
  return name.length > MAX_NAME_CHARS ? `${name.slice(0, MAX_NAME_CHARS - 1)}…` : name;
}
