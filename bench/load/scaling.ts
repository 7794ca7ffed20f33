/**
 * How processes that share a port share a load, and whether two do more than one: the runtime's own server with a fixed
 * answer, and the relay. `deno run -A bench/load/scaling.ts [--json]`. Needs nginx and wrk, which take a part of the cores
 * themselves.
 */
import { freePort } from "../../tests/support/daemon.ts";
import { median } from "./measure.ts";
import { fixedAnswer, type Peer, relay, startNode } from "./peers.ts";
import { childrenOf, cpuOfThreads, cpuSeconds } from "./process.ts";
import { formatSection, type Section } from "./section.ts";
import { startServer } from "./server.ts";
import { runWrk } from "./wrk.ts";

const ROUNDS = 3;
const LOAD = { seconds: 2, connections: 64 };
const SERVED = new URL("served_answer.ts", import.meta.url).pathname;

/** A way to share the work. */
interface Way {
  readonly name: string;
  readonly url: string;
  /** CPU seconds so far of each of those that share it. */
  readonly cpu: () => ReadonlyMap<number, number>;
  readonly perSecond: number[];
  readonly shares: number[];
}

await using stack = new AsyncDisposableStack();
const use = async <P extends AsyncDisposable>(starting: Promise<P>) => stack.use(await starting);
const way = (name: string, url: string, cpu: Way["cpu"]): Way => ({ name, url, cpu, perSecond: [], shares: [] });
const byProcess = (pids: () => readonly number[]) => () => new Map(pids().map((pid) => [pid, cpuSeconds(pid)]));

const alone = await use(fixedAnswer("alone"));
const first = await use(fixedAnswer("first"));
const second = await use(fixedAnswer("second", Number(new URL(first.url).port)));
const threaded = await use(startServer(
  Deno.execPath(),
  () => "",
  (_file, _folder, port) => ["serve", "--parallel", "--host", "127.0.0.1", "--port", String(port), SERVED],
  { env: { DENO_JOBS: "2" } },
));
const node = await use(startNode());
const own = ["--upstream-transport=http1"];
const one: Peer = await use(relay("relay, one process", node, own));
const two: Peer = await use(relay("relay, --processes 2", node, [...own, "--processes=2"], { port: freePort() }));

const ways = [
  way("fixed answer, one process", alone.url, byProcess(() => [alone.pid])),
  way("fixed answer, two processes on one port", first.url, byProcess(() => [first.pid, second.pid])),
  way("fixed answer, deno serve --parallel", threaded.url, () => cpuOfThreads(threaded.pid)),
  way(one.name, one.url, byProcess(() => [one.pid])),
  way(two.name, two.url, byProcess(() => childrenOf(two.pid))),
];
for (const { url } of ways) await runWrk(url, LOAD);
for (let round = 0; round < ROUNDS; round++) {
  for (const { url, cpu, perSecond, shares } of ways) {
    const before = cpu();
    perSecond.push((await runWrk(url, LOAD)).perSecond);
    const used = [...cpu()].map(([worker, seconds]) => seconds - (before.get(worker) ?? 0)).sort((a, b) => b - a);
    // Of a process's threads all but two do small things.
    const [most = 0, next = 0] = used;
    shares.push(most / (most + next));
  }
}

const section: Section = {
  title: "Several processes on one port",
  about:
    `${LOAD.connections} kept connections of wrk. The share is that of the busier of two processes, or threads, in ` +
    "the CPU time of both.",
  heads: ["", "req/s", "share of the busier"],
  rows: ways.map(({ name, perSecond, shares }) => [
    name,
    Math.round(median(perSecond)).toLocaleString("en"),
    median(shares) === 1 ? "" : `${Math.round(median(shares) * 100)} %`,
  ]),
};
const text = Deno.args.includes("--json") ? JSON.stringify(section) : formatSection(section);
Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
