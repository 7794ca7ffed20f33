import { assert, assertEquals } from "@std/assert";
import { findOtelCollector, say } from "../../support/collector_build.ts";
import { type ObjectStore, startObjectStore } from "../../support/collector_s3.ts";
import { startOtelCollector } from "../../support/collector_otel.ts";
import {
  call,
  endRelay,
  readArrived,
  send,
  startAnsweringNode,
  startBilledRelay,
} from "../../support/collector_scene.ts";
import { openTables, readQueries } from "../../support/collector_tables.ts";
import { runCli } from "../../support/relay_process.ts";
import { until } from "../../support/spool_e2e.ts";
import { tempFolder } from "../../support/spool_files.ts";

Deno.test("the tables over objects in S3 say what the clients did", async () => {
  const collector = await findOtelCollector();
  if (collector === undefined) return;
  await using folder = await tempFolder();
  await using store = await startObjectStore(`${folder.path}/store`);
  if (store === undefined) return;
  const isWhole = collector.exporters.has("awss3");
  if (!isWhole) {
    say("skipped: the collector's way to S3, because it was built without awss3; the test writes the objects itself");
  }
  await using node = startAnsweringNode();
  await using running = await startOtelCollector(collector, isWhole ? "s3" : "files", {
    folder: folder.path,
    env: {
      S3_ENDPOINT: store.url,
      S3_PATH_STYLE: "true",
      S3_FLUSH: "500ms",
      AWS_ACCESS_KEY_ID: "S3RVER",
      AWS_SECRET_ACCESS_KEY: "S3RVER",
    },
  });
  await using relay = await startBilledRelay(node, running);
  const url = relay.urls[0]!;
  for (let i = 0; i < 60; i++) await send(url, i % 3 === 0 ? "acme" : "globex", call("eth_blockNumber"));
  for (let i = 0; i < 5; i++) await send(url, "acme", [call("eth_call", 1), call("eth_getLogs", 2)]);
  assertEquals(await endRelay(relay), { accepted: 65, exported: 65 });
  if (!isWhole) await upload(`${folder.path}/usage/relay_usage/events.json`, store);

  const copy = `${folder.path}/copy`;
  const ask = await openTables(["duckdb_s3"], "'s3://usage/", `'${copy}/`);
  if (ask === undefined) return;
  const queries = await readQueries();
  await until("the objects", async () => {
    const keys = await store.copyTo(copy);
    return keys.length > 0 && (await ask("SELECT count(*) AS n FROM relay_usage"))[0]!["n"] === 65;
  });
  for (const key of await store.copyTo(copy)) {
    assert(/^relay_usage\/year=\d{4}\/month=\d\d\/day=\d\d\/hour=\d\d\/[^/]+\.txt$/.test(key), key);
  }
  const { byProject, holes } = await readArrived(ask, queries);
  assertEquals([{ ...byProject }, holes], [{ acme: 25, globex: 40 }, []]);
  const units = await ask("SELECT project, sum(cu)::BIGINT AS units FROM relay_usage GROUP BY ALL ORDER BY ALL");
  assertEquals(units, [{ project: "acme", units: 700 }, { project: "globex", units: 400 }]);
  assertEquals(
    await ask("SELECT DISTINCT typeof(ts) AS ts, typeof(cu) AS cu, typeof(success) AS ok FROM relay_usage"),
    [
      { ts: "TIMESTAMP", cu: "BIGINT", ok: "BOOLEAN" },
    ],
  );
  assertEquals(await ask("SELECT * FROM relay_usage WHERE COLUMNS(*) IS NULL"), []);
  const report = await runCli("usage", "report", `${copy}/relay_usage`, "--format=json");
  assertEquals(JSON.parse(report.out).total.units, 1_100, report.err);
});

/** Writes what is in a file as that exporter would: a flat object in each line, in the folder of an hour; some twice. */
async function upload(file: string, store: ObjectStore): Promise<void> {
  interface Value {
    readonly stringValue?: string;
    readonly intValue?: string;
    readonly boolValue?: boolean;
  }
  const requests = (await Deno.readTextFile(file)).trim().split("\n").map((line) => JSON.parse(line));
  const records: { attributes: { key: string; value: Value }[] }[] = requests.flatMap(({ resourceLogs }) =>
    resourceLogs[0].scopeLogs[0].logRecords
  );
  const lines = records.map(({ attributes }) =>
    JSON.stringify(Object.fromEntries(attributes.map(({ key, value: { stringValue, intValue, boolValue } }) => [
      key,
      intValue === undefined ? stringValue ?? boolValue : Number(intValue),
    ])))
  );
  const halves = [lines.slice(0, 40), lines.slice(30)];
  for (const [index, part] of halves.entries()) {
    await store.put(`relay_usage/year=2026/month=11/day=24/hour=0${index}/logs_${index}.txt`, part.join("\n") + "\n");
  }
}
