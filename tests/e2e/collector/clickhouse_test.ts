import { assertEquals } from "@std/assert";
import { EXTENDED_RELAY_USAGE_ATTRIBUTES } from "../../../src/usage/attributes.ts";
import { openClickHouse } from "../../support/collector_clickhouse.ts";
import { readQueries } from "../../support/collector_tables.ts";
import { tempFolder } from "../../support/spool_files.ts";
import { relayEvent } from "../../support/usage.ts";

/** The columns in the order of the exporter's own INSERT; of those that it leaves out, a row has the default. */
const COLUMNS = "Timestamp, SeverityNumber, ServiceName, Body, ResourceAttributes, ScopeName, LogAttributes, EventName";

Deno.test("ClickHouse: the tables are valid, and the queries say what was put in", async () => {
  await using folder = await tempFolder();
  using clickHouse = await openClickHouse(folder.path);
  if (clickHouse === undefined) return;
  const events = [
    relayEvent({ computeUnits: 2 ** 45 }),
    relayEvent({ success: false, latencyMs: 900 }),
    relayEvent({ success: false, latencyMs: 900 }),
    relayEvent({ cacheHit: true, provider: "" }),
    relayEvent({ apiMethod: "subscription_delivery" }),
  ];
  // The second came twice; the numbers 3 and 4 did not come; the last has none.
  const ids = ["one/b/1", "one/b/2", "one/b/2", "one/b/5", ""];
  const rows = events.map((event, index) => {
    const attributes = EXTENDED_RELAY_USAGE_ATTRIBUTES.map((field) =>
      `'${field.name}', '${field.read(event, ids[index]!)}'`
    );
    const resource = "map('service.name', 'relay', 'service.instance.id', 'one')";
    const time = `fromUnixTimestamp64Milli(${event.timeUnixMs})`;
    const map = `map(${attributes})`;
    return `(${time}, 9, 'relay', 'relay_usage', ${resource}, 'relaymeter', ${map}, 'relay_usage')`;
  });
  clickHouse.ask(`INSERT INTO usage.events (${COLUMNS}) VALUES ${rows}`);
  const answers = Object.entries(await readQueries()).map(([name, sql]) => {
    return [name, clickHouse.ask(sql.replaceAll("FROM relay_usage", "FROM usage.relay_usage").replace(/;\s*$/, ""))];
  });
  const key = { project: "acme", chain: "ETH1", hour: "2026-01-01 00:00:00" };
  assertEquals(Object.fromEntries(answers), {
    units: [
      { ...key, api_method: "eth_blockNumber", calls: 3, units: 2 ** 45 + 20 },
      { ...key, api_method: "subscription_delivery", calls: 1, units: 10 },
    ],
    units_of_successes: [{ project: "acme", calls: 3, units: 2 ** 45 + 20 }],
    units_without_cache_hits: [{ project: "acme", calls: 3, units: 2 ** 45 + 20 }],
    units_with_free_deliveries: [{ project: "acme", calls: 3, units: 2 ** 45 + 20 }],
    slo_by_provider: [
      { provider: "node", chain: "ETH1", calls: 2, success_share: 0.5, good_share: 0.5, max_latency_ms: 900 },
    ],
    by_instance: [{ service_instance_id: "one", calls: 4, units: 2 ** 45 + 30 }],
    lost: [{ boot: "one/b", first_missing: 3, last_missing: 4, missing: 2 }],
    duplicates: [{ event_id: "one/b/2", arrivals: 2 }],
  });
  assertEquals(clickHouse.ask("SELECT toString(ts) AS ts, success FROM usage.relay_usage WHERE sequence = 1"), [
    { ts: "2026-01-01 00:00:00.123", success: 1 },
  ]);
});
