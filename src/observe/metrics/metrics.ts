import type { ApiInterface } from "../../domain/api_interface.ts";
import type { OptimizerQosEvent } from "../../domain/usage_event.ts";
import type { LedgerCounts, UsageNumbering, UsageStats } from "../../usage/usage_sink.ts";
import { EndpointCounts, type MethodRow, type ProviderRow } from "./endpoint_counts.ts";
import { Exposition, type Labels } from "./exposition.ts";

/** What is measured of one endpoint from outside. */
export interface EndpointFacts {
  /** Chain index, such as `ETH1`. */
  readonly chain: string;
  /** Its protocol. */
  readonly apiInterface: ApiInterface;
  /** Names of its providers. */
  readonly providers: readonly string[];
  /** Whether any provider can be expected to answer now. */
  isHealthy(): boolean;
  /** The newest block that is known of a provider; 0 while none is. */
  headOf(provider: string): number;
}

/** Where the numbers come from that relays don't bring along. */
export interface MetricsSources {
  /** The program's version. */
  readonly version: string;
  /** The ledger of the usage sink. */
  usage(): UsageStats;
  /** How the sink numbers its events; default: not at all. */
  numbering?(): UsageNumbering | undefined;
  /** How often the configuration was reloaded, and when with success for the last time; default: it never is. */
  reloads?(): { readonly applied: number; readonly refused: number; readonly lastAppliedUnixMs: number };
  /** The optimizer's newest scores; default none. */
  scores?(): readonly OptimizerQosEvent[];
}

interface Endpoint {
  /** Of each listener for the same chain and interface. */
  readonly listeners: EndpointFacts[];
  readonly counts: EndpointCounts;
  readonly labels: Labels;
}

const PREFIX = "lava_rpcsmartrouter_";

/** The numbers of a process, for all its relays. */
export interface MetricsRegistry {
  /** Whether every endpoint can be expected to answer. */
  isHealthy(): boolean;
  /** All of it, in the text format of Prometheus. */
  toString(): string;
}

/** Counts what the endpoints of a process do. */
export class Metrics implements MetricsRegistry {
  readonly #sources: MetricsSources;
  /** By chain and interface: two listeners for the same are counted together. */
  readonly #endpoints = new Map<string, Endpoint>();

  /** With no endpoint yet. */
  constructor(sources: MetricsSources) {
    this.#sources = sources;
  }

  /** Takes in an endpoint; what comes back is told of its relays. */
  addEndpoint(facts: EndpointFacts): EndpointCounts {
    const key = `${facts.chain} ${facts.apiInterface}`;
    const known = this.#endpoints.get(key);
    if (known !== undefined) {
      known.listeners.push(facts);
      return known.counts;
    }
    const labels: Labels = [["spec", facts.chain], ["apiInterface", facts.apiInterface]];
    const counts = new EndpointCounts();
    this.#endpoints.set(key, { listeners: [facts], counts, labels });
    return counts;
  }

  /** Whether every endpoint can be expected to answer. */
  isHealthy(): boolean {
    return [...this.#endpoints.values()].every(isHealthy);
  }

  /** All of it, in the text format of Prometheus. */
  toString(): string {
    const page = new Exposition();
    for (const [name, help, read] of PROVIDER_COUNTERS) this.#writeProviderCounter(page, name, help, read);
    for (const [name, help, read] of METHOD_COUNTERS) this.#writeMethodCounter(page, name, help, read);
    this.#writeLatencies(page);
    this.#writeState(page);
    this.#writeLedger(page);
    this.#writeNumbering(page);
    this.#writeScores(page);
    this.#writeReloads(page);
    return page.toString();
  }

  #writeProviderCounter(page: Exposition, name: string, help: string, read: (row: ProviderRow) => number): void {
    page.family(PREFIX + name, "counter", help);
    for (const { counts, labels } of this.#endpoints.values()) {
      for (const [method, { providers }] of counts.methods) {
        for (const [provider, row] of providers) {
          page.sample(PREFIX + name, [...labels, ["provider_address", provider], ["method", method]], read(row));
        }
      }
    }
  }

  #writeMethodCounter(page: Exposition, name: string, help: string, read: (row: MethodRow) => number): void {
    page.family(PREFIX + name, "counter", help);
    for (const { counts, labels } of this.#endpoints.values()) {
      for (const [method, row] of counts.methods) {
        page.sample(PREFIX + name, [...labels, ["method", method]], read(row));
      }
    }
  }

  #writeLatencies(page: Exposition): void {
    const name = `${PREFIX}end_to_end_latency_milliseconds`;
    page.family(name, "histogram", "Time from a request's arrival until its answer was complete.");
    for (const { counts, labels } of this.#endpoints.values()) {
      for (const [method, { latency }] of counts.methods) latency.write(page, name, [...labels, ["function", method]]);
    }
  }

  #writeState(page: Exposition): void {
    const gauge = (name: string, help: string) => page.family(PREFIX + name, "gauge", help);
    for (const [name, help, read] of SOCKET_GAUGES) {
      gauge(name, help);
      for (const { counts, labels } of this.#endpoints.values()) page.sample(PREFIX + name, labels, read(counts));
    }
    gauge("ws_connections", "WebSocket connections by state; those are closing whose clients have not answered that.");
    for (const { counts, labels } of this.#endpoints.values()) {
      const { connections, closing } = counts.sockets;
      page.sample(`${PREFIX}ws_connections`, [...labels, ["state", "open"]], connections - closing);
      page.sample(`${PREFIX}ws_connections`, [...labels, ["state", "closing"]], closing);
    }
    for (const [name, help, read] of SOCKET_COUNTERS) {
      page.family(PREFIX + name, "counter", help);
      for (const { counts, labels } of this.#endpoints.values()) page.sample(PREFIX + name, labels, read(counts));
    }
    gauge("overall_health", "1 when every endpoint can be expected to answer.");
    page.sample(`${PREFIX}overall_health`, [], Number(this.isHealthy()));
    gauge("overall_health_breakdown", "1 when the endpoint can be expected to answer.");
    for (const endpoint of this.#endpoints.values()) {
      page.sample(`${PREFIX}overall_health_breakdown`, endpoint.labels, Number(isHealthy(endpoint)));
    }
    gauge("latest_block", "The newest block that is known of a provider.");
    for (const { listeners, labels } of this.#endpoints.values()) {
      for (const provider of new Set(listeners.flatMap(({ providers }) => providers))) {
        const head = Math.max(...listeners.map((facts) => facts.headOf(provider)));
        if (head > 0) page.sample(`${PREFIX}latest_block`, [...labels, ["provider_address", provider]], head);
      }
    }
    gauge("protocol_version", "The version of the relay, as a label.");
    page.sample(`${PREFIX}protocol_version`, [["version", this.#sources.version]], 1);
  }

  #writeLedger(page: Exposition): void {
    const stats = Object.entries(this.#sources.usage());
    for (const [name, type, help, read] of LEDGER) {
      const metric = `${PREFIX}usage_events_${name}`;
      page.family(metric, type, help);
      for (const [kind, counts] of stats) page.sample(metric, [["kind", kind]], read(counts));
    }
    const dropped = `${PREFIX}usage_events_dropped_total`;
    page.family(dropped, "counter", "Usage events that were given up, by reason.");
    for (const [kind, counts] of stats) {
      for (const [reason, count] of Object.entries(counts.dropped)) {
        page.sample(dropped, [["kind", kind], ["reason", reason]], count);
      }
    }
  }

  /** By which `usage reconcile` holds the ledger against what has arrived. */
  #writeNumbering(page: Exposition): void {
    const numbering = this.#sources.numbering?.();
    if (numbering === undefined) return;
    const name = `${PREFIX}usage_events_numbered_total`;
    page.family(name, "counter", "The number of the last relay_usage event; those of each boot start at 1.");
    page.sample(name, [["boot", numbering.boot]], numbering.last);
  }

  #writeScores(page: Exposition): void {
    const name = "lava_rpc_optimizer_selection_score";
    page.family(name, "gauge", "What the optimizer thinks of a provider, 0 to 1, higher is better.");
    for (const event of this.#sources.scores?.() ?? []) {
      const labels: Labels = [["spec", event.chainId], ["endpoint_id", event.provider]];
      for (const [type, field] of SCORES) page.sample(name, [...labels, ["score_type", type]], event[field]);
    }
  }

  #writeReloads(page: Exposition): void {
    const reloads = this.#sources.reloads?.();
    if (reloads === undefined) return;
    const total = `${PREFIX}config_reloads_total`;
    page.family(total, "counter", "Reloads of the configuration, by result.");
    page.sample(total, [["result", "applied"]], reloads.applied);
    page.sample(total, [["result", "refused"]], reloads.refused);
    const last = `${PREFIX}config_last_reload_success_timestamp_seconds`;
    page.family(last, "gauge", "When the configuration in force was loaded, in seconds since the Unix epoch.");
    page.sample(last, [], reloads.lastAppliedUnixMs / 1000);
  }
}

function isHealthy({ listeners }: Endpoint): boolean {
  return listeners.every((facts) => facts.isHealthy());
}

type SocketRows = readonly (readonly [string, string, (counts: EndpointCounts) => number])[];

const SOCKET_GAUGES: SocketRows = [
  [
    "ws_connections_active",
    "WebSocket connections, those that are being closed as well.",
    (counts) => counts.sockets.connections,
  ],
  ["ws_buffered_bytes", "Bytes that wait for clients of WebSockets.", (counts) => counts.sockets.bufferedBytes],
  [
    "ws_subscriptions_active",
    "Subscriptions of clients that are open.",
    (counts) => counts.upstreamSockets("subscriptions"),
  ],
  [
    "ws_upstream_connections_active",
    "WebSocket connections to nodes that are open.",
    (counts) => counts.upstreamSockets("connections"),
  ],
  [
    "ws_upstream_subscriptions_active",
    "Subscriptions with nodes, which clients share.",
    (counts) => counts.upstreamSockets("shared"),
  ],
];

const SOCKET_COUNTERS: SocketRows = [
  ["ws_subscriptions_total", "Subscriptions that were started.", (counts) => counts.subscriptions],
  ["ws_deliveries_total", "Messages of subscriptions that clients have taken.", (counts) => counts.sockets.deliveries],
  ["ws_slow_clients_total", "Clients that were disconnected as they did not read.", (counts) => counts.sockets.sheds],
  [
    "ws_upstream_reconnects_total",
    "Subscriptions that were opened again after their connection had broken.",
    (counts) => counts.upstreamSockets("reconnects"),
  ],
  [
    "ws_gap_heads_total",
    "Heads that came without a connection to a node, and were fetched and sent to subscribers.",
    (counts) => counts.upstreamSockets("gapHeads"),
  ],
  [
    "ws_gaps_given_up_total",
    "Times that heads which came without a connection to a node were not sent to subscribers.",
    (counts) => counts.upstreamSockets("gapsGivenUp"),
  ],
];

const PROVIDER_COUNTERS: readonly (readonly [string, string, (row: ProviderRow) => number])[] = [
  ["requests_total", "Relays that have ended, each of which is one usage event.", (row) => row.total],
  ["requests_success_total", "Relays that were answered with a result.", (row) => row.success],
  ["requests_failed_total", "Relays that were answered with an error, or not at all.", (row) => row.failed],
  ["requests_read_total", "Relays of single calls that read.", (row) => row.read],
  ["requests_write_total", "Relays of single calls that write.", (row) => row.write],
  ["requests_batch_total", "Relays of batches.", (row) => row.batch],
  ["requests_debug_trace_total", "Relays of APIs of the debug and trace add-ons.", (row) => row.debugTrace],
  ["requests_archive_total", "Relays that used the archive extension.", (row) => row.archive],
  ["node_errors_total", "Attempts that a node answered with an error of its own.", (row) => row.nodeErrors],
  ["protocol_errors_total", "Attempts that a node did not answer as it should.", (row) => row.protocolErrors],
];

const METHOD_COUNTERS: readonly (readonly [string, string, (row: MethodRow) => number])[] = [
  ["retries_total", "Attempts made because an earlier one failed.", (row) => row.retries],
  ["hedge_total", "Attempts made because an earlier one was slow.", (row) => row.hedges],
  ["consistency_total", "Requests held to providers that have what the caller has seen.", (row) => row.consistency],
  ["budget_rejections_total", "Requests refused because their project has used its budget.", (row) => row.overBudget],
  ["cross_validation_requests_total", "Relays whose caller wanted agreement.", (row) => row.crossValidation],
  ["cross_validation_success_total", "Those that found it.", (row) => row.crossValidationSuccess],
  ["cross_validation_failed_total", "Those that did not.", (row) => row.crossValidationFailed],
  ["cache_requests_total", "Requests that the cache was asked about.", (row) => row.cacheRequests],
  ["cache_success_total", "Those that it answered, or that an identical one under way did.", (row) => row.cacheSuccess],
  ["cache_failed_total", "Those that it did not.", (row) => row.cacheFailed],
];

const LEDGER: readonly (readonly [string, "counter" | "gauge", string, (counts: LedgerCounts) => number])[] = [
  ["accepted_total", "counter", "Usage events that were handed over.", (counts) => counts.accepted],
  ["exported_total", "counter", "Usage events that a collector has acknowledged.", (counts) => counts.exported],
  ["queued", "gauge", "Usage events that wait in memory.", (counts) => counts.queued],
  ["in_flight", "gauge", "Usage events on their way to the collector.", (counts) => counts.inFlight],
  ["spooled", "gauge", "Usage events that wait on disk.", (counts) => counts.spooled],
];

const SCORES = [
  ["availability", "selectionAvailability"],
  ["latency", "selectionLatency"],
  ["sync", "selectionSync"],
  ["stake", "selectionStake"],
  ["composite", "selectionComposite"],
] as const;
