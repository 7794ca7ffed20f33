import { assertEquals } from "@std/assert";
import { ConsoleLogRecordExporter, InMemoryLogRecordExporter } from "@opentelemetry/sdk-logs";
import { createOtelUsageSink } from "../../mod.ts";
import { RESOURCE, send } from "../support/collect.ts";
import { Collector } from "../support/collector.ts";
import type { ReceivedRecord, TypedValue } from "../support/otlp_request.ts";
import { STRANGE_EVENTS, STRANGE_SCORES } from "../support/strange_values.ts";
import { countsOf, qosEvent, relayEvent } from "../support/usage.ts";

Deno.test("both encodings and the official exporter send equal records", async () => {
  // Strange texts and doubles without a fraction are apart: the official exporter is known to change them.
  const events = [relayEvent(), relayEvent({ computeUnits: 2 ** 40, success: false, isBatch: true, project: "é🦊" })];
  const scores = [qosEvent({ selectionAvailability: 0.5, selectionSync: 0.125 })];
  const withoutObserved = (records: readonly ReceivedRecord[]) =>
    records.map((record) => ({ ...record, observedTimeUnixNano: 0n }));
  const json = withoutObserved(await send({ protocol: "http/json" }, events, scores));
  const protobuf = withoutObserved(await send({ protocol: "http/protobuf" }, events, scores));
  const official = withoutObserved(await send({ exporter: "sdk" }, events, scores));
  assertEquals(json.length, 3);
  assertEquals(protobuf, json);
  // Each kind is a request of its own, and the official exporter may send them in either order.
  const sorted = (records: typeof json) => records.toSorted((a, b) => a.body < b.body ? -1 : 1);
  assertEquals(sorted(official), sorted(json));
  const strange = withoutObserved(await send({ protocol: "http/json" }, STRANGE_EVENTS, STRANGE_SCORES));
  assertEquals(withoutObserved(await send({ protocol: "http/protobuf" }, STRANGE_EVENTS, STRANGE_SCORES)), strange);
});

/** What the official exporter makes of values that ours sends as they are; listed, so that a repair is noticed. */
const SDK_DOUBLES: readonly (readonly [value: number, sent: TypedValue | "rejected", reason: string])[] = [
  [0.97, ["double", 0.97], "a fraction stays a double"],
  [1, ["int", 1n], "a double without a fraction becomes an int: the type flips with the value"],
  [0, ["int", 0n], "as above"],
  [1e21, "rejected", "an int that 64 bits can't hold: a collector refuses the whole batch"],
];

for (const [value, sent, reason] of SDK_DOUBLES) {
  Deno.test(`the official exporter and the double ${value}: ${reason}`, async () => {
    await using collector = new Collector();
    const usage = await createOtelUsageSink({ exporter: "sdk", url: collector.url });
    usage.emitOptimizerQos(qosEvent({ selectionLatency: value }));
    const { optimizer_qos } = await usage.close();
    const [record] = collector.records;
    assertEquals(record?.attributes["selection_latency"] ?? "rejected", sent);
    assertEquals(countsOf(optimizer_qos), { accepted: 1, [sent === "rejected" ? "rejected" : "exported"]: 1 });
  });
}

Deno.test("the SDK's in-memory exporter plugs in, and reads what it needs of a record", async () => {
  const exporter = new InMemoryLogRecordExporter();
  const usage = await createOtelUsageSink({ exporter, batchSize: 2, flushIntervalMs: 1, resource: RESOURCE });
  for (let i = 0; i < 5; i++) usage.emit(relayEvent({ latencyMs: i }));
  let finished: ReturnType<InMemoryLogRecordExporter["getFinishedLogRecords"]> = [];
  const reset = exporter.reset.bind(exporter);
  // Its shutdown forgets what it has.
  exporter.reset = () => {
    finished = exporter.getFinishedLogRecords();
    reset();
  };
  assertEquals(countsOf((await usage.close()).relay_usage), { accepted: 5, exported: 5 });
  assertEquals(finished.map(({ attributes }) => attributes["latency_ms"]), [0, 1, 2, 3, 4]);
  const { hrTime, body, eventName, severityNumber, instrumentationScope, resource, spanContext } = finished[0]!;
  assertEquals([hrTime, body, eventName], [[1_767_225_600, 123_000_000], "relay_usage", "relay_usage"]);
  assertEquals([severityNumber, instrumentationScope.name, spanContext], [9, "relaymeter", undefined]);
  assertEquals(resource.attributes, RESOURCE);
});

Deno.test("the SDK's console exporter plugs in", async () => {
  const printed: Record<string, unknown>[] = [];
  const exporter = new class extends ConsoleLogRecordExporter {
    override export(...[logs, callback]: Parameters<ConsoleLogRecordExporter["export"]>): void {
      for (const log of logs) printed.push(this["_exportInfo"](log));
      callback({ code: 0 });
    }
  }();
  const usage = await createOtelUsageSink({ exporter, resource: RESOURCE });
  usage.emit(relayEvent());
  assertEquals(countsOf((await usage.close()).relay_usage), { accepted: 1, exported: 1 });
  assertEquals([printed[0]!["timestamp"], printed[0]!["body"]], [1_767_225_600_123_000, "relay_usage"]);
});
