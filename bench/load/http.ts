import type { Certificates } from "../../tests/support/signed_certificates.ts";
import type { Chart } from "./chart.ts";
import { type Figures, measure } from "./measure.ts";
import { fixedAnswer, haproxy, nginxProxy, type Peer, relay, startCollector, startNode } from "./peers.ts";
import type { Section } from "./section.ts";

/** How much is called. */
export interface HttpLoad {
  /** Of calls before each turn that do not count, so that what is compiled and connected once is not in the figures. */
  readonly warmUpSeconds: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
}

/** What came of calls over HTTP. */
export interface HttpResult {
  readonly sections: readonly Section[];
  readonly charts: readonly Chart[];
}

/** Connections that pause between their calls, where a part of what is possible is called. */
const PAUSING_CONNECTIONS = 16;

/** Measures calls over HTTP: at full load, from the cache, over TLS to the node, and what half a load waits longer. */
export async function measureHttp(
  { warmUpSeconds, rounds, seconds, connections }: HttpLoad,
  certificates: Certificates | undefined,
  hasHaproxy: boolean,
): Promise<HttpResult> {
  await using stack = new AsyncDisposableStack();
  const use = async <P extends AsyncDisposable>(starting: Promise<P>) => stack.use(await starting);
  const collector = stack.use(startCollector());
  const metered = ["--usage-otel-enabled", `--usage-otel-endpoint=${collector.url}`];

  const node = await use(startNode());
  const direct: Peer = { name: "the node itself", ...node };
  const nginx = await use(nginxProxy("nginx proxy_pass", node));
  const proxies = hasHaproxy ? [nginx, await use(haproxy("haproxy", node))] : [nginx];
  const fetching = await use(
    relay("relay, --upstream-transport fetch", node, ["--upstream-transport=fetch", ...metered]),
  );
  const bare = await use(fixedAnswer("Deno.serve, fixed answer"));
  const secure = certificates && await use(startNode(certificates));
  const nginxTls = secure && await use(nginxProxy("nginx proxy_pass, TLS", secure, certificates));

  const start = async (name: string, flags: readonly string[]): Promise<Measured> => ({
    off: await use(relay(`${name}, usage off`, node, flags)),
    on: await use(relay(name, node, [...flags, ...metered])),
    cached: await use(relay(`${name}, from its cache`, node, [...flags, ...metered, "--cache"])),
    tls: secure && await use(relay(`${name}, TLS`, secure, [...flags, ...metered], { tls: certificates! })),
  });
  const served = await start("relay", ["--upstream-transport=http1"]);
  const own = await start("relay, own server", ["--upstream-transport=http1", "--http-server=own"]);

  const plain = [...proxies, served.off, served.on, own.off, own.on, fetching];
  const fromCache = [bare, served.cached, own.cached];
  const overTls = [nginxTls, served.tls, own.tls].filter((peer) => peer !== undefined);
  const everybody = [...plain, ...fromCache, ...overTls];
  const full = await measure(everybody, rounds, { seconds, connections }, warmUpSeconds);
  const of = (peer: Peer) => full.get(peer)!;
  const halfOf = (peer: Peer) => ({ seconds, connections: PAUSING_CONNECTIONS, rate: of(peer).perSecond / 2 });
  const halves = [
    {
      load: halfOf(served.on),
      of: await measure([direct, ...proxies, served.on], rounds, halfOf(served.on), warmUpSeconds),
    },
    { load: halfOf(own.on), of: await measure([direct, ...proxies, own.on], rounds, halfOf(own.on), warmUpSeconds) },
  ] as const;

  const sections: Section[] = [
    fullLoad("A relayed request", PLAIN, plain.map((peer) => [peer, of(peer)]), of(nginx)),
    fullLoad("Answered from the cache", CACHED, fromCache.map((peer) => [peer, of(peer)]), of(bare)),
  ];
  if (nginxTls !== undefined) {
    sections.push(fullLoad("TLS to the node", TLS, overTls.map((peer) => [peer, of(peer)]), of(nginxTls)));
  }
  sections.push(
    addedLatency(
      halves.flatMap(({ load, of }) =>
        [...of].map(([peer, figures]) => ({ rate: load.rate, peer, figures, direct: of.get(direct)! }))
      ),
    ),
  );
  const compared = ({ off, on, cached, tls }: Measured, half: ReadonlyMap<Peer, Figures>): Compared => ({
    ...{ nginx: of(nginx), off: of(off), on: of(on), bare: of(bare), cached: of(cached) },
    ...{ direct: half.get(direct)!, halfOn: half.get(on)! },
    tls: nginxTls && tls && { nginx: of(nginxTls), relay: of(tls) },
  });
  sections.push(goals(compared(served, halves[0].of), compared(own, halves[1].of)));

  const bars = (title: string, digits: number, peers: readonly Peer[], value: (peer: Peer) => number): Chart => ({
    title,
    digits,
    bars: peers.map((peer) => ({ name: peer.name, value: value(peer), isOurs: peer.name.startsWith("relay") })),
  });
  const charts = [
    bars("CPU of a request, us", 1, everybody, (peer) => of(peer).cpuUs),
    bars("Requests a second", 0, everybody, (peer) => of(peer).perSecond),
    bars(
      "Median latency at half load, ms",
      2,
      [direct, ...proxies, served.on],
      (peer) => halves[0].of.get(peer)!.p50Ms,
    ),
  ];
  return { sections, charts };
}

const PLAIN =
  "JSON-RPC over HTTP, 32 kept connections of wrk that wait for nothing but answers; the node is nginx with " +
  "a fixed answer. nginx and haproxy are before the same node with one thread each. The relay chooses, meters and counts: " +
  "usage events go to a collector, and metrics are on. It is started with V8's `--max-semi-space-size=8`, as by the task " +
  "`start` and in the container.";
const CACHED =
  "The same calls, answered by the relay from its cache, beside the least that a server of the runtime can do " +
  "with the same bodies.";
const TLS = "The same calls to a node that is reached over TLS; its certificate is verified.";

function fullLoad(
  title: string,
  about: string,
  rows: readonly (readonly [Peer, Figures])[],
  base: Figures,
): Section {
  return {
    title,
    about,
    heads: ["", "req/s", "of the first", "CPU per request", "of the first", "p50", "p99", "memory"],
    rows: rows.map(([{ name }, { perSecond, p50Ms, p99Ms, cpuUs, peakMib }]) => [
      name,
      Math.round(perSecond).toLocaleString("en"),
      percent(perSecond / base.perSecond),
      `${cpuUs.toFixed(1)} us`,
      (cpuUs / base.cpuUs).toFixed(2),
      milliseconds(p50Ms),
      milliseconds(p99Ms),
      `${Math.round(peakMib)} MiB`,
    ]),
  };
}

/** A relay with the one or the other server, as it is measured. */
interface Measured {
  readonly off: Peer;
  readonly on: Peer;
  readonly cached: Peer;
  readonly tls: Peer | undefined;
}

interface Waited {
  /** Calls a second that were aimed at. */
  readonly rate: number;
  readonly peer: Peer;
  readonly figures: Figures;
  /** Those of the node itself at that rate. */
  readonly direct: Figures;
}

function addedLatency(waited: readonly Waited[]): Section {
  return {
    title: "Added latency",
    about: `${PAUSING_CONNECTIONS} connections that pause for a time of chance, so that there are about half as many ` +
      "calls as the relay can answer here: first the one on Deno.serve, then the one on its own server.",
    heads: ["", "aimed at", "req/s", "p50", "p99", "added at p50", "added at p99"],
    rows: waited.map(({ rate, peer, figures, direct }) => [
      peer.name,
      (Math.round(rate / 100) * 100).toLocaleString("en"),
      Math.round(figures.perSecond).toLocaleString("en"),
      milliseconds(figures.p50Ms),
      milliseconds(figures.p99Ms),
      milliseconds(figures.p50Ms - direct.p50Ms),
      milliseconds(figures.p99Ms - direct.p99Ms),
    ]),
  };
}

interface Compared {
  readonly nginx: Figures;
  readonly off: Figures;
  readonly on: Figures;
  readonly bare: Figures;
  readonly cached: Figures;
  readonly direct: Figures;
  readonly halfOn: Figures;
  readonly tls: { readonly nginx: Figures; readonly relay: Figures } | undefined;
}

/** A figure that is aimed at, and how it comes of what was measured; undefined where that was not. */
interface Goal {
  readonly what: string;
  readonly kind: "at most" | "at least";
  readonly bound: number;
  readonly show: (value: number) => string;
  readonly value: (compared: Compared) => number | undefined;
}

const ratio = (value: number) => value.toFixed(2);
const tenths = (value: number) => `${(value * 100).toFixed(1)} %`;
const mib = (value: number) => `${Math.round(value)} MiB`;
const atMost = (what: string, bound: number, show: Goal["show"], value: Goal["value"]): Goal => (
  { what, kind: "at most", bound, show, value }
);
const atLeast = (what: string, bound: number, value: Goal["value"]): Goal => (
  { what, kind: "at least", bound, show: percent, value }
);

const GOALS: readonly Goal[] = [
  atMost("CPU of a request, of nginx's", 2, ratio, ({ on, nginx }) => on.cpuUs / nginx.cpuUs),
  atLeast("throughput of a core, of nginx's", 0.55, ({ on, nginx }) => nginx.cpuUs / on.cpuUs),
  atMost("CPU of a request over TLS, of nginx's", 2, ratio, ({ tls }) => tls && tls.relay.cpuUs / tls.nginx.cpuUs),
  atLeast("throughput of a core over TLS, of nginx's", 0.55, ({ tls }) => tls && tls.nginx.cpuUs / tls.relay.cpuUs),
  atMost("CPU that usage events add", 0.02, tenths, ({ on, off }) => on.cpuUs / off.cpuUs - 1),
  atLeast("calls from the cache, of the fixed answer's", 0.7, ({ cached, bare }) => cached.perSecond / bare.perSecond),
  atMost("added latency at half load, p50", 0.2, milliseconds, ({ halfOn, direct }) => halfOn.p50Ms - direct.p50Ms),
  atMost("added latency at half load, p99", 1, milliseconds, ({ halfOn, direct }) => halfOn.p99Ms - direct.p99Ms),
  atMost("memory at full load", 120, mib, ({ on }) => on.peakMib),
];

function goals(served: Compared, own: Compared): Section {
  const cells = ({ kind, bound, show, value }: Goal, compared: Compared) => {
    const measured = value(compared);
    if (measured === undefined) return ["", ""];
    return [show(measured), (kind === "at most" ? measured <= bound : measured >= bound) ? "yes" : "no"];
  };
  return {
    title: "Against what is aimed at",
    about:
      "Of the relay with usage events and metrics on, over connections of its own (http1), on Deno.serve and on its own " +
      "server. Throughput of a core is that of a core's time: what else the machine does is not in it.",
    heads: ["", "aim", "Deno.serve", "met", "own server", "met"],
    rows: GOALS.map((goal) => [
      goal.what,
      `${goal.kind} ${goal.show(goal.bound)}`,
      ...cells(goal, served),
      ...cells(goal, own),
    ]),
  };
}

function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}
