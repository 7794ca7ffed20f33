import { assert, assertEquals } from "@std/assert";
import { EXTENDED_RELAY_USAGE_ATTRIBUTES } from "../../../src/usage/attributes.ts";
import { finalLedger, tally } from "../../support/bill.ts";
import { findOtelCollector, say } from "../../support/collector_build.ts";
import { prepareKafka } from "../../support/collector_kafka.ts";
import { freePort, startOtelCollector } from "../../support/collector_otel.ts";
import { endRelay, startAnsweringNode, startBilledRelay } from "../../support/collector_scene.ts";
import { startLoad } from "../../support/load.ts";
import { until } from "../../support/spool_e2e.ts";
import { tempFolder } from "../../support/spool_files.ts";

const PROJECTS = ["acme", "globex", "initech"];
const JSON_TYPES = { string: "string", int: "number", double: "number", bool: "boolean" } as const;

Deno.test("Kafka gets each event as a flat object, though it was away and the collector was killed meanwhile", async () => {
  const collector = await findOtelCollector();
  if (collector === undefined) return;
  if (!collector.exporters.has("kafka")) return say("skipped: Kafka, because the collector was built without it");
  await using folder = await tempFolder();
  await using kafka = await prepareKafka(folder.path);
  if (kafka === undefined) return;
  await using node = startAnsweringNode();
  const place = { folder: folder.path, port: freePort(), env: { KAFKA_BROKER: kafka.address, QUEUE_EVENTS: "1000" } };
  await using first = await startOtelCollector(collector, "kafka", place);
  await using relay = await startBilledRelay(node, first);
  const load = startLoad(relay.urls[0]!, 6, { projects: PROJECTS });
  // Kafka is away: the queue on disk takes what it holds, and the relay keeps the rest.
  await load.untilAnswered(2_500);
  await load.stop();
  await until("the queue to be full", () => first.log().includes("queue is full"));
  await first.end("SIGKILL");
  const killed = new Set(await Array.fromAsync(Deno.readDir(`${folder.path}/queue`), ({ name }) => name));
  assert(killed.size > 0, "a queue on disk");

  await kafka.start(["relay_usage", "optimizer_qos"]);
  await using _second = await startOtelCollector(collector, "kafka", place);
  const ledger = await endRelay(relay);
  assertEquals(ledger, { accepted: load.answered.length, exported: load.answered.length });
  const distinct = new Map<string, Record<string, unknown>>();
  // A request that was sent twice is there twice: read until each event has come, or no more come.
  for (let more = ledger["accepted"]!; distinct.size < ledger["accepted"]! && more < 10_000; more += 500) {
    for (const line of await kafka.read("relay_usage", more)) {
      const event = JSON.parse(line);
      distinct.set(event.event_id, event);
    }
  }
  assertEquals(
    { ...tally([...distinct.values()].map(({ project }) => String(project))) },
    { ...tally(load.answered.map(({ project }) => project)) },
  );
  assertEquals(finalLedger(relay.log)["exported"], distinct.size);
  const types: Record<string, string> = {
    ...Object.fromEntries(EXTENDED_RELAY_USAGE_ATTRIBUTES.map(({ name, type }) => [name, JSON_TYPES[type]])),
    ts: "string",
    service_name: "string",
    service_instance_id: "string",
  };
  for (const event of distinct.values()) {
    assertEquals(typesOf(event), types);
    assertEquals([event["cu"], event["service_name"]], [10, "lava-rpcsmartrouter"]);
    assert(Date.parse(String(event["ts"])) > Date.now() - 300_000);
  }
});

function typesOf(event: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(event).map(([name, value]) => [name, typeof value]));
}
