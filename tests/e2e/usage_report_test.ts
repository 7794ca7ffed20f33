import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { queryDuckDb } from "../support/duckdb.ts";
import { runCli } from "../support/relay_process.ts";
import { openStore, storeFolder } from "../support/store.ts";
import { ROW_FIELDS, rowOfEvent, type UsageRow } from "../../src/usage/usage_row.ts";
import { relayEvent } from "../support/usage.ts";

const START_MS = Date.UTC(2026, 10, 1);
const COUNT = 20_000;

/** Numbers that look random and are the same in each run. */
function* numbers(): Generator<number> {
  for (let state = 42;;) yield (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) / 2 ** 31;
}

function randomRows(): UsageRow[] {
  const random = numbers();
  const pick = <Value>(values: readonly Value[]) => values[Math.floor(random.next().value! * values.length)]!;
  return Array.from({ length: COUNT }, (_, index) =>
    rowOfEvent(
      relayEvent({
        timeUnixMs: START_MS + Math.floor(random.next().value! * 10 * 86_400_000),
        project: pick(["acme", "globex", "=SUM(A1)", "naïve 🦊", ""]),
        chain: pick(["ETH1", "LAV1"]),
        apiMethod: pick(["eth_call", "eth_getLogs", "eth_blockNumber"]),
        provider: pick(["node-1", "node-2", ""]),
        computeUnits: pick([0, 10, 20, 65, 2 ** 44]),
        success: pick([true, true, true, false]),
        cacheHit: pick([true, false, false]),
      }),
      `host/${pick(["boot1", "boot2"])}/${index + 1}`,
    ));
}

/** A line as a collector writes it whose body is the attributes. */
function flatLine({ timeUnixMs, values }: UsageRow): string {
  const attributes = ROW_FIELDS.relay_usage.map(({ name }, index) => [name, values[index]]);
  return JSON.stringify({ timestamp: new Date(timeUnixMs).toISOString(), ...Object.fromEntries(attributes) });
}

interface Reported {
  readonly rows: readonly Record<string, unknown>[];
  readonly total: Record<string, unknown>;
}

Deno.test("a store, files of lines, and DuckDB over the same events say the same", async () => {
  await using folder = await storeFolder();
  const rows = randomRows();
  const storePath = `${folder.path}/usage.db`;
  {
    await using store = openStore(storePath);
    await store.add(rows);
  }
  // Every tenth event came twice, and the files are those of hours.
  const lines = Map.groupBy([...rows, ...rows.filter((_, index) => index % 10 === 0)], ({ timeUnixMs }) => {
    const [, month, day, hour] = /-(\d\d)-(\d\d)T(\d\d)/.exec(new Date(timeUnixMs).toISOString())!;
    return `year=2026/month=${month}/day=${day}/hour=${hour}`;
  });
  const files = `${folder.path}/bucket`;
  for (const [partition, events] of lines) {
    await Deno.mkdir(`${files}/${partition}`, { recursive: true });
    await Deno.writeTextFile(`${files}/${partition}/usage_1.txt`, `${events.map(flatLine).join("\n")}\n`);
  }
  const period = ["--from=2026-11-02", "--to=2026-11-09T12:00:00Z"];
  const report = async (source: string, ...args: readonly string[]): Promise<Reported> => {
    const { code, out, err } = await runCli("usage", "report", source, "--format=json", ...period, ...args);
    assertEquals(code, 0, err);
    assertEquals(err, source === files ? `note: ${COUNT / 10} events came more than once; each is counted once\n` : "");
    // Whole numbers beyond 2^53 stay as they are.
    const { rows, total } = JSON.parse(out.replace(/"units":(\d+)/g, '"units":"$1"'));
    return { rows, total };
  };
  const where = "time_ms >= epoch_ms(TIMESTAMP '2026-11-02') AND time_ms < epoch_ms(TIMESTAMP '2026-11-09 12:00:00')";
  const events = `(SELECT DISTINCT *, epoch_ms(timestamp::TIMESTAMP) AS time_ms FROM
    read_json('${files}/**/*.txt', format='newline_delimited', hive_partitioning=false,
      columns={timestamp:'VARCHAR', project:'VARCHAR', chain:'VARCHAR', api_method:'VARCHAR', provider:'VARCHAR',
        cu:'BIGINT', success:'BOOLEAN', cache_hit:'BOOLEAN', event_id:'VARCHAR'}))`;
  const cases = [
    [["--by=project"], "project", "true"],
    [["--by=chain,method,provider"], "chain, api_method AS method, provider", "true"],
    [
      ["--by=day,project", "--successes-only", "--exclude-cache-hits"],
      "strftime(epoch_ms(time_ms), '%Y-%m-%d') AS day, project",
      "success AND NOT cache_hit",
    ],
    [["--by=hour"], "strftime(epoch_ms(time_ms), '%Y-%m-%dT%H:00Z') AS hour", "true"],
  ] as const;
  for (const [args, keys, filter] of cases) {
    const ofStore = await report(storePath, ...args);
    assertEquals(await report(files, ...args), ofStore);
    const sumOf = (name: string) => ofStore.rows.reduce((sum, row) => sum + BigInt(String(row[name])), 0n);
    for (const name of ["events", "failed", "cache_hits", "units"]) {
      assertEquals(sumOf(name), BigInt(String(ofStore.total[name])));
    }
    assert(sumOf("units") > 2n ** 53n);
    const found = await queryDuckDb(`
      SELECT ${keys}, count(*)::INT AS events, (count(*) FILTER (NOT success))::INT AS failed,
        (count(*) FILTER (cache_hit))::INT AS cache_hits, sum(cu)::VARCHAR AS units
      FROM ${events} WHERE ${where} AND ${filter} GROUP BY ALL`);
    if (found === undefined) continue;
    const sorted = (rows: Reported["rows"]) => rows.map((row) => JSON.stringify(row)).sort();
    assertEquals(sorted(ofStore.rows), sorted(found));
  }
});

Deno.test("amounts of a report add up to the total, and what has no price is told", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  const prices = `${folder.path}/prices.yml`;
  await Deno.writeTextFile(prices, "version: 3\ncurrency: EUR\nprices: [{project: acme, per-million-units: 0.1}]");
  {
    await using store = openStore(path);
    await store.add([
      rowOfEvent(relayEvent({ computeUnits: 7 }), ""),
      rowOfEvent(relayEvent({ computeUnits: 7, project: "globex" }), ""),
    ]);
  }
  const { code, out, err } = await runCli("usage", "report", path, "--prices", prices);
  assertEquals(code, 0, err);
  assertStringIncludes(out, "acme          1       0           0      7   0.0000007");
  assertStringIncludes(out, "total         2       0           0     14   0.0000007");
  assertStringIncludes(out, "prices: version 3");
  assertEquals(err, "note: 7 units have no price, and are in no amount\n");
});

Deno.test("a period without events, and what can't be reported on", async () => {
  await using folder = await storeFolder();
  const path = `${folder.path}/usage.db`;
  await openStore(path)[Symbol.asyncDispose]();
  const empty = await runCli("usage", "report", path);
  assertEquals([empty.code, empty.err], [0, "note: there are no events in this period\n"]);

  const torn = `${folder.path}/torn.json`;
  await Deno.writeTextFile(torn, '{"project":"a');
  const unreadable = await runCli("usage", "report", torn);
  assertEquals(unreadable.code, 1);
  assertStringIncludes(unreadable.err, `torn.json:1, which is no JSON of usage events`);

  for (
    const [args, message] of [
      [[], "name a store, or files and folders"],
      [["/nowhere.db"], "/nowhere.db: there is no such file or folder"],
      [[path, torn], "is a store; name nothing beside it"],
      [[path, "--by=colour"], '--by: "colour" is not one of project, chain'],
      [[path, "--by=chain,chain"], "--by: chain stands twice"],
      [[path, "--from=2026-11-02", "--to=2026-11-02"], "--from has to be before --to"],
      [[path, "--from=noon"], '--from: "noon" is not a day'],
      [[path, "--prices=/nowhere.yml"], "--prices: /nowhere.yml: there is no such file"],
    ] as const
  ) {
    const { code, err } = await runCli("usage", "report", ...args);
    assertEquals(code, 2, err);
    assertStringIncludes(err, message);
  }
});
