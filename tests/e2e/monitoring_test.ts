import { assert, assertEquals } from "@std/assert";
import { writeConfig } from "../support/config.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { hasPrometheus, promtool, startPrometheus, until } from "../support/prometheus.ts";
import { startRelay } from "../support/relay_process.ts";

const EXAMPLES = new URL("../../examples/monitoring/", import.meta.url);
const ALERTS = new URL("alerts.yml", EXAMPLES).pathname;
const P = "lava_rpcsmartrouter_";

/** Queries that have no series until blocks are followed and providers scored, and of several processes. */
const NEED_MORE = /latest_block|optimizer_selection_score|process_restarts/;

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

async function dashboardQueries(): Promise<readonly string[]> {
  const { panels }: Dashboard = JSON.parse(await Deno.readTextFile(new URL("dashboard.json", EXAMPLES)));
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

Deno.test("a real Prometheus scrapes the relay; every query of the dashboard and every alert finds its series", async () => {
  if (!await hasPrometheus()) return;
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  await using relay = await startRelay([config.path, "--metrics-listen-address=127.0.0.1:0", "--cache"]);
  const listening = relay.log.find(({ message }) => message === "metrics are listening")!;
  await using prometheus = await startPrometheus(String(listening["address"]), [ALERTS]);

  let asked = 0;
  const ask = async () => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: ++asked, method: "eth_getBalance", params: ["acme", "latest"] });
    const headers = { "content-type": "application/json" };
    assertEquals(await (await fetch(relay.urls[0]!, { method: "POST", headers, body })).json(), {
      jsonrpc: "2.0",
      id: asked,
      result: "0x1",
    });
  };
  const total = async (name: string) => {
    const [result] = await prometheus.query(`sum(${P}${name})`);
    return result === undefined ? 0 : Number(result.value[1]);
  };
  // A rate needs two scrapes with requests in between.
  await ask();
  await until(async () => await total("requests_total") === 1);
  for (let i = 0; i < 9; i++) await ask();
  await until(async () => await total("requests_total") === 10);

  assertEquals(await total("requests_success_total") + await total("requests_failed_total"), 10);
  assertEquals(await total("end_to_end_latency_milliseconds_count"), 10);
  assertEquals(await total("cache_success_total") + await total("cache_failed_total"), 10);
  assertEquals(await total("overall_health"), 1);
  for (const query of await dashboardQueries()) {
    const expression = query.replaceAll("$__rate_interval", "1m").replaceAll("$chain", "ETH1");
    const results = await prometheus.query(expression);
    assert(results.length > 0 || NEED_MORE.test(query), `nothing found by ${expression}`);
    for (const { value } of results) assert(Number.isFinite(Number(value[1])), `${expression} is ${value[1]}`);
  }
  await until(async () => (await prometheus.alerts()).every(({ health }) => health !== "unknown"));
  const alerts = await prometheus.alerts();
  assertEquals(alerts.map(({ health }) => health), Array(9).fill("ok"));
  for (const { name, query } of alerts) {
    const measured = query.replace(/ (?:>|==) [\d.]+$/, "");
    assert(measured !== query, `${name} has a threshold`);
    const results = await prometheus.query(measured.replaceAll(/\[\d+m\]/g, "[1m]"));
    assert(results.length > 0 || NEED_MORE.test(query), `nothing found by ${name}: ${measured}`);
  }
});

Deno.test("the alert rules and the example configuration are what Prometheus accepts", async () => {
  if (!await hasPrometheus()) return;
  for (const args of [["check", "rules", ALERTS], ["check", "config", new URL("prometheus.yml", EXAMPLES).pathname]]) {
    const { code, text } = await promtool(args);
    assertEquals(code, 0, text);
  }
});

Deno.test("an address for metrics that can't be had stops the relay before it listens", async () => {
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  const args = [config.path, `--metrics-listen-address=${new URL(node.url).host}`];
  const { promise, resolve } = Promise.withResolvers<string>();
  await startRelay(args).then((relay) => relay[Symbol.asyncDispose]()).catch((error) => resolve(String(error)));
  resolve("it listens");
  assert((await promise).includes("is in use by another program"), await promise);
});
