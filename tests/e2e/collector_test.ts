import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { openDatabase } from "../../src/store/sqlite.ts";
import { finalLedger } from "../support/bill.ts";
import { startCollector } from "../support/collector_process.ts";
import { writeConfig } from "../support/config.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { startLoad } from "../support/load.ts";
import { runCli, startRelay } from "../support/relay_process.ts";
import { openStore, query, relayRows, storeFolder } from "../support/store.ts";

const PROJECTS = ["acme", "globex", "initech"];

for (const protocol of ["http/json", "http/protobuf"]) {
  Deno.test(`a collector that is killed under load and started again has each event once (${protocol}, gzip)`, async () => {
    await using folder = await storeFolder();
    await using node = startCountingNode();
    await using config = await writeConfig([{ name: "node", url: node.url }]);
    const path = `${folder.path}/usage.db`;
    await using first = await startCollector(path);
    await using relay = await startRelay([
      config.path,
      "--usage-otel-enabled",
      "--usage-otel-extended",
      `--usage-otel-endpoint=${first.address}`,
      `--usage-otel-protocol=${protocol}`,
      "--usage-otel-compression=gzip",
      "--usage-otel-flush-interval=10ms",
      "--usage-otel-batch-size=50",
      "--usage-otel-export-timeout=20s",
    ]);
    const load = startLoad(relay.urls[0]!, 6, { projects: PROJECTS, paramsOf: (project) => [project] });
    await load.untilAnswered(1_000);
    await first.end("SIGKILL");
    await load.untilAnswered(2_000);
    await using second = await startCollector(path, { listen: first.address });
    await load.untilAnswered(3_000);
    await load.stop();
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
    assertEquals(await second.end("SIGTERM"), 0);

    const ledger = finalLedger(relay.log);
    assertEquals(ledger, { accepted: load.answered.length, exported: load.answered.length });
    const stored = query(path, "SELECT project, count(*) AS n, sum(cu) AS cu FROM relay_usage GROUP BY 1 ORDER BY 1");
    assertEquals(
      stored,
      PROJECTS.map((project) => ({ project, n: node.calls.get(project)!, cu: 10 * node.calls.get(project)! })),
    );
    const [boot] = query(path, "SELECT count(DISTINCT boot_id) AS boots, max(sequence) AS last FROM relay_usage");
    assertEquals(boot, { boots: 1, last: load.answered.length });
    const { stored: storedBySecond } = second.log.at(-1)!;
    assert(Number(storedBySecond) > 0);
  });
}

Deno.test("a collector that stands still while it has batches gets them twice, and has each event once", async () => {
  await using folder = await storeFolder();
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  const path = `${folder.path}/usage.db`;
  await using collector = await startCollector(path);
  await using relay = await startRelay([
    config.path,
    "--usage-otel-enabled",
    "--usage-otel-extended",
    `--usage-otel-endpoint=${collector.address}`,
    "--usage-otel-flush-interval=10ms",
    "--usage-otel-export-timeout=500ms",
  ]);
  const load = startLoad(relay.urls[0]!, 6, { projects: PROJECTS, paramsOf: (project) => [project] });
  await load.untilAnswered(500);
  collector.signal("SIGSTOP");
  const timedOut = performance.now() + 1_500;
  while (performance.now() < timedOut) await load.untilAnswered(load.answered.length + 100);
  collector.signal("SIGCONT");
  await load.stop();
  const count = load.answered.length;
  for (const endMs = performance.now() + 15_000; performance.now() < endMs;) {
    const [{ n }] = query(path, "SELECT count(*) AS n FROM relay_usage") as [{ n: number }];
    if (n === count) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  assertEquals(await collector.end("SIGTERM"), 0);
  assertEquals(
    query(path, "SELECT project, count(*) AS n FROM relay_usage GROUP BY 1 ORDER BY 1"),
    PROJECTS.map((project) => ({ project, n: node.calls.get(project)! })),
  );
  assert(Number(collector.log.at(-1)!["duplicates"]) > 0, "the batches that it stood still with came again");
});

Deno.test("what the collector can't work with is refused before it listens", async () => {
  await using folder = await storeFolder();
  const newer = `${folder.path}/newer.db`;
  {
    await using store = openStore(newer);
    await store.add(relayRows("a/1", 1, 1));
  }
  const db = openDatabase(newer, false, 0);
  db.exec("PRAGMA user_version = 99");
  db.close();
  const taken = `${folder.path}/taken.db`;
  await using running = await startCollector(taken);
  const cases: readonly (readonly [args: readonly string[], message: string])[] = [
    [[], "collector takes one file"],
    [["a.db", "b.db"], "collector takes one file"],
    [[newer], "was written by a newer relaymeter (its version is 99"],
    [[taken, "--listen=127.0.0.1:0"], "is being written by another process"],
    [[`${folder.path}/c.db`, "--listen", running.address], "is in use by another program"],
    [[`${folder.path}/c.db`, "--listen", "nowhere"], '--listen: "nowhere" is not host:port'],
    [[`${folder.path}/c.db`, "--max-age=forever"], '--max-age: "forever" is not a duration'],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await runCli("collector", ...args);
    assertEquals(code, 2, err);
    assertStringIncludes(err, message);
  }
  assertEquals(await running.end("SIGTERM"), 0);
});
