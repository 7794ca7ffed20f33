/**
 * What a relayed request costs, beside nginx and haproxy which only pass it on.
 *
 * `deno run -A bench/load/main.ts [--rounds 5] [--seconds 3] [--connections 32] [--chart FILE.svg]`. Needs nginx, haproxy
 * and wrk. The variants take turns in each round; the figures are medians over the rounds.
 */
import { parseArgs } from "@std/cli/parse-args";
import { startRelay } from "../../tests/support/relay_process.ts";
import { drawChart } from "./chart.ts";
import { cpuSeconds, residentMib } from "./process.ts";
import { startServer } from "./server.ts";
import { runWrk } from "./wrk.ts";

const args = parseArgs(Deno.args, { string: ["rounds", "seconds", "connections", "chart"] });
const ROUNDS = Number(args.rounds ?? 5);
const SECONDS = Number(args.seconds ?? 3);
const CONNECTIONS = Number(args.connections ?? 32);

/** Somebody who is asked. */
interface Variant extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
}

/** What was measured in one round. */
interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
  readonly mib: number;
}

const ANSWER = '{"jsonrpc":"2.0","id":1,"result":"0x7a69"}';
const TEMP = (folder: string) =>
  ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
const nginx = (folder: string, servers: string) =>
  `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log crit; events {}
http { access_log off; keepalive_requests 1000000000; ${TEMP(folder)} ${servers} }`;

await using upstream = await startServer("nginx", (port, folder) =>
  nginx(
    folder,
    `server { listen 127.0.0.1:${port}; location / { default_type application/json; return 200 '${ANSWER}'; } }`,
  ), (file, folder) => ["-p", folder, "-c", file]);
// A collector that takes everything and costs next to nothing.
await using collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
  await request.body?.pipeTo(new WritableStream());
  return Response.json({});
});

const variants: Variant[] = [
  { name: "nginx proxy_pass", ...await startNginx() },
  { name: "haproxy", ...await startHaproxy() },
  await relay("relay, http1", ["--upstream-transport=http1"]),
  await relay("relay, http1, usage on", [
    "--upstream-transport=http1",
    "--usage-otel-enabled",
    `--usage-otel-endpoint=http://127.0.0.1:${collector.addr.port}`,
  ]),
  await relay("relay, fetch", ["--upstream-transport=fetch"]),
];
const samples = new Map<string, Sample[]>(variants.map(({ name }) => [name, []]));
try {
  for (const variant of variants) await runWrk(variant.url, 1, CONNECTIONS);
  for (let round = 0; round < ROUNDS; round++) {
    for (const variant of variants) samples.get(variant.name)!.push(await measure(variant));
  }
} finally {
  for (const variant of variants) await variant[Symbol.asyncDispose]();
}

const base = medians(samples.get("nginx proxy_pass")!);
const rows = [...samples].map(([name, list]) => ({ name, ...medians(list) }));
const lines = rows.map(({ name, perSecond, p50Ms, p99Ms, cpuUs, mib }) => [
  name,
  Math.round(perSecond).toLocaleString("en"),
  `${Math.round(perSecond / base.perSecond * 100)} %`,
  `${cpuUs.toFixed(1)} us`,
  (cpuUs / base.cpuUs).toFixed(2),
  `${p50Ms.toFixed(2)} ms`,
  `${p99Ms.toFixed(2)} ms`,
  `${Math.round(mib)} MiB`,
]);
const heads = ["", "req/s", "of nginx", "CPU per request", "against nginx", "p50", "p99", "memory"];
// deno-lint-ignore no-console -- the table is what the program is for
console.log([heads, heads.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n"));
const load = Deno.loadavg()[0]!.toFixed(1);
// deno-lint-ignore no-console -- so is what it was measured on
console.log(
  `${navigator.hardwareConcurrency} cores, Deno ${Deno.version.deno}, load of the machine at the end ${load}`,
);
if (args.chart) {
  await Deno.writeTextFile(args.chart, drawChart(rows.map(({ name, cpuUs }) => ({ name, value: cpuUs })), "CPU, us"));
}

async function measure({ url, pid }: Variant): Promise<Sample> {
  const before = cpuSeconds(pid);
  const { requests, perSecond, p50Ms, p99Ms } = await runWrk(url, SECONDS, CONNECTIONS);
  return { perSecond, p50Ms, p99Ms, cpuUs: (cpuSeconds(pid) - before) / requests * 1e6, mib: residentMib(pid) };
}

function medians(list: readonly Sample[]): Sample {
  const of = (key: keyof Sample) => list.map((sample) => sample[key]).sort((a, b) => a - b)[list.length >> 1]!;
  return { perSecond: of("perSecond"), p50Ms: of("p50Ms"), p99Ms: of("p99Ms"), cpuUs: of("cpuUs"), mib: of("mib") };
}

function startNginx(): Promise<Omit<Variant, "name">> {
  return startServer("nginx", (port, folder) =>
    nginx(
      folder,
      `upstream node { server 127.0.0.1:${upstream.port}; keepalive 256; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://node; proxy_http_version 1.1;
    proxy_set_header Connection ""; } }`,
    ), (file, folder) => ["-p", folder, "-c", file]);
}

function startHaproxy(): Promise<Omit<Variant, "name">> {
  return startServer("haproxy", (port) =>
    `global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 30s
  http-reuse always
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s 127.0.0.1:${upstream.port}
`, (file) => ["-f", file, "-db"]);
}

async function relay(name: string, flags: readonly string[]): Promise<Variant> {
  const { urls, pid, [Symbol.asyncDispose]: stop } = await startRelay([
    "127.0.0.1:0",
    "ETH1",
    "jsonrpc",
    `--upstream=${upstream.url}`,
    ...flags,
  ]);
  return { name, url: `${urls[0]!}/`, pid, [Symbol.asyncDispose]: stop };
}
