import type { Certificates } from "../../tests/support/signed_certificates.ts";
import type { Chart } from "./chart.ts";
import { type Figures, measure } from "./measure.ts";
import { fixedAnswer, haproxy, nginxProxy, type Peer, relay, startCollector, startNode } from "./peers.ts";
import type { Section } from "./section.ts";

/** How much is called. */
export interface HttpLoad {
  /** Whether what is compiled and connected once is kept out of the figures. */
  readonly isWarm: boolean;
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
  { isWarm, rounds, seconds, connections }: HttpLoad,
  certificates: Certificates | undefined,
  hasHaproxy: boolean,
): Promise<HttpResult> {
  await using stack = new AsyncDisposableStack();
  const use = async <P extends AsyncDisposable>(starting: Promise<P>) => stack.use(await starting);
  const collector = stack.use(startCollector());
  const metered = ["--usage-otel-enabled", `--usage-otel-endpoint=${collector.url}`];
  const own = ["--upstream-transport=http1"];

  const node = await use(startNode());
  const direct: Peer = { name: "the node itself", ...node };
  const nginx = await use(nginxProxy("nginx proxy_pass", node));
  const proxies = hasHaproxy ? [nginx, await use(haproxy("haproxy", node))] : [nginx];
  const off = await use(relay("relay, http1, usage off", node, own));
  const on = await use(relay("relay, http1", node, [...own, ...metered]));
  const fetching = await use(relay("relay, fetch", node, ["--upstream-transport=fetch", ...metered]));
  const bare = await use(fixedAnswer("Deno.serve, fixed answer"));
  const cached = await use(relay("relay, from its cache", node, [...own, ...metered, "--cache"]));
  const overTls: Peer[] = [];
  if (certificates !== undefined) {
    const secure = await use(startNode(certificates));
    overTls.push(await use(nginxProxy("nginx proxy_pass, TLS", secure, certificates)));
    overTls.push(await use(relay("relay, http1, TLS", secure, [...own, ...metered], { tls: certificates })));
    const fetchFlags = ["--upstream-transport=fetch", ...metered];
    overTls.push(await use(relay("relay, fetch, TLS", secure, fetchFlags, { tls: certificates })));
  }

  const plain = [...proxies, off, on, fetching];
  const everybody = [...plain, bare, cached, ...overTls];
  if (isWarm) await measure(everybody, 1, { seconds: 4, connections });
  const full = await measure(everybody, rounds, { seconds, connections });
  const of = (peer: Peer) => full.get(peer)!;
  const half = { seconds, connections: PAUSING_CONNECTIONS, rate: of(on).perSecond / 2 };
  const waiting = await measure([direct, ...proxies, on, fetching], rounds, half);

  const sections: Section[] = [
    fullLoad("A relayed request", PLAIN, plain.map((peer) => [peer, of(peer)]), of(nginx)),
    fullLoad("Answered from the cache", CACHED, [bare, cached].map((peer) => [peer, of(peer)]), of(bare)),
  ];
  if (overTls.length > 0) {
    sections.push(fullLoad("TLS to the node", TLS, overTls.map((peer) => [peer, of(peer)]), of(overTls[0]!)));
  }
  sections.push(addedLatency(waiting, waiting.get(direct)!, half.rate));
  const tls = overTls.length > 0 ? { nginx: of(overTls[0]!), relay: of(overTls[1]!) } : undefined;
  sections.push(goals({
    ...{ nginx: of(nginx), off: of(off), on: of(on), bare: of(bare), cached: of(cached), tls },
    ...{ direct: waiting.get(direct)!, halfOn: waiting.get(on)! },
  }));

  const bars = (title: string, digits: number, peers: readonly Peer[], value: (peer: Peer) => number): Chart => ({
    title,
    digits,
    bars: peers.map((peer) => ({ name: peer.name, value: value(peer), isOurs: peer.name.startsWith("relay") })),
  });
  const charts = [
    bars("CPU of a request, us", 1, everybody, (peer) => of(peer).cpuUs),
    bars("Requests a second", 0, everybody, (peer) => of(peer).perSecond),
    bars("Median latency at half load, ms", 2, [...waiting.keys()], (peer) => waiting.get(peer)!.p50Ms),
  ];
  return { sections, charts };
}

const PLAIN =
  "JSON-RPC over HTTP, 32 kept connections of wrk that wait for nothing but answers; the node is nginx with " +
  "a fixed answer. nginx and haproxy are before the same node with one thread each. The relay chooses, meters and counts: " +
  "usage events go to a collector, and metrics are on.";
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

function addedLatency(waiting: ReadonlyMap<Peer, Figures>, direct: Figures, rate: number): Section {
  const perSecond = Math.round(rate / 100) * 100;
  return {
    title: "Added latency",
    about: `${PAUSING_CONNECTIONS} connections that pause for a time of chance, so that there are about ` +
      `${perSecond.toLocaleString("en")} calls a second: half of what the relay can do here.`,
    heads: ["", "req/s", "p50", "p99", "added at p50", "added at p99"],
    rows: [...waiting].map(([{ name }, figures]) => [
      name,
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

function goals({ nginx, off, on, bare, cached, direct, halfOn, tls }: Compared): Section {
  const row = (
    what: string,
    goal: string,
    figure: string,
    isMet: boolean,
  ) => [what, goal, figure, isMet ? "yes" : "no"];
  const atMost = (what: string, value: number, most: number, show: (value: number) => string) =>
    row(what, `at most ${show(most)}`, show(value), value <= most);
  const atLeast = (what: string, value: number, least: number) =>
    row(what, `at least ${percent(least)}`, percent(value), value >= least);
  const ratio = (value: number) => value.toFixed(2);
  const mib = (value: number) => `${Math.round(value)} MiB`;
  return {
    title: "Against what is aimed at",
    about:
      "Of the relay with usage events and metrics on, over connections of its own (http1). Throughput of a core is " +
      "that of a core's time: what else the machine does is not in it.",
    heads: ["", "aim", "measured", "met"],
    rows: [
      atMost("CPU of a request, of nginx's", on.cpuUs / nginx.cpuUs, 2, ratio),
      atLeast("throughput of a core, of nginx's", nginx.cpuUs / on.cpuUs, 0.55),
      ...(tls === undefined ? [] : [
        atMost("CPU of a request over TLS, of nginx's", tls.relay.cpuUs / tls.nginx.cpuUs, 2, ratio),
        atLeast("throughput of a core over TLS, of nginx's", tls.nginx.cpuUs / tls.relay.cpuUs, 0.55),
      ]),
      atMost("CPU that usage events add", on.cpuUs / off.cpuUs - 1, 0.02, (value) => `${(value * 100).toFixed(1)} %`),
      atLeast("calls from the cache, of the fixed answer's", cached.perSecond / bare.perSecond, 0.7),
      atMost("added latency at half load, p50", halfOn.p50Ms - direct.p50Ms, 0.2, milliseconds),
      atMost("added latency at half load, p99", halfOn.p99Ms - direct.p99Ms, 1, milliseconds),
      atMost("memory at full load", on.peakMib, 120, mib),
    ],
  };
}

function percent(value: number): string {
  return `${Math.round(value * 100)} %`;
}

function milliseconds(value: number): string {
  return `${value.toFixed(2)} ms`;
}
