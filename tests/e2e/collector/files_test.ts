import { assert, assertEquals } from "@std/assert";
import { createOtelUsageSink, type OtelUsageOptions } from "../../../mod.ts";
import { findOtelCollector } from "../../support/collector_build.ts";
import { startOtelCollector } from "../../support/collector_otel.ts";
import { call, endRelay, send, startAnsweringNode, startBilledRelay } from "../../support/collector_scene.ts";
import { openTables, readQueries, type TableRow } from "../../support/collector_tables.ts";
import { runCli } from "../../support/relay_process.ts";
import { tempFolder } from "../../support/spool_files.ts";
import { qosEvent, relayEvent } from "../../support/usage.ts";

const HOUR_MS = 3_600_000;

/** Types of the columns that say what and how much; all others are texts. */
const TYPES: Readonly<Record<string, string>> = {
  ts: "TIMESTAMP",
  ...Object.fromEntries(["cu", "latency_ms", "hedge_count", "attempts", "sequence"].map((name) => [name, "BIGINT"])),
  ...Object.fromEntries(
    ["success", "cache_hit", "is_write", "is_archive", "is_batch", "is_debug_trace"].map((name) => [name, "BOOLEAN"]),
  ),
};

Deno.test("the tables over the collector's files say exactly what the clients of two relays did", async () => {
  const collector = await findOtelCollector();
  if (collector === undefined) return;
  await using folder = await tempFolder();
  await using node = startAnsweringNode();
  await using running = await startOtelCollector(collector, "files", {
    folder: folder.path,
    env: { TZ: "Asia/Tokyo" },
  });
  const startMs = Date.now();
  await using one = await startBilledRelay(node, running, "--usage-otel-service-instance-id=one", "--cache");
  await using two = await startBilledRelay(
    node,
    running,
    "--usage-otel-service-instance-id=two",
    "--usage-otel-protocol=http/protobuf",
    "--usage-otel-compression=gzip",
  );
  const [toOne, toTwo] = [one.urls[0]!, two.urls[0]!];
  const times = async (count: number, work: (index: number) => Promise<void>) => {
    for (let index = 0; index < count; index++) await work(index);
  };
  await times(40, () => send(toOne, "acme", call("eth_blockNumber")));
  await times(7, () => send(toOne, "acme", call("eth_getLogs")));
  await times(
    5,
    () => send(toOne, 'g"lob,e\\x01x', [call("eth_blockNumber", 1), call("eth_call", 2)], "https://a.example"),
  );
  await times(30, () => send(toTwo, "acme", call("eth_call")));
  await times(9, () => send(toTwo, "initech", call("foo_bar")));
  assertEquals(await endRelay(one), { accepted: 52, exported: 52 });
  assertEquals(await endRelay(two), { accepted: 39, exported: 39 });
  const hours = new Set([startMs, Date.now()].map((ms) => new Date(ms - ms % HOUR_MS).toISOString().slice(0, 13)));

  const ask = await openTables(["duckdb_files"], "'usage/", `'${folder.path}/usage/`);
  if (ask === undefined) return;
  const queries = await readQueries();
  const units = await ask(queries["units"]!);
  assert(units.every(({ hour }) => hours.has(String(hour).replace(" ", "T").slice(0, 13))), JSON.stringify(units));
  assertEquals(sumUp(units, ["project", "chain", "api_method"]), {
    "acme ETH1 eth_blockNumber": [40, 400],
    "acme ETH1 eth_call": [30, 600],
    "acme ETH1 eth_getLogs": [7, 560],
    'g"lob,e\\x01x ETH1 eth_blockNumber&eth_call': [5, 150],
    "initech ETH1 Default-foo_bar": [9, 180],
  });
  assertEquals(sumUp(await ask(queries["units_of_successes"]!), ["project"]), {
    acme: [70, 1_000],
    'g"lob,e\\x01x': [5, 150],
    initech: [9, 180],
  });
  const [hits] = await ask(
    "SELECT count(*) AS n, coalesce(sum(cu), 0)::BIGINT AS cu FROM relay_usage WHERE cache_hit AND project = 'acme'",
  );
  assert(Number(hits!["n"]) > 0);
  const withoutHits = sumUp(await ask(queries["units_without_cache_hits"]!), ["project"]);
  assertEquals(withoutHits["acme"], [77 - Number(hits!["n"]), 1_560 - Number(hits!["cu"])]);
  assertEquals(sumUp(await ask(queries["by_instance"]!), ["service_instance_id"]), {
    one: [52, 1_110],
    two: [39, 780],
  });
  assertEquals([await ask(queries["lost"]!), await ask(queries["duplicates"]!)], [[], []]);
  const columns = await ask("DESCRIBE relay_usage");
  for (const { column_name, column_type } of columns) {
    assertEquals(column_type, TYPES[String(column_name)] ?? "VARCHAR", String(column_name));
  }
  assertEquals(
    await ask("SELECT * FROM relay_usage WHERE COLUMNS(*) IS NULL"),
    [],
    "every column of every event is there",
  );
  const [origin] = await ask("SELECT DISTINCT origin, is_batch FROM relay_usage WHERE origin <> ''");
  assertEquals(origin, { origin: "https://a.example", is_batch: true });

  // The same bill without a database.
  const report = await runCli("usage", "report", `${folder.path}/usage/relay_usage`, "--format=json");
  assertEquals(report.code, 0, report.err);
  assertEquals(Number(JSON.parse(report.out).total.units), 1_890);
});

Deno.test("queries: free deliveries, objectives by provider, holes and duplicates", async () => {
  const collector = await findOtelCollector();
  if (collector === undefined) return;
  await using folder = await tempFolder();
  await using running = await startOtelCollector(collector, "files", { folder: folder.path });
  const usage = await createOtelUsageSink({ url: running.url, extended: true, queueSize: 4 });
  // A queue of four: the numbers 5 to 8 are a hole, once 9 has come.
  for (let i = 0; i < 8; i++) usage.emit(relayEvent({ latencyMs: i === 0 ? 501 : 5, success: i !== 1, provider: "a" }));
  await untilExported(usage, 4);
  usage.emit(relayEvent({ apiMethod: "subscription_delivery", provider: "b", computeUnits: 10 }));
  assertEquals((await usage.close()).relay_usage.exported, 5);
  const ask = await openTables(["duckdb_files"], "'usage/", `'${folder.path}/usage/`);
  if (ask === undefined) return;
  const queries = await readQueries();
  assertEquals(sumUp(await ask(queries["units_with_free_deliveries"]!), ["project"]), { acme: [4, 40] });
  assertEquals(await ask(queries["slo_by_provider"]!), [
    { provider: "a", chain: "ETH1", calls: 4, success_share: 0.75, good_share: 0.5, max_latency_ms: 501 },
  ]);
  const [hole, ...others] = await ask(queries["lost"]!);
  assertEquals([hole!["first_missing"], hole!["last_missing"], hole!["missing"], others], [5, 8, 4, []]);

  // The relay's own files, once more: each event has arrived twice, and is billed once.
  const file = `${folder.path}/usage/relay_usage/events.json`;
  await Deno.copyFile(file, `${folder.path}/usage/relay_usage/again.json`);
  assertEquals((await ask(queries["duplicates"]!)).map(({ arrivals }) => arrivals), [2, 2, 2, 2, 2]);
  assertEquals(sumUp(await ask(queries["by_instance"]!), ["service_instance_id"]), { "": [5, 50] });
});

Deno.test("both encodings and OpenTelemetry's own exporter arrive as equal records, strangers nowhere", async () => {
  const collector = await findOtelCollector();
  if (collector === undefined) return;
  const arrivals: Record<string, unknown>[] = [];
  for (const options of [{ protocol: "http/json" }, { protocol: "http/protobuf" }, { exporter: "sdk" }] as const) {
    await using folder = await tempFolder();
    await using running = await startOtelCollector(collector, "files", { folder: folder.path });
    const settings: OtelUsageOptions = {
      url: running.url,
      resource: { "service.name": "relay", "service.instance.id": "host-1", "deployment": "blue" },
    };
    const usage = await createOtelUsageSink({ ...settings, ...options });
    usage.emit(relayEvent({ origin: "", computeUnits: 2 ** 40, project: "é🦊" }));
    usage.emit(relayEvent({ success: false, timeUnixMs: 1_767_225_600_000 }));
    // Doubles without a fraction are apart: OpenTelemetry's exporter sends them as ints.
    usage.emitOptimizerQos(qosEvent({ selectionAvailability: 0.5, selectionSync: 0.125 }));
    await usage.close();
    const stranger = await fetch(running.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"relay_usage"}}]}]}]}`,
    });
    assertEquals([stranger.status, await stranger.text()], [200, '{"partialSuccess":{}}']);
    const records: Record<string, unknown> = {};
    for (const kind of ["relay_usage", "optimizer_qos"]) {
      const text = await Deno.readTextFile(`${folder.path}/usage/${kind}/events.json`);
      const requests = text.trim().split("\n").map((line) => JSON.parse(line));
      records[kind] = JSON.parse(
        JSON.stringify(requests),
        (key, value) => key === "observedTimeUnixNano" || key === "scope" ? undefined : value,
      );
    }
    arrivals.push(records);
    const ask = await openTables(["duckdb_files", "duckdb_files_qos"], "'usage/", `'${folder.path}/usage/`);
    if (ask === undefined) continue;
    assertEquals(
      await ask("SELECT ts, epoch, selection_sync, typeof(epoch) AS i, typeof(selection_sync) AS d FROM optimizer_qos"),
      [{ ts: "2026-01-01 00:00:00", epoch: 3, selection_sync: 0.125, i: "BIGINT", d: "DOUBLE" }],
    );
  }
  const [json, protobuf, sdk] = arrivals;
  assertEquals(protobuf, json);
  assertEquals(sdk, json);
  assertEquals(JSON.stringify(json).split('"eventName"').length, 4, "two relays and one score, and nothing else");
});

/** Calls and units by the columns named. */
function sumUp(rows: readonly TableRow[], columns: readonly string[]): Record<string, [calls: number, units: number]> {
  const sums: Record<string, [number, number]> = {};
  for (const row of rows) {
    const [calls, units] = sums[columns.map((column) => row[column]).join(" ")] ??= [0, 0];
    sums[columns.map((column) => row[column]).join(" ")] = [calls + Number(row["calls"]), units + Number(row["units"])];
  }
  return sums;
}

async function untilExported(usage: Awaited<ReturnType<typeof createOtelUsageSink>>, count: number): Promise<void> {
  for (const endMs = performance.now() + 10_000; usage.stats().relay_usage.exported < count;) {
    if (performance.now() > endMs) throw new Error(JSON.stringify(usage.stats()));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
