import type { ApiInterface } from "../domain/api_interface.ts";
import type { Clock } from "../domain/clock.ts";
import type { Codec } from "../domain/codec.ts";
import type { Log } from "../domain/log.ts";
import type { ReplyCache } from "../domain/reply_cache.ts";
import type { EndpointCounts } from "../observe/metrics/endpoint_counts.ts";
import type { Metrics } from "../observe/metrics/metrics.ts";
import { OptimizerSelector } from "../providers/optimizer_selector.ts";
import type { Transport } from "../providers/transport.ts";
import { keepNodes } from "../providers/kept_nodes.ts";
import { stakesOf } from "../providers/optimizer/stakes.ts";
import { Prober } from "../providers/prober.ts";
import type { Provider } from "../providers/provider.ts";
import { Consistency } from "../relay/consistency.ts";
import { Meter } from "../relay/meter.ts";
import type { PlanOptions } from "../relay/plan.ts";
import type { ProjectBudgets } from "../relay/project_budgets.ts";
import { Relay } from "../relay/relay.ts";
import type { RetryOptions } from "../relay/retry_policy.ts";
import type { Selector } from "../providers/selector.ts";
import type { Matcher } from "../spec/matcher.ts";
import type { Fetch } from "../transports/fetch.ts";
import type { Connect } from "../transports/http1/connection.ts";
import { createSocketConnector, type OpenNodeSocket, openSocket } from "../transports/websocket.ts";
import type { OptimizerQosSampler } from "../usage/optimizer_qos_sampler.ts";
import type { UsageSink } from "../usage/usage_sink.ts";
import { assembleSockets, type SocketAssembly } from "./assemble_sockets.ts";
import { codecOf, type HttpOptions, resolveHttpOptions, trustedProxiesOf } from "./http_options.ts";
import { createUpstreamTransport, type UpstreamTransport } from "./upstream_transport.ts";
import { ConfigError } from "./mistake.ts";
import { resolveOptimizerOptions } from "./optimizer_options.ts";
import type { RelayConfig } from "./relay_config.ts";
import { createNodeProbe } from "./node_probe.ts";
import { createTextWording, type NodeWording } from "./node_wording.ts";
import { checkSameChain, resolveConfig, type ResolvedConfig } from "./resolve_config.ts";

/** What a relay gets from its surroundings. */
export interface Surroundings {
  readonly usage: UsageSink;
  readonly fetch: Fetch;
  /** Opens connections to nodes; default: `fetch` has its own. */
  readonly connect?: Connect | undefined;
  /** Opens WebSockets to nodes; default: the platform's. */
  readonly openSocket?: OpenNodeSocket | undefined;
  /** Reaches nodes that are not asked by `fetch`. */
  readonly transport?: Transport | undefined;
  /** How nodes are probed; default: in the text of their protocol. */
  readonly wording?: NodeWording | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** A number from 0 up to 1; default: the platform's. */
  readonly random?: (() => number) | undefined;
  /** Where replies are kept for other callers; default: nowhere. */
  readonly cache?: ReplyCache | undefined;
  /** Where scores are sampled from; default: nowhere. */
  readonly qos?: OptimizerQosSampler | undefined;
  /** Where relays are counted; default: nowhere. */
  readonly metrics?: Metrics | undefined;
  /** What projects may use, over all relays of the process; default: as much as they like. */
  readonly budgets?: ProjectBudgets | undefined;
  /** Whether the process is about to stop, so that it says of itself that it is not healthy; default: never. */
  readonly isStopping?: (() => boolean) | undefined;
}

/** What of a relay stays when its configuration changes. */
interface Kept {
  readonly counts: EndpointCounts | undefined;
  readonly upstream: UpstreamTransport;
  /** Whose scores and blocks are shown: those of the configuration in force. */
  serving: { readonly selector: OptimizerSelector; readonly providers: readonly Provider[] };
}

/** The parts that a host puts its own end to, and their resolved options. */
export interface Assembly {
  /**
   * Makes this configuration the one in force: starts its probes, and goes on with the scores, blocks and subscriptions
   * of the one before. To be called once, and before the first request.
   */
  start(): void;
  /** Starts no more probes, and comes back when none are under way. */
  retire(): Promise<void>;
  /** Ends the connections to nodes: to be called when the last call has ended. */
  close(): void;
  /** For the configuration that follows. */
  readonly kept: Kept;
  readonly consistency: Consistency;
  readonly times: ResolvedConfig["times"];
  readonly providers: readonly Provider[];
  /** What of the configuration is not in force, as it differs from the one before and needs a restart. */
  readonly needsRestart: readonly string[];
  /** What relays of other kinds share with this one. */
  readonly core: {
    readonly selector: Selector;
    readonly meter: Meter;
    readonly options: PlanOptions & RetryOptions & { readonly hedgeQuantile: number };
  };
  readonly parts: {
    readonly relay: Relay;
    readonly codec: Codec;
    readonly matcher: Matcher;
    readonly clock: Clock;
    readonly log: Log;
    random(): number;
    head(): number;
    headOf(provider: string): number;
    servesExtension(name: string): boolean;
    isHealthy(): boolean;
    isTrustedProxy(address: string): boolean;
  };
  /** Where the relay is counted; undefined when it is not. */
  readonly counts: EndpointCounts | undefined;
  /** Clients' WebSockets; undefined for interfaces that have none. */
  readonly sockets: SocketAssembly | undefined;
  readonly options: HttpOptions & { readonly chain: string; readonly apiInterface: ApiInterface };
}

const MIB = 1024 * 1024;
/** Bounds of the time between two questions for a provider's newest block, milliseconds. */
const MIN_POLL_MS = 1_000;
const MAX_POLL_MS = 60_000;

/**
 * Builds a relay of its parts, or what changes of them when `previous` is in force, which has the same chain and interface
 * and goes on as it is. Throws a {@linkcode ConfigError} that holds every mistake.
 */
export function assemble(config: RelayConfig, surroundings: Surroundings, previous?: Assembly): Assembly {
  const { usage, clock, log, random = Math.random, cache, metrics, budgets, qos } = surroundings;
  const resolved = resolveConfig(config);
  const { mistakes, matcher, times } = resolved;
  const apiInterface = config.apiInterface ?? "jsonrpc";
  if (previous !== undefined) mistakes.push(...checkSameChain(previous.options, config.chainId, apiInterface));
  // gRPC's host has a codec of its own.
  const codec = codecOf(apiInterface === "grpc" ? "jsonrpc" : apiInterface, config);
  if (mistakes.length > 0 || matcher === undefined || codec === undefined) throw new ConfigError(mistakes);

  const providers = keepNodes(previous?.providers ?? [], resolved.providers);
  const selector = new OptimizerSelector(providers, { clock, log, random }, {
    ...resolveOptimizerOptions(config.optimizer),
    averageBlockTimeMs: times.averageBlockTimeMs,
  });
  // Checks as well what the nodes need of it.
  const ownTransport = surroundings.transport ?? upstreamTransport(config, providers, surroundings);
  const upstream: UpstreamTransport = surroundings.transport ?? previous?.kept.upstream ?? ownTransport;
  const { probes } = config;
  const { wording = createTextWording(codec, apiInterface) } = surroundings;
  let prober: Prober | undefined;
  const createProber = (probes: NonNullable<RelayConfig["probes"]>) =>
    new Prober(
      {
        providers,
        probe: createNodeProbe({
          chain: config.chainId,
          apiInterface,
          wording,
          matcher,
          transport: sockets?.transport ?? upstream,
          clock,
        }),
        selector,
        clock,
        log,
      },
      {
        pollIntervalMs: Math.min(Math.max(times.averageBlockTimeMs, MIN_POLL_MS), MAX_POLL_MS),
        verifyIntervalMs: probes.verifyIntervalMs ?? 300_000,
        retryIntervalMs: 180_000,
        timeoutMs: 10_000,
        verifiesSockets: sockets !== undefined,
      },
    );
  const { isStopping = () => false } = surroundings;
  const isHealthy = () => !isStopping() && selector.isHealthy();
  const isSameChain = JSON.stringify(previous?.times) === JSON.stringify(times);
  const consistency = previous !== undefined && isSameChain
    ? previous.consistency
    : new Consistency(clock, { ...times, maxCallers: 50_000 });
  const serving = { selector, providers };
  // What closures know of the configuration before would be kept for as long as this one, and so would all before that.
  const isFirst = previous === undefined;
  const kept: Kept = previous?.kept ?? {
    counts: metrics?.addEndpoint({
      chain: config.chainId,
      apiInterface,
      get providers() {
        return kept.serving.providers.map(({ name }) => name);
      },
      isHealthy: () => !isStopping() && kept.serving.selector.isHealthy(),
      headOf: (provider) => kept.serving.selector.headOf(provider),
    }),
    upstream,
    serving,
  };
  const { counts } = kept;
  const meter = new Meter(usage, clock, counts, {
    receipts: config.usageReceipts ?? false,
    deliveryComputeUnits: config.sockets?.deliveryComputeUnits,
    budgets,
  });
  const options = {
    retryLimit: config.retryLimit ?? 2,
    disableBatchRetry: config.disableBatchRetry ?? true,
    batchNodeErrorOnAny: config.batchNodeErrorOnAny ?? false,
    minRelayTimeoutMs: config.minRelayTimeoutMs ?? 1_000,
    processingTimeoutMs: config.processingTimeoutMs ?? 30_000,
    hedgeQuantile: config.hedgeQuantile ?? 0,
    debugRelays: config.debugRelays ?? false,
    selectionStats: config.selectionStats ?? false,
    ...times,
  };
  const relay = new Relay(
    { selector, transport: upstream, meter, clock, log, cache, consistency, metrics: counts },
    options,
  );
  const head = () => selector.head();
  const servesExtension = (name: string) => selector.serves(name);
  const sockets = assembleSockets(config.chainId, apiInterface, config.sockets ?? {}, {
    relay,
    codec,
    matcher,
    meter,
    nodes: { providers, selector, transport: upstream },
    connector: createSocketConnector(surroundings.openSocket ?? openSocket, clock, {
      maxMessageBytes: config.sockets?.maxUpstreamMessageBytes ?? 64 * MIB,
    }),
    clock,
    log,
    random,
    head,
    servesExtension,
  }, previous?.sockets);
  if (sockets !== undefined && isFirst) counts?.addUpstreamSockets(() => sockets.deps.hub.stats());
  return {
    sockets,
    start() {
      const replaced = kept.serving.selector;
      if (replaced !== selector) selector.adopt(replaced);
      kept.serving = serving;
      if (qos?.register(config.chainId, selector, replaced)) {
        const stakes = stakesOf(providers);
        qos.setProviders(config.chainId, providers.map(({ name }, index) => ({ name, stake: stakes[index]! })));
      }
      if (!isFirst) sockets?.replaceNodes({ providers, selector, transport: upstream });
      prober = probes && createProber(probes);
    },
    async retire() {
      const retired = prober;
      prober = undefined;
      await retired?.[Symbol.asyncDispose]();
    },
    close() {
      sockets?.close();
      upstream.close?.();
    },
    kept,
    consistency,
    times,
    providers,
    needsRestart: sockets?.needsRestart ?? [],
    core: { selector, meter, options },
    counts,
    parts: {
      relay,
      codec,
      matcher,
      clock,
      log,
      random,
      head,
      headOf: (provider) => selector.headOf(provider),
      servesExtension,
      isHealthy,
      isTrustedProxy: trustedProxiesOf(config),
    },
    options: { ...resolveHttpOptions(config), chain: config.chainId, apiInterface },
  };
}

function upstreamTransport(
  config: RelayConfig,
  providers: readonly Provider[],
  surroundings: Surroundings,
): UpstreamTransport {
  const created = createUpstreamTransport(config.upstreamTransport ?? "auto", providers, surroundings, {
    maxReplyBytes: config.maxReplyBytes ?? 100 * MIB,
  });
  if (created.kind === "mistake") throw new ConfigError([created.mistake]);
  return created.transport;
}
