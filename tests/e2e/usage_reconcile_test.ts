import { assertEquals, assertStringIncludes } from "@std/assert";
import { openDatabase } from "../../src/store/sqlite.ts";
import { startCollector } from "../support/collector_process.ts";
import { writeConfig } from "../support/config.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { startLoad } from "../support/load.ts";
import { runCli, startRelay } from "../support/relay_process.ts";
import { query, storeFolder } from "../support/store.ts";

Deno.test("reconcile finds the hole that was made, says exactly which, and trusts nothing else", async () => {
  await using folder = await storeFolder();
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  const path = `${folder.path}/usage.db`;
  const logPath = `${folder.path}/relay.log`;
  await using collector = await startCollector(path);
  await using relay = await startRelay([
    config.path,
    "--usage-otel-enabled",
    "--usage-otel-extended",
    `--usage-otel-endpoint=${collector.address}`,
    "--usage-otel-service-instance-id=relay-1",
    "--metrics-listen-address=127.0.0.1:0",
  ]);
  const load = startLoad(relay.urls[0]!, 3, { paramsOf: (project) => [project] });
  await load.untilAnswered(300);
  await load.stop();
  // What it says while it runs.
  const metricsAddress = relay.log.find(({ message }) => String(message).includes("metrics"))!["address"];
  const snapshot = `${folder.path}/metrics.txt`;
  await Deno.writeTextFile(snapshot, await (await fetch(`http://${metricsAddress}/metrics`)).text());
  const running = await runCli("usage", "reconcile", path, "--ledger", snapshot);
  assertEquals(running.code, 0, running.out + running.err);
  assertStringIncludes(running.out, "snapshot: exported");
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  await Deno.writeTextFile(logPath, relay.log.map((line) => JSON.stringify(line)).join("\n"));
  const last = load.answered.length;

  // Beside the collector that writes to it.
  const whole = await runCli("usage", "reconcile", path, "--ledger", logPath);
  assertEquals(whole.code, 0, whole.out + whole.err);
  assertStringIncludes(whole.out, `numbered ${last}, arrived ${last}, missing 0`);
  assertStringIncludes(whole.out, "complete: every event has arrived");

  const [{ name: boot }] = query(path, "SELECT name FROM boot") as [{ name: string }];
  const shown = await runCli("usage", "show", `${boot}/7`, path);
  assertEquals(shown.code, 0, shown.err);
  assertStringIncludes(shown.out, `event_id        ${boot}/7`);
  assertStringIncludes(shown.out, "cu              10");
  assertStringIncludes(shown.out, "success         true");

  assertEquals(await collector.end("SIGTERM"), 0);
  const db = openDatabase(path, false, 1_000);
  db.exec(`DELETE FROM relay_usage WHERE sequence IN (7, 8, 9, 20, ${last})`);
  db.close();
  const holed = await runCli("usage", "reconcile", path, "--ledger", logPath);
  assertEquals(holed.code, 1);
  assertStringIncludes(holed.out, `arrived ${last - 5}, missing 5`);
  assertStringIncludes(holed.out, `missing: 7-9, 20, ${last}\n`);
  assertStringIncludes(holed.out, "NOT ACCOUNTED FOR\n  5 events are missing, and no ledger owns up to them");
  const json = JSON.parse((await runCli("usage", "reconcile", path, "--ledger", logPath, "--format=json")).out);
  assertEquals(json.boots[0].missing, [{ first: 7, last: 9 }, { first: 20, last: 20 }, { first: last, last }]);

  const gone = await runCli("usage", "show", `${boot}/7`, path);
  assertEquals([gone.code, gone.err], [1, `relaymeter: ${boot}/7 is not there\n`]);
  for (
    const [args, message] of [
      [["reconcile", path], "--ledger FILE says what the relays counted"],
      [["reconcile", path, "--ledger", "/nowhere.log"], "/nowhere.log: there is no such file"],
      [["reconcile", path, "--ledger", config.path], "holds no ledger with usage_boot"],
      [["reconcile", "--ledger", logPath], "name a store, or files and folders"],
      [["show"], '"" is no event id'],
      [["show", `${boot}/7`], "name a store, or files and folders"],
    ] as const
  ) {
    const { code, err } = await runCli("usage", ...args);
    assertEquals(code, 2, err);
    assertStringIncludes(err, message);
  }
});
