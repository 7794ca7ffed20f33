import { assertEquals } from "@std/assert";
import { createOtelUsageSink, type OptimizerQosEvent, type OtelUsageOptions, type RelayUsageEvent } from "../../mod.ts";
import { Collector } from "./collector.ts";
import type { ReceivedRecord } from "./otlp_request.ts";

/** The resource of the records that {@linkcode send} sends. */
export const RESOURCE = { "service.name": "relay", "service.instance.id": "host-1" };

/** Sends events to a strict collector; comes back with what arrived. */
export async function send(
  options: OtelUsageOptions,
  events: readonly RelayUsageEvent[],
  scores: readonly OptimizerQosEvent[] = [],
): Promise<ReceivedRecord[]> {
  await using collector = new Collector();
  const usage = await createOtelUsageSink({ resource: RESOURCE, ...options, url: collector.url });
  for (const event of events) usage.emit(event);
  for (const event of scores) usage.emitOptimizerQos(event);
  const { relay_usage, optimizer_qos } = await usage.close();
  assertEquals(collector.problems, []);
  assertEquals([relay_usage.exported, optimizer_qos.exported], [events.length, scores.length]);
  return collector.records;
}
