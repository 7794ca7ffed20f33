/**
 * What WebSockets cost: a subscription that many clients share, idle connections, and calls beside the same over HTTP.
 *
 * `deno run -A bench/load/websocket/main.ts [--clients 1000] [--heads 50] [--rounds 3] [--seconds 2] [--http-server node]`.
 * Needs nginx, which answers the calls. Takes about a minute. `--json` prints the table for the load page.
 */
import { parseArgs } from "@std/cli/parse-args";
import { startRelay } from "../../../tests/support/relay_process.ts";
import { startSocketNode } from "../../../tests/support/socket_node.ts";
import { cpuSeconds, residentMib } from "../process.ts";
import { formatSection, type Section } from "../section.ts";
import { startServer } from "../server.ts";
import type { CallersNews, CallersOrder } from "./callers.ts";
import type { SubscribersNews, SubscribersOrder } from "./subscribers.ts";

const args = parseArgs(Deno.args, {
  string: ["clients", "heads", "rounds", "seconds", "http-server"],
  boolean: ["json"],
});
const CLIENTS = Number(args.clients ?? 1_000);
const HEADS = Number(args.heads ?? 50);
const ROUNDS = Number(args.rounds ?? 3);
const SECONDS = Number(args.seconds ?? 2);
const CALLERS = 50;
/** Time between two heads, so that none waits for the one before. */
const HEAD_INTERVAL_MS = 150;

const ANSWER = '{"jsonrpc":"2.0","id":1,"result":"0x7a69"}';
await using upstream = await startServer(
  "nginx",
  (port, folder) =>
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log crit; events {}
http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b;
fastcgi_temp_path ${folder}/c; uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
server { listen 127.0.0.1:${port}; location / { default_type application/json; return 200 '${ANSWER}'; } } }`,
  (
    file,
    folder,
  ) => ["-p", folder, "-c", file],
);
await using node = startSocketNode();
// A collector that takes everything and costs next to nothing.
await using collector = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
  await request.body?.pipeTo(new WritableStream());
  return Response.json({});
});
await using relay = await startRelay([
  "127.0.0.1:0",
  "ETH1",
  "jsonrpc",
  `--upstream=${upstream.url}`,
  `--upstream=${node.wsUrl}`,
  `--http-server=${args["http-server"] ?? "deno"}`,
  "--usage-otel-enabled",
  `--usage-otel-endpoint=http://127.0.0.1:${collector.addr.port}`,
]);
const url = relay.urls[0]!;

// Memory first: what calls have left behind would be used again by connections.
const fanOut = await measureFanOut(url, relay.pid);
const bare = await measureBare();
const calls = await measureCalls();

print([
  ["calls, 50 connections, HTTP", `${Math.round(calls.http).toLocaleString("en")}/s`],
  ["calls, 50 connections, WebSocket", `${Math.round(calls.websocket).toLocaleString("en")}/s`],
  ["WebSocket against HTTP", `${Math.round(calls.websocket / calls.http * 100)} %`],
  [`memory of an idle connection, of ${CLIENTS}`, `${fanOut.idleKib.toFixed(1)} KiB`],
  ["memory of one that has subscribed", `${fanOut.subscribedKib.toFixed(1)} KiB`],
  ["subscriptions with the node", String(fanOut.upstream)],
  [`head of 2 KB to ${CLIENTS} clients: median, p99 of the deliveries`, `${ms(fanOut.p50)}, ${ms(fanOut.p99)}`],
  ["the last client of each head: median", ms(fanOut.last)],
  ["CPU of the relay for a delivery, its event included", `${fanOut.cpuUs.toFixed(1)} us`],
  ["the runtime's sockets alone: CPU for a delivery", `${bare.cpuUs.toFixed(1)} us`],
  ["the same: median, p99 of the deliveries", `${ms(bare.p50)}, ${ms(bare.p99)}`],
  ["the same: memory of an idle connection", `${bare.idleKib.toFixed(1)} KiB`],
]);

/** Answers in a second, medians of rounds that take turns. */
async function measureCalls(): Promise<Record<CallersOrder["kind"], number>> {
  const perSecond: Record<CallersOrder["kind"], number[]> = { http: [], websocket: [] };
  const run = async (kind: CallersOrder["kind"], forMs: number) => {
    const worker = new Worker(new URL("./callers.ts", import.meta.url), { type: "module" });
    const { promise, resolve } = Promise.withResolvers<CallersNews>();
    worker.onmessage = ({ data }) => resolve(data);
    worker.postMessage(
      { kind, port: Number(new URL(url).port), connections: CALLERS, forMs } satisfies CallersOrder,
    );
    const { answers } = await promise;
    worker.terminate();
    return answers / forMs * 1_000;
  };
  for (const kind of ["http", "websocket"] as const) await run(kind, 1_000);
  for (let round = 0; round < ROUNDS; round++) {
    for (const kind of ["http", "websocket"] as const) perSecond[kind].push(await run(kind, SECONDS * 1_000));
  }
  return { http: quantile(perSecond.http, 0.5), websocket: quantile(perSecond.websocket, 0.5) };
}

/** A program that does nothing but send on, in place of the relay. */
async function measureBare() {
  const program = new URL("./bare.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), { args: ["run", "-A", program, node.wsUrl], stdout: "piped" })
    .spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value: port } = await reader.read();
  try {
    return await measureFanOut(`http://127.0.0.1:${port!.trim()}`, child.pid);
  } finally {
    child.kill("SIGKILL");
    await reader.cancel();
    await child.status;
  }
}

async function measureFanOut(url: string, pid: number) {
  const worker = new Worker(new URL("./subscribers.ts", import.meta.url), { type: "module" });
  let onNews = (_: SubscribersNews) => {};
  worker.onmessage = ({ data }) => onNews(data);
  const next = () => new Promise<SubscribersNews>((resolve) => onNews = resolve);
  const order = (each: SubscribersOrder) => {
    const news = next();
    worker.postMessage(each);
    return news;
  };
  const before = await settledMib(pid);
  await order({ kind: "connect", url: url.replace("http", "ws"), clients: CLIENTS });
  const idle = await settledMib(pid);
  await order({ kind: "subscribe" });
  const subscribed = await settledMib(pid);
  const upstreamCount = node.methods.filter((name) => name === "eth_subscribe").length;
  const filler = "x".repeat(1_900);
  const all: number[] = [];
  const last: number[] = [];
  let cpu = 0;
  // The first ones are a warm-up.
  for (let head = -10; head < HEADS; head++) {
    const cpuBefore = cpuSeconds(pid);
    const news = next();
    node.notify({ sentAt: performance.timeOrigin + performance.now(), filler });
    const { lateMs } = await news as SubscribersNews & { kind: "head" };
    await new Promise((resolve) => setTimeout(resolve, HEAD_INTERVAL_MS));
    if (head < 0) continue;
    cpu += cpuSeconds(pid) - cpuBefore;
    all.push(...lateMs);
    last.push(Math.max(...lateMs));
  }
  worker.postMessage({ kind: "close" } satisfies SubscribersOrder);
  return {
    idleKib: (idle - before) * 1_024 / CLIENTS,
    subscribedKib: (subscribed - before) * 1_024 / CLIENTS,
    upstream: upstreamCount,
    p50: quantile(all, 0.5),
    p99: quantile(all, 0.99),
    last: quantile(last, 0.5),
    cpuUs: cpu / (HEADS * CLIENTS) * 1e6,
  };
}

/** Resident memory of a process when it has come to rest. */
async function settledMib(pid: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  return residentMib(pid);
}

function quantile(list: readonly number[], share: number): number {
  return [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * share))]!;
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

function print(rows: readonly (readonly [string, string])[]): void {
  const section: Section = {
    title: "WebSockets",
    about:
      `A head of 2 KB to ${
        CLIENTS.toLocaleString("en")
      } clients that share a subscription; idle connections; calls over ` +
      `${CALLERS} connections beside the same over HTTP. Usage events are on.`,
    heads: ["what", "figure"],
    rows,
  };
  // deno-lint-ignore no-console -- the table is what the program is for
  console.log(args.json ? JSON.stringify(section) : formatSection(section));
}
