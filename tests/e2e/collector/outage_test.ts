import { assert, assertEquals } from "@std/assert";
import { tally } from "../../support/bill.ts";
import { findOtelCollector } from "../../support/collector_build.ts";
import { freePort, type RunningCollector, startOtelCollector } from "../../support/collector_otel.ts";
import {
  type Arrived,
  assertSettled,
  endRelay,
  readArrived,
  startAnsweringNode,
  startBilledRelay,
} from "../../support/collector_scene.ts";
import { openTables, readQueries } from "../../support/collector_tables.ts";
import { type Load, startLoad } from "../../support/load.ts";
import { type RelayProcess, runCli } from "../../support/relay_process.ts";
import { until } from "../../support/spool_e2e.ts";
import { tempFolder } from "../../support/spool_files.ts";
import { mountTmpfs } from "../../support/spool_mount.ts";

const PROJECTS = ["acme", "globex", "initech"];

/** What the far end has, and nothing where DuckDB can't be had. */
async function arrivedIn(usageFolder: string): Promise<Arrived | undefined> {
  const ask = await openTables(["duckdb_files"], "'usage/", `'${usageFolder}/`);
  return ask && await readArrived(ask, await readQueries());
}

/** What each project's clients were answered. */
function answeredBy(...loads: readonly Load[]): Record<string, number> {
  return { ...tally(loads.flatMap(({ answered }) => answered.map(({ project }) => project))) };
}

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(`a collector that is ended with ${signal} under load and started again has every event, without a spool too`, async () => {
    const collector = await findOtelCollector();
    if (collector === undefined) return;
    await using folder = await tempFolder();
    await using node = startAnsweringNode();
    const place = { folder: folder.path, port: freePort() };
    await using first = await startOtelCollector(collector, "files", place);
    await using relay = await startBilledRelay(node, first);
    const load = startLoad(relay.urls[0]!, 6, { projects: PROJECTS });
    await load.untilAnswered(500);
    await first.end(signal);
    await load.untilAnswered(1_000);
    await using _second = await startOtelCollector(collector, "files", place);
    await load.untilAnswered(1_500);
    await load.stop();
    const ledger = await endRelay(relay);
    assertEquals(ledger, { accepted: load.answered.length, exported: load.answered.length });
    const arrived = await arrivedIn(`${folder.path}/usage`);
    if (arrived === undefined) return;
    assertSettled(arrived, ledger);
    assertEquals([{ ...arrived.byProject }, arrived.holes], [answeredBy(load), []]);
  });
}

Deno.test("a collector that is away when the relay ends gets the rest from the spool of the next one", async () => {
  const collector = await findOtelCollector();
  if (collector === undefined) return;
  await using folder = await tempFolder();
  await using node = startAnsweringNode();
  const place = { folder: folder.path, port: freePort() };
  const flags = [`--usage-spool-dir=${folder.path}/spool`, "--usage-otel-export-timeout=1s"];
  await using first = await startOtelCollector(collector, "files", place);
  await using relay = await startBilledRelay(node, first, ...flags);
  const load = startLoad(relay.urls[0]!, 6, { projects: PROJECTS });
  await load.untilAnswered(300);
  await first.end("SIGKILL");
  await load.untilAnswered(800);
  await load.stop();
  const before = await endRelay(relay);
  assert(before["spooled"]! > 0, JSON.stringify(before));
  assertEquals(before["exported"]! + before["spooled"]!, load.answered.length);

  await using second = await startOtelCollector(collector, "files", place);
  await using heir = await startBilledRelay(node, second, ...flags);
  const later = startLoad(heir.urls[0]!, 2, { projects: PROJECTS });
  await later.untilAnswered(50);
  await later.stop();
  const after = await endRelay(heir);
  assertEquals(after["exported"], before["spooled"]! + later.answered.length);
  const arrived = await arrivedIn(`${folder.path}/usage`);
  if (arrived === undefined) return;
  assertEquals([{ ...arrived.byProject }, arrived.holes], [answeredBy(load, later), []]);
  assert(arrived.rows >= arrived.distinct);
});

for (const isSpooling of [true, false]) {
  Deno.test(`a collector whose disk is full ${isSpooling ? "gets all from the spool when there is room" : "costs what the ledger says"}`, async () => {
    const collector = await findOtelCollector();
    if (collector === undefined) return;
    await using folder = await tempFolder();
    await using disk = await mountTmpfs("size=8m");
    if (disk === undefined) return;
    await using node = startAnsweringNode();
    await using running = await startOtelCollector(collector, "files", {
      folder: folder.path,
      env: { USAGE_DIR: `${disk.path}/usage` },
    });
    await using relay = await startBilledRelay(
      node,
      running,
      ...(isSpooling ? [`--usage-spool-dir=${folder.path}/spool`] : ["--usage-otel-retry-budget=300ms"]),
    );
    const load = startLoad(relay.urls[0]!, 6, { projects: PROJECTS });
    await load.untilAnswered(300);
    await disk.fill(10_000);
    await until("the collector to find its disk full", () => running.log().includes("no space left on device"));
    const answered = load.answered.length;
    await load.untilAnswered(answered + 500);
    if (!isSpooling) await until("a batch to be given up", () => hasLost(relay));
    await disk.empty();
    await load.untilAnswered(load.answered.length + 300);
    await load.stop();
    const ledger = await endRelay(relay);
    assertEquals(ledger["accepted"], load.answered.length);
    const arrived = await arrivedIn(`${disk.path}/usage`);
    if (arrived === undefined) return;
    assertSettled(arrived, ledger);
    if (isSpooling) {
      assertEquals(ledger["exported"], ledger["accepted"]);
      assertEquals([{ ...arrived.byProject }, arrived.holes], [answeredBy(load), []]);
      // A write that was cut off stands in front of the next request: one line is odd, and no event is missing.
      const report = await runCli("usage", "report", `${disk.path}/usage/relay_usage`, "--format=json");
      assertEquals(JSON.parse(report.out).total.events, ledger["accepted"], report.err);
    } else assert(ledger["dropped_retry_exhausted"]! > 0, JSON.stringify(ledger));
  });
}

Deno.test("a collector that is overloaded makes the relay wait: what its queue can't hold is on the ledger", async () => {
  const collector = await findOtelCollector();
  if (collector === undefined) return;
  await using folder = await tempFolder();
  await using node = startAnsweringNode();
  const port = freePort();
  // More than it may take is what it takes for itself already.
  const tight = { MEMORY_LIMIT_MIB: "2", MEMORY_SPIKE_MIB: "1" };
  await using overloaded = await startOtelCollector(collector, "files", { folder: folder.path, port, env: tight });
  await until("it to refuse", async () => await statusOf(overloaded) === 503);
  await using relay = await startBilledRelay(node, overloaded, "--usage-otel-queue-size=200");
  const load = startLoad(relay.urls[0]!, 6, { projects: PROJECTS });
  await load.untilAnswered(1_000);
  await load.stop();
  await overloaded.end("SIGTERM");
  await using _relieved = await startOtelCollector(collector, "files", { folder: folder.path, port });
  const ledger = await endRelay(relay);
  assertEquals(ledger["accepted"], load.answered.length);
  assert(ledger["dropped_queue_full"]! > 0 && ledger["exported"]! > 0, JSON.stringify(ledger));
  const arrived = await arrivedIn(`${folder.path}/usage`);
  if (arrived === undefined) return;
  assertSettled(arrived, ledger);
});

/** What it answers to a request without records. */
async function statusOf({ url }: RunningCollector): Promise<number> {
  const body = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"x"}}]}]}]}`;
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  await response.text();
  return response.status;
}

function hasLost({ log }: RelayProcess): boolean {
  return log.some(({ message }) => String(message).includes("dropped"));
}
