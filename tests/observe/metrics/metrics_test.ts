import { assert, assertEquals } from "@std/assert";
import { createMetricsHandler, createRelay, type MetricsSources, NoopUsageSink } from "../../../mod.ts";
import type { Outcome } from "../../../src/domain/outcome.ts";
import type { RelayRequest } from "../../../src/domain/relay_request.ts";
import { NO_STEERING } from "../../../src/domain/steering.ts";
import { EndpointCounts } from "../../../src/observe/metrics/endpoint_counts.ts";
import { Exposition } from "../../../src/observe/metrics/exposition.ts";
import { Histogram } from "../../../src/observe/metrics/histogram.ts";
import { Metrics } from "../../../src/observe/metrics/metrics.ts";
import { apiFacts } from "../../support/engine.ts";
import { hasPrometheus, promtool } from "../../support/prometheus.ts";
import { answering, refusing, scriptedNodes } from "../../support/scripted_node.ts";
import { qosEvent } from "../../support/usage.ts";

const SOURCES: MetricsSources = { version: "1.2.3", usage: () => new NoopUsageSink().stats() };
const P = "lava_rpcsmartrouter_";

/** The value of one series; undefined when it is not there. */
function valueOf(page: string, series: string): number | undefined {
  const line = page.split("\n").find((line) => line.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** The sum over a metric's series. */
function sumOf(page: string, name: string): number {
  const lines = page.split("\n").filter((line) => line.startsWith(`${P}${name}{`));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** A relay that has been asked for several things, and its metrics. */
async function used(): Promise<Metrics> {
  const metrics = new Metrics({ ...SOURCES, scores: () => [qosEvent({ provider: 'a"\\\n' })] });
  const nodes = { a: answering(), b: refusing(3, "execution reverted") };
  const { fetch } = scriptedNodes(nodes);
  const providers = Object.keys(nodes).map((name) => ({
    name,
    nodeUrls: [{ url: `https://${name}/`, addons: ["debug"] }],
  }));
  // One provider after the other.
  let turn = 0;
  const random = () => turn++ % 2 === 0 ? 0 : 0.999;
  await using relay = createRelay({ chainId: "ETH1", providers, fetch, metrics, random });
  const call = (method: string) => ({ jsonrpc: "2.0", id: 1, method, params: ["0x0", "latest"] });
  const bodies = [
    ...Array.from({ length: 6 }, () => call("eth_getBalance")),
    [call("eth_getBalance"), call("eth_chainId")],
    call("eth_sendRawTransaction"),
    call("debug_traceTransaction"),
    ...Array.from({ length: 20 }, (_, index) => call(`made_up_${index}`)),
  ];
  for (const body of bodies) {
    const headers = { "content-type": "application/json" };
    await relay.fetch(new Request("http://relay.example", { method: "POST", headers, body: JSON.stringify(body) }));
  }
  return metrics;
}

Deno.test("relays are counted by provider and method, and the sums add up", async () => {
  const page = String(await used());
  assertEquals(sumOf(page, "requests_total"), 29);
  assertEquals(sumOf(page, "requests_success_total") + sumOf(page, "requests_failed_total"), 29);
  assertEquals(
    ["read", "write", "batch"].map((kind) => sumOf(page, `requests_${kind}_total`)),
    [27, 1, 1],
  );
  assertEquals(sumOf(page, "requests_debug_trace_total"), 1);
  const series = (provider: string) =>
    `${P}requests_total{spec="ETH1",apiInterface="jsonrpc",provider_address="${provider}",method="eth_getBalance"}`;
  assertEquals([valueOf(page, series("a")), valueOf(page, series("b"))], [3, 3]);
  assertEquals(sumOf(page, "node_errors_total"), sumOf(page, "requests_failed_total") + 1, "the write's other one too");
  const count =
    `${P}end_to_end_latency_milliseconds_count{spec="ETH1",apiInterface="jsonrpc",function="eth_getBalance"}`;
  assertEquals(valueOf(page, count), 6);
});

Deno.test("a client makes no series by inventing methods", async () => {
  const page = String(await used());
  assert(!page.includes("made_up"));
  assertEquals(
    page.split("\n").filter((line) => /^lava_rpcsmartrouter_requests_total\{.*method="(?:Default|batch)"/.test(line))
      .length,
    3,
  );
});

Deno.test("what is beyond the bound on series counts as other, and nothing is lost", () => {
  const counts = new EndpointCounts();
  const outcome = { kind: "answer", provider: "a", tried: ["a"], retries: 0, hedges: 0 } as unknown as Outcome;
  for (let i = 0; i < 10_000; i++) {
    const api = apiFacts({ apiMethod: `m${i}` });
    const request = { api, call: { isBatch: false }, steering: NO_STEERING } as unknown as RelayRequest;
    counts.relayEnded(request, { ...outcome, api, success: true } as Outcome, 1);
    counts.attemptFailed(request, `p${i % 100}`, "node_error");
  }
  let total = 0;
  let nodeErrors = 0;
  let rows = 0;
  for (const { providers } of counts.methods.values()) {
    rows += 1 + providers.size;
    for (const row of providers.values()) {
      total += row.total;
      nodeErrors += row.nodeErrors;
    }
  }
  assertEquals([total, nodeErrors], [10_000, 10_000]);
  assert(rows < 5_100, `${rows} rows`);
});

Deno.test("a latency is counted in the bucket whose bound it does not pass", () => {
  const histogram = new Histogram();
  for (const ms of [0, 1, 1.5, 2, 30_000, 30_001]) histogram.add(ms);
  const page = new Exposition();
  histogram.write(page, "x", []);
  const lines = String(page).trim().split("\n");
  assertEquals(lines[0], 'x_bucket{le="1"} 2');
  assertEquals(lines[1], 'x_bucket{le="2"} 4');
  assertEquals(lines.slice(-4), ['x_bucket{le="30000"} 5', 'x_bucket{le="+Inf"} 6', "x_sum 60005.5", "x_count 6"]);
});

Deno.test("the ledger is on the page, each reason of a drop with its number", () => {
  const stats = new NoopUsageSink().stats();
  const counts = { ...stats.relay_usage, accepted: 9, exported: 4, queued: 2, inFlight: 1, spooled: 1 };
  const dropped = { ...counts.dropped, queue_full: 1 };
  const page = String(new Metrics({ ...SOURCES, usage: () => ({ ...stats, relay_usage: { ...counts, dropped } }) }));
  const of = (name: string) => valueOf(page, `${P}usage_events_${name}{kind="relay_usage"}`);
  assertEquals(
    ["accepted_total", "exported_total", "queued", "in_flight", "spooled"].map(of),
    [9, 4, 2, 1, 1],
  );
  assertEquals(valueOf(page, `${P}usage_events_dropped_total{kind="relay_usage",reason="queue_full"}`), 1);
});

/** What promtool thinks of names that dashboards already have. */
const NAMES_AS_THEY_ARE = /camelCase|use base unit "seconds"/;

Deno.test("promtool reads the page, and has nothing to say but about names that dashboards already have", async () => {
  if (!await hasPrometheus()) return;
  const { code, text } = await promtool(["check", "metrics"], String(await used()));
  assert(code === 0 || code === 3, text);
  assertEquals(text.split("\n").filter((line) => line !== "" && !NAMES_AS_THEY_ARE.test(line)), []);
  assertEquals((await promtool(["check", "metrics"], "a{ 1\n")).code, 1, "it does not read everything");
});

Deno.test("the page, health and the optimizer's scores are served; nothing else is", async () => {
  const handler = createMetricsHandler(await used(), { optimizerMetrics: () => "[]" });
  const get = async (path: string, method = "GET", use = handler) => {
    const response = use(new Request(`http://relay.example${path}`, { method }));
    return [response.status, response.headers.get("content-type"), await response.text()] as const;
  };
  const [status, type, page] = await get("/metrics");
  assertEquals([status, type], [200, "text/plain; version=0.0.4; charset=utf-8"]);
  assertEquals(valueOf(page, `${P}protocol_version{version="1.2.3"}`), 1);
  const score = 'lava_rpc_optimizer_selection_score{spec="ETH1",endpoint_id="a\\"\\\\\\n",score_type="latency"}';
  assertEquals(valueOf(page, score), 0.97);
  assertEquals((await get("/metrics/overall-health")).slice(0, 1), [200]);
  assertEquals(await get("/provider_optimizer_metrics"), [200, "application/json", "[]"]);
  const bare = createMetricsHandler(new Metrics(SOURCES));
  assertEquals((await get("/provider_optimizer_metrics", "GET", bare))[0], 404);
  assertEquals([(await get("/"))[0], (await get("/metrics", "POST"))[0]], [404, 405]);
});

Deno.test("health is that of all endpoints together, and of each", () => {
  const metrics = new Metrics(SOURCES);
  const facts = {
    apiInterface: "jsonrpc",
    providers: ["a", "b"],
    headOf: (name: string) => name === "a" ? 7 : 0,
  } as const;
  metrics.addEndpoint({ ...facts, chain: "ETH1", isHealthy: () => true });
  metrics.addEndpoint({ ...facts, chain: "BASE", isHealthy: () => false });
  const page = String(metrics);
  assertEquals(valueOf(page, `${P}overall_health`), 0);
  assertEquals(valueOf(page, `${P}overall_health_breakdown{spec="ETH1",apiInterface="jsonrpc"}`), 1);
  assertEquals(valueOf(page, `${P}overall_health_breakdown{spec="BASE",apiInterface="jsonrpc"}`), 0);
  const block = (name: string) => `${P}latest_block{spec="ETH1",apiInterface="jsonrpc",provider_address="${name}"}`;
  assertEquals([valueOf(page, block("a")), valueOf(page, block("b"))], [7, undefined]);
  assertEquals(createMetricsHandler(metrics)(new Request("http://x/metrics/overall-health")).status, 503);
});

Deno.test("two listeners for one chain and interface are counted together: no series stands twice", async () => {
  const metrics = new Metrics(SOURCES);
  const facts = { chain: "ETH1", apiInterface: "jsonrpc", providers: ["a"] } as const;
  const counts = metrics.addEndpoint({ ...facts, isHealthy: () => true, headOf: () => 5 });
  assertEquals(metrics.addEndpoint({ ...facts, isHealthy: () => false, headOf: () => 7 }), counts);
  counts.addSockets(() => ({ connections: 2, closing: 1, bufferedBytes: 5, deliveries: 10, sheds: 0 }));
  counts.addSockets(() => ({ connections: 3, closing: 1, bufferedBytes: 6, deliveries: 20, sheds: 1 }));
  const page = String(metrics);
  const of = (name: string, more = "") => valueOf(page, `${P}${name}{spec="ETH1",apiInterface="jsonrpc"${more}}`);
  assertEquals([of("ws_connections_active"), of("ws_deliveries_total"), of("ws_slow_clients_total")], [5, 30, 1]);
  assertEquals([of("overall_health_breakdown"), of("latest_block", ',provider_address="a"')], [0, 7]);
  const series = page.split("\n").filter((line) => line !== "" && !line.startsWith("#")).map((line) =>
    line.split(" ")[0]
  );
  assertEquals(series.length, new Set(series).size);
  if (await hasPrometheus()) assert((await promtool(["check", "metrics"], page)).code !== 1);
});

Deno.test("a subscription that was started is counted as one, a refused one is not", () => {
  const counts = new EndpointCounts();
  const api = apiFacts({ isSubscription: true });
  const request = { api, call: { isBatch: false }, steering: NO_STEERING } as unknown as RelayRequest;
  for (const success of [true, false]) {
    const outcome = { kind: "answer", success, provider: "a", tried: ["a"], retries: 0, hedges: 0, api };
    counts.relayEnded(request, outcome as unknown as Outcome, 1);
  }
  assertEquals(counts.subscriptions, 1);
});

Deno.test("a relay's WebSockets are on its page while they are open", async () => {
  const metrics = new Metrics(SOURCES);
  const providers = [{ name: "a", nodeUrls: [{ url: "https://a/" }] }];
  await using relay = createRelay({ chainId: "ETH1", providers, metrics });
  const open = () => valueOf(String(metrics), `${P}ws_connections_active{spec="ETH1",apiInterface="jsonrpc"}`);
  assertEquals(open(), 0);
  const accept = relay.upgrade(new Request("http://relay.example/ws", { headers: { upgrade: "websocket" } }));
  assert(typeof accept === "function");
  const receiver = accept({ bufferedAmount: 0, send: () => true, close() {} });
  assertEquals(open(), 1);
  receiver.closed();
  assertEquals(open(), 0);
});
