/**
 * Relaymeter: a relay for blockchain RPC whose bill can be proved.
 *
 * Importing this module touches no runtime: it runs wherever there are `fetch`, `Request` and `Response`.
 *
 * @example A relay in front of one node
 * ```ts
 * import { createRelay } from "@relaymeter/relay";
 *
 * await using relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "my-node", nodeUrls: [{ url: "http://127.0.0.1:8545" }] }],
 * });
 * const request = new Request("http://relay.example/", { method: "POST", body: "{broken" });
 * const response = await relay.fetch(request);
 * if (response.status !== 415) throw new Error("a body must say that it is JSON");
 * ```
 *
 * @module
 */
import { assemble, type Assembly } from "./src/config/assemble.ts";
import { type Generation, Generations } from "./src/config/generations.ts";
import { ConfigError } from "./src/config/mistake.ts";
import type { RelayConfig } from "./src/config/relay_config.ts";
import type { OptimizerQosSampler } from "./src/usage/optimizer_qos_sampler.ts";
import { type Clock, systemClock } from "./src/domain/clock.ts";
import { type Log, silentLog } from "./src/domain/log.ts";
import { clientAddressOf } from "./src/hosts/client_address.ts";
import { type ConnectionInfo, FetchHandler } from "./src/hosts/fetch_handler.ts";
import { setHostHandler } from "./src/hosts/host_handler.ts";
import { splitUrl, toResponse } from "./src/hosts/http_response.ts";
import { liveSessionDeps } from "./src/hosts/live_session_deps.ts";
import type { HeaderSource } from "./src/hosts/request_headers.ts";
import { type AcceptSocket, decideUpgrade } from "./src/hosts/upgrade.ts";
import type { SessionDeps } from "./src/hosts/websocket_session.ts";
import { WebSocketSessions } from "./src/hosts/websocket_sessions.ts";
import { Metrics, type MetricsRegistry, type MetricsSources } from "./src/observe/metrics/metrics.ts";
import type { ReplyCache } from "./src/domain/reply_cache.ts";
import type { Fetch } from "./src/transports/fetch.ts";
import type { Connect } from "./src/transports/http1/connection.ts";
import { CountedRelay } from "./src/relay/counted_relay.ts";
import type { OpenNodeSocket } from "./src/transports/websocket.ts";
import type { ProjectBudgets } from "./src/relay/project_budgets.ts";
import { NoopUsageSink, type UsageSink, type UsageStats } from "./src/usage/usage_sink.ts";

export type {
  NodeTlsConfig,
  NodeUrlConfig,
  OptimizerConfig,
  ProbeConfig,
  ProviderConfig,
  RelayConfig,
  SocketConfig,
} from "./src/config/relay_config.ts";
export { defineConfig } from "./src/config/define_config.ts";
export type {
  FileAuthConfig,
  FileEndpoint,
  FileGrpcConfig,
  FileNodeUrl,
  FileProject,
  FileProvider,
  RelayFile,
} from "./src/config/relay_file.ts";
export { ConfigError, type Mistake } from "./src/config/mistake.ts";
export type { Strategy } from "./src/providers/optimizer/strategy.ts";
export { API_INTERFACES, type ApiInterface } from "./src/domain/api_interface.ts";
export { type Clock, systemClock } from "./src/domain/clock.ts";
export { type Log, type LogFields, silentLog } from "./src/domain/log.ts";
export type { OptimizerQosEvent, RelayUsageEvent, UsageEvent, UsageEventKind } from "./src/domain/usage_event.ts";
export type { ConnectionInfo } from "./src/hosts/fetch_handler.ts";
export type { AcceptSocket } from "./src/hosts/upgrade.ts";
export { createPathRouter, type PathRouter, type RoutedRelay } from "./src/hosts/path_router.ts";
export type { ClientSocket } from "./src/hosts/websocket_outbox.ts";
export type { SocketReceiver } from "./src/hosts/websocket_session.ts";
export { MemoryCache, type MemoryCacheOptions } from "./src/cache/memory_cache.ts";
export type { CachedReply, ReplyCache } from "./src/domain/reply_cache.ts";
export { createMetricsHandler, type MetricsHandlerOptions } from "./src/observe/metrics/metrics_handler.ts";
export type { MetricsRegistry, MetricsSources } from "./src/observe/metrics/metrics.ts";
export type { HeaderFields, NodeReply } from "./src/domain/wire.ts";
export type { Fetch } from "./src/transports/fetch.ts";
export type { Connect, Connection, ConnectResult, Origin } from "./src/transports/http1/connection.ts";
export type { OpenNodeSocket, PlatformSocket } from "./src/transports/websocket.ts";
export type { NodeTls } from "./src/providers/provider.ts";
export { createOtelUsageSink, type OtelUsageOptions, type UsageSpoolOptions } from "./src/usage/create_usage_sink.ts";
export type { UsageExportResult, UsageLogExporter } from "./src/usage/log_exporter.ts";
export type { HrTime, UsageLogRecord, UsageResource } from "./src/usage/log_record.ts";
export {
  type OptimizerQosProvider,
  OptimizerQosSampler,
  type OptimizerQosSamplerOptions,
  type OptimizerQosScores,
  type OptimizerQosSource,
} from "./src/usage/optimizer_qos_sampler.ts";
export type {
  Api,
  ApiCategory,
  ApiCollection,
  BlockParsing,
  ChainSpec,
  CollectionData,
  Extension,
  FunctionTag,
  GenericParser,
  HeaderRule,
  ParseDirective,
  ParserFunc,
  Verification,
  VerificationValue,
} from "./src/domain/chain_spec.ts";
export type { Expansion } from "./src/spec/expand.ts";
export { readSpecFile, type SpecFile, type SpecMistake } from "./src/spec/spec_schema.ts";
export { type OverBudget, ProjectBudgets, type ProjectLimit } from "./src/relay/project_budgets.ts";
export { SpecSet } from "./src/spec/spec_set.ts";
export type { AttributeField, AttributeType } from "./src/usage/attributes.ts";
export {
  type DropReason,
  type LedgerCounts,
  NoopUsageSink,
  type UsageNumbering,
  type UsageSink,
  type UsageStats,
} from "./src/usage/usage_sink.ts";

/** Options of {@linkcode createRelay}: what is relayed, and what with. */
export interface RelayOptions extends RelayConfig {
  /** Where usage events go. Default: nowhere. The relay does not close it, as it may serve several relays. */
  readonly usage?: UsageSink;
  /** Reaches the nodes. Default: the platform's. */
  readonly fetch?: Fetch;
  /**
   * Opens connections to nodes, such as `denoConnect` of `@relaymeter/relay/connect-deno` or `nodeConnect` of
   * `@relaymeter/relay/connect-node`. With it the relay speaks HTTP/1.1 to nodes by itself, which costs a fraction of what
   * `fetch` does; idle connections are kept for some seconds, or until `close`. Default: `fetch` is used.
   */
  readonly connect?: Connect;
  /** Opens WebSockets to nodes. Default: the platform's `WebSocket`, which can send headers along on servers' runtimes only. */
  readonly openSocket?: OpenNodeSocket;
  /** Where replies are kept for other callers, such as a {@linkcode MemoryCache}. Default: nowhere. */
  readonly cache?: ReplyCache;
  /** What projects may use; one for several relays. Default: as much as they like. */
  readonly budgets?: ProjectBudgets;
  /** Where relays are counted, from {@linkcode createMetrics}; one for several relays. Default: nowhere. */
  readonly metrics?: MetricsRegistry;
  /** Default: the platform's clocks. */
  readonly clock?: Clock;
  /** A number from 0 up to 1, for what is chosen by chance. Default: the platform's. */
  readonly random?: () => number;
  /** Samples the scores of the providers. Default: nothing does. */
  readonly qos?: OptimizerQosSampler;
  /** Default: nothing is logged. */
  readonly log?: Log;
  /**
   * Whether the process is about to stop. From then on the relay's health path says that it is not healthy, while
   * requests are still served until `close`. Default: it never is.
   */
  readonly isStopping?: () => boolean;
}

/** A configuration that a relay is ready to change to. */
export interface PreparedConfig {
  /** What of it will not be in force, as it differs from what is and would need a new relay; empty mostly. */
  readonly needsRestart: readonly string[];
  /** Changes to it. To be called once, and not after another one has been applied. */
  apply(): void;
}

/** A relay for one chain over one interface. */
export interface RelayHandle extends AsyncDisposable {
  /** Answers one request. Never rejects: errors are answers in the shape of the protocol. */
  fetch(request: Request, info?: ConnectionInfo): Promise<Response>;
  /**
   * Decides about a request for a WebSocket: the response that refuses it, or a function that takes the socket once it
   * is open and comes back with what is to be told of its messages and its end.
   */
  upgrade(request: Request, info?: ConnectionInfo): AcceptSocket | Response;
  /** Whether any provider can be expected to answer, as the health path says. */
  isHealthy(): boolean;
  /** Requests over HTTP and calls over WebSockets that are under way. */
  inFlight(): number;
  /**
   * Gets ready for a change of the configuration while the relay runs: other providers, another spec, other limits. The
   * change happens when what comes back is told to `apply`; until then, and for good when that never happens, everything
   * is as it was. New requests go by the new configuration and those under way end by the old one; clients' WebSockets
   * and subscriptions stay, and so do the scores of providers that keep their name and URLs. The chain and the interface
   * can't change, and how nodes are reached (`upstreamTransport`, `maxReplyBytes`) and the limits of subscriptions as a
   * whole stay as they are.
   *
   * Throws a {@linkcode ConfigError} with every mistake.
   *
   * @example Another provider
   * ```ts
   * import { createRelay } from "@relaymeter/relay";
   *
   * const config = { chainId: "ETH1", providers: [{ name: "a", nodeUrls: [{ url: "https://a.example" }] }] };
   * await using relay = createRelay(config);
   * relay.prepare({ ...config, providers: [{ name: "b", nodeUrls: [{ url: "https://b.example" }] }] }).apply();
   * ```
   */
  prepare(config: RelayConfig): PreparedConfig;
  /** The ledger of the usage sink. */
  stats(): UsageStats;
  /**
   * Takes no more requests and waits for those under way; after `graceMs` (default 30,000) their attempts are ended.
   * When it comes back, every relay has its event with the sink. Safe to call twice.
   */
  close(graceMs?: number): Promise<void>;
}

/**
 * Creates a relay. It holds no connection and no timer until a request comes, unless `probes` are on.
 *
 * Throws a {@linkcode ConfigError} with every mistake in the options.
 *
 * @example Handing events to a sink of one's own
 * ```ts
 * import { createRelay, NoopUsageSink, type RelayUsageEvent } from "@relaymeter/relay";
 *
 * class MemorySink extends NoopUsageSink {
 *   readonly events: RelayUsageEvent[] = [];
 *   override emit(event: RelayUsageEvent): void {
 *     this.events.push(event);
 *   }
 * }
 *
 * const usage = new MemorySink();
 * const relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 *   usage,
 *   fetch: () => Promise.resolve(new Response('{"jsonrpc":"2.0","id":1,"result":"0x1"}')),
 * });
 * const response = await relay.fetch(
 *   new Request("http://relay.example/", {
 *     method: "POST",
 *     headers: { "content-type": "application/json", "project-id": "acme" },
 *     body: '{"jsonrpc":"2.0","id":"x","method":"eth_chainId"}',
 *   }),
 * );
 * if (await response.text() !== '{"jsonrpc":"2.0","id":"x","result":"0x1"}') throw new Error("ids come back");
 * if (usage.events[0]?.project !== "acme") throw new Error("the caller is charged");
 * await relay.close();
 * ```
 */
export function createRelay(options: RelayOptions): RelayHandle {
  const {
    usage = new NoopUsageSink(),
    fetch = globalThis.fetch,
    clock = systemClock,
    log = silentLog,
    random = Math.random,
    cache,
    budgets,
    connect,
    qos,
    isStopping,
  } = options;
  const metrics = ownMetrics(options.metrics);
  if (options.apiInterface === "grpc") {
    throw new ConfigError([{ path: ["apiInterface"], message: "grpc needs HTTP/2, which fetch handlers do not have" }]);
  }
  const surroundings = {
    usage,
    fetch,
    connect,
    clock,
    log,
    random,
    cache,
    metrics,
    budgets,
    qos,
    isStopping,
    openSocket: options.openSocket,
  };
  const generationOf = (config: RelayConfig, previous?: Assembly) =>
    new HttpGeneration(assemble(config, surroundings, previous), clock);
  const generations = new Generations(generationOf(options));
  const { assembly: { sockets, kept: { counts }, close: closeConnections } } = generations.current;
  const sessions = sockets &&
    new WebSocketSessions(liveSessionDeps(() => generations.current.sessionDeps ?? sockets.deps), sockets.options);
  if (sessions !== undefined) counts?.addSockets(() => sessions.stats());
  const close = async (graceMs = 30_000) => {
    await Promise.all([generations.drain(graceMs), sessions?.drain(graceMs)]);
    closeConnections();
  };
  const accept = (headers: HeaderSource, peer: string, path: string) => {
    const { parts, options: { cors } } = generations.current.assembly;
    const clientAddress = clientAddressOf(peer, headers.get("x-forwarded-for"), parts.isTrustedProxy);
    return decideUpgrade(headers, clientAddress, path, parts.codec, sessions, cors);
  };
  const relay: RelayHandle = {
    fetch: (request, info) => generations.current.handler.fetch(request, info),
    upgrade: (request, { clientAddress = "", path = splitUrl(request.url).path } = {}) => {
      const decision = accept(request.headers, clientAddress, path);
      return typeof decision === "function" ? decision : toResponse(decision);
    },
    isHealthy: () => generations.current.assembly.parts.isHealthy(),
    inFlight: () => generations.all.reduce((sum, { handler }) => sum + handler.inFlight, sessions?.inFlight ?? 0),
    prepare(config) {
      const { current } = generations;
      const next = generationOf(config, current.assembly);
      return {
        needsRestart: next.assembly.needsRestart,
        apply() {
          if (generations.current !== current) throw new TypeError("another configuration has been applied since");
          generations.replace(next);
          if (next.assembly.sockets !== undefined) sessions?.setOptions(next.assembly.sockets.options);
        },
      };
    },
    stats: () => usage.stats(),
    close,
    [Symbol.asyncDispose]: () => close(),
  };
  return setHostHandler(relay, {
    handle: (request, path) => generations.current.handler.handle(request, path),
    accept: ({ headers, clientAddress, path }, ownPath = path) => accept(headers, clientAddress, ownPath),
  });
}

/** What serves under one configuration. */
class HttpGeneration implements Generation {
  readonly assembly: Assembly;
  readonly handler: FetchHandler;
  /** What WebSockets work with; undefined for interfaces that have none. */
  readonly sessionDeps: SessionDeps | undefined;
  readonly #socketRelay: CountedRelay;

  constructor(assembly: Assembly, clock: Clock) {
    this.assembly = assembly;
    this.handler = new FetchHandler(assembly.parts, assembly.options);
    const relay = this.#socketRelay = new CountedRelay(assembly.parts.relay, clock);
    this.sessionDeps = assembly.sockets && { ...assembly.sockets.deps, relay };
  }

  start(): void {
    this.assembly.start();
  }

  retire(): Promise<void> {
    return this.assembly.retire();
  }

  async drain(graceMs: number): Promise<void> {
    await Promise.all([this.handler.drain(graceMs), this.#socketRelay.drain(graceMs)]);
  }
}

/**
 * Creates the numbers of a process: give them to each relay, and serve them with {@linkcode createMetricsHandler}.
 *
 * @example Serving metrics
 * ```ts
 * import { createMetrics, createMetricsHandler, createRelay } from "@relaymeter/relay";
 *
 * const metrics = createMetrics({ version: "1.0.0", usage: () => relay.stats() });
 * const relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 *   metrics,
 * });
 * const handler = createMetricsHandler(metrics);
 * const page = await handler(new Request("http://relay.example/metrics")).text();
 * if (!page.includes("lava_rpcsmartrouter_overall_health 1")) throw new Error("the relay is healthy");
 * ```
 */
export function createMetrics(sources: MetricsSources): MetricsRegistry {
  return new Metrics(sources);
}

function ownMetrics(registry: MetricsRegistry | undefined): Metrics | undefined {
  if (registry === undefined || registry instanceof Metrics) return registry;
  throw new TypeError("metrics must be what createMetrics gave");
}
