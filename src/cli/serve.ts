import denoConfig from "../../deno.json" with { type: "json" };
import {
  createMetrics,
  createRelay,
  type MetricsRegistry,
  ProjectBudgets,
  type RelayHandle,
  type ReplyCache,
} from "../../mod.ts";
import { type Address, addressText } from "../config/address.ts";
import type { Environment } from "../config/environment.ts";
import { type EndpointConfig, pathOfEndpoint } from "../config/file_content.ts";
import type { RelayFlags } from "../config/flags.ts";
import type { RelayConfig } from "../config/relay_config.ts";
import { systemClock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { listen, type Listener, type ListenerTls } from "../hosts/deno.ts";
import { listenNode } from "../hosts/node.ts";
import { createPathRouter } from "../hosts/path_router.ts";
import { createJsonLog } from "../observe/log.ts";
import type { UsageSink, UsageStats } from "../usage/usage_sink.ts";
import { createCache } from "./create_cache.ts";
import { createUsageSink, type UsageSinkResult } from "./create_usage_sink.ts";
import type { OptimizerQosSampler } from "../usage/optimizer_qos_sampler.ts";
import type { ExitCode } from "./exit_code.ts";
import { loadConfig } from "./load_config.ts";
import { listenForMetrics } from "./listen_for_metrics.ts";
import { refuse } from "./refuse.ts";
import { optimizerConfig } from "./optimizer_flags.ts";
import { createSampler, scoresAsJson } from "./sampler.ts";
import { serveGrpc } from "./serve_grpc.ts";
import { stopSignals } from "./stop_signals.ts";
import { write } from "./terminal.ts";
import { upstreamConnect, upstreamTransport } from "./upstream.ts";
import { pageOfRelay } from "./usage_page.ts";

/** How long connections may take to close after the last request under way has been answered, milliseconds. */
const CONNECTION_GRACE_MS = 2_000;

/** Runs the relay until SIGTERM or SIGINT. Nothing listens before everything has been found to be good. */
export async function serve(
  command: "rpcsmartrouter" | "rpcconsumer",
  args: readonly string[],
  environment: Environment,
  unknownVariables: readonly string[],
): Promise<ExitCode> {
  const loaded = await loadConfig(args, { environment, serviceName: `lava-${command}` });
  const { flags, certificates, usage: usageOptions } = loaded;
  const mistakes = [...loaded.mistakes, ...takenAddresses(addressesOf(loaded.endpoints, flags))];
  if (mistakes.length > 0 || usageOptions.kind === "mistakes") return refuse(mistakes, `relaymeter ${command} --help`);

  const log = createJsonLog(flags["log-level"], (line) => write(Deno.stderr, line));
  for (const warning of [...unknownVariables, ...loaded.warnings]) log.warn(warning);
  for (const note of loaded.notes) log.debug(note);
  const created = await createUsageSink(flags, usageOptions.options, log);
  if (created.kind === "failure") return refuse([created.message], `relaymeter ${command} --help`);
  const { sink: usage, target } = created;
  const stopped = stopSignals();
  const cache = await createCache(flags, log);
  const budgets = loaded.projects.length > 0 ? new ProjectBudgets(loaded.projects, systemClock) : undefined;
  for (const [project, units] of created.unitsOfDay) budgets?.resumeDay(project, units);
  const qos = createSampler(flags, usage, log);
  const metrics = createMetrics({
    version: denoConfig.version,
    usage: () => usage.stats(),
    numbering: () => usage.numbering?.(),
    scores: () => qos?.latest() ?? [],
  });
  const optimizerMetrics = flags["optimizer-qos-listen"] && qos ? () => scoresAsJson(qos.latest()) : undefined;
  const metricsListener = listenForMetrics(flags["metrics-listen-address"], metrics, log, { optimizerMetrics });
  const page = flags.ui === "disabled" ? undefined : pageOfRelay(usage, flags.ui, flags["ui-host"], log);
  const metricsOrNone = metricsListener && metrics;
  const shared = {
    usage: page?.usage ?? usage,
    target,
    cache,
    budgets,
    qos,
    log,
    metrics: metricsOrNone,
    certificates,
  };
  const groups = byAddress(loaded.endpoints);
  const running = (await Promise.all(groups.map((endpoints) => start(endpoints, flags, shared)))).flat();

  const signal = await stopped.first;
  qos?.[Symbol.dispose]();
  log.info("stopping: no new requests are taken", { signal });
  const isClean = await Promise.race([
    stop(running, created, flags, [metricsListener, page]).then(() => true),
    stopped.second.then(() => false),
  ]);
  await cache?.[Symbol.asyncDispose]?.();
  log.info(isClean ? "stopped; final ledger" : "stopped at once; what is queued or in flight is lost", {
    ...ledgerFields(usage.stats()),
    ...numberingFields(usage),
  });
  return isClean ? 0 : 1;
}

interface Running {
  readonly relay: Pick<RelayHandle, "close">;
  readonly listener: Listener;
}

/** What all endpoints share. */
interface Shared {
  readonly usage: UsageSink;
  readonly target: string;
  readonly cache: ReplyCache | undefined;
  readonly budgets: ProjectBudgets | undefined;
  readonly metrics: MetricsRegistry | undefined;
  readonly qos: OptimizerQosSampler | undefined;
  readonly certificates: ReadonlyMap<EndpointConfig, ListenerTls>;
  readonly log: Log;
}

/** Endpoints by their addresses. Those that want a free port each get their own. */
function byAddress(endpoints: readonly EndpointConfig[]): EndpointConfig[][] {
  const groups = new Map<string, EndpointConfig[]>();
  for (const [index, endpoint] of endpoints.entries()) {
    const key = endpoint.address.port === 0 ? String(index) : addressText(endpoint.address);
    groups.set(key, [...groups.get(key) ?? [], endpoint]);
  }
  return [...groups.values()];
}

/** Starts what is served at one address. */
async function start(endpoints: readonly EndpointConfig[], flags: RelayFlags, shared: Shared): Promise<Running[]> {
  const { target, log } = shared;
  const [first] = endpoints as [EndpointConfig];
  const running = first.relay.apiInterface === "grpc"
    ? [await startGrpc(first, flags, shared)]
    : await startHttp(endpoints, flags, shared);
  for (const [index, endpoint] of endpoints.entries()) {
    const { relay: config } = endpoint;
    log.info("relay is listening", {
      address: addressText(running[index]!.listener),
      ...((endpoints.length > 1 || endpoint.path !== undefined) && { path: pathOfEndpoint(endpoint) }),
      ...(endpoint.tls && { tls: true }),
      chain: config.chainId,
      api_interface: config.apiInterface ?? "jsonrpc",
      providers: config.providers.length,
      backup_providers: config.backupProviders?.length ?? 0,
      usage: target,
    });
  }
  return running;
}

/** One relay at an address has it for itself, unless it names a path; several are each served below their own. */
async function startHttp(
  endpoints: readonly EndpointConfig[],
  flags: RelayFlags,
  shared: Shared,
): Promise<Running[]> {
  const { usage, cache, budgets, metrics, qos, log, certificates } = shared;
  const optional = {
    ...(cache && { cache }),
    ...(budgets && { budgets }),
    ...(metrics && { metrics }),
    ...(qos && { qos }),
  };
  const relays = endpoints.map(({ relay: config }) =>
    createRelay({ ...config, ...relayOptions(flags), connect: upstreamConnect, usage, log, ...optional })
  );
  const [first] = endpoints as [EndpointConfig];
  const { fetch, upgrade } = relays.length === 1 && first.path === undefined
    ? relays[0]!
    : createPathRouter(Object.fromEntries(relays.map((relay, index) => [pathOfEndpoint(endpoints[index]!), relay])));
  const timeouts = { headerTimeoutMs: flags["http-header-timeout"], idleTimeoutMs: flags["http-idle-timeout"] };
  const listener = flags["http-server"] === "node"
    ? await listenNode(first.address, fetch, timeouts)
    : listen(first.address, fetch, upgrade, certificates.get(first));
  return relays.map((relay) => ({ relay, listener }));
}

async function startGrpc(endpoint: EndpointConfig, flags: RelayFlags, shared: Shared): Promise<Running> {
  const { hostname, port, close } = await serveGrpc(
    endpoint,
    relayOptions(flags),
    flags,
    shared,
    shared.certificates.get(endpoint),
  );
  // To close it is to stop listening as well.
  const listener = { hostname, port, shutdown: () => Promise.resolve() };
  return { relay: { close: (graceMs = 30_000) => close(graceMs) }, listener };
}

/** Stops listening, lets requests under way end, and sends on what the sink holds. */
async function stop(
  running: readonly Running[],
  { sink, release }: Extract<UsageSinkResult, { kind: "sink" }>,
  flags: RelayFlags,
  others: readonly (Pick<Listener, "shutdown"> | undefined)[],
): Promise<void> {
  const listeners = new Set(running.map(({ listener }) => listener));
  const closing = [...listeners].map((listener) => listener.shutdown());
  await Promise.all(running.map(({ relay }) => relay.close(flags["shutdown-grace"])));
  let cancelTimer = () => {};
  const timeUp = new Promise<void>((resolve) => cancelTimer = systemClock.schedule(CONNECTION_GRACE_MS, resolve));
  await Promise.race([Promise.all(closing), timeUp]);
  cancelTimer();
  await sink.close();
  await release();
  // The last, so that what became of the last events can still be seen; they are not waited for.
  for (const other of others) other?.shutdown().catch(() => {});
}

function socketOptions(flags: RelayFlags): NonNullable<RelayConfig["sockets"]> {
  return {
    deliveryComputeUnits: flags["subscription-delivery-cu"],
    maxSubscriptionsPerClient: flags["websocket-max-subscriptions-per-client"],
    maxSubscriptions: flags["websocket-max-subscriptions"],
    maxSubscribesPerMinute: flags["websocket-subscribes-per-minute"],
    maxUnsubscribesPerMinute: flags["websocket-unsubscribes-per-minute"],
    maxMessageBytes: flags["websocket-max-message-bytes"],
    maxBufferedBytes: flags["websocket-max-buffered-bytes"],
    maxParallelCalls: flags["websocket-max-parallel-requests"],
    maxMessagesPerSecond: Math.max(0, flags["rate-limit-websocket-requests-per-connection"]),
    banMs: flags["ban-duration-for-websocket-rate-limit-exceeded"],
    maxConnectionsPerAddress: flags["limit-parallel-websocket-connections-per-ip"],
    idleTimeoutMs: flags["limit-websocket-connection-idle-time"],
    maxUpstreamConnections: flags["upstream-websocket-connections"],
    maxUpstreamSubscriptions: flags["upstream-websocket-subscriptions"],
  };
}

function relayOptions(flags: RelayFlags): Partial<RelayConfig> {
  return {
    retryLimit: flags["set-relay-retry-limit"],
    disableBatchRetry: flags["disable-batch-request-retry"],
    batchNodeErrorOnAny: flags["batch-node-error-on-any"],
    maxBatchSize: flags["max-batch-request-size"],
    usageReceipts: flags["usage-receipts"],
    minRelayTimeoutMs: flags["min-relay-timeout"],
    processingTimeoutMs: flags["default-processing-timeout"],
    maxBodyBytes: flags["max-request-body-bytes"],
    bodyTimeoutMs: flags["request-body-timeout"],
    optimizer: optimizerConfig(flags),
    ...(flags["relays-health-enable"] && { probes: { verifyIntervalMs: flags["relays-health-interval"] } }),
    hedgeQuantile: flags["hedge-quantile"],
    debugRelays: flags["debug-relays"],
    selectionStats: flags["enable-selection-stats"],
    maxReplyBytes: flags["max-response-body-bytes"],
    upstreamTransport: upstreamTransport(flags),
    sockets: socketOptions(flags),
    corsOrigin: flags["cors-origin"],
    corsHeaders: flags["cors-headers"],
    corsMethods: flags["cors-methods"],
    corsCredentials: flags["cors-credentials"],
    responseCompression: flags["response-compression"],
    responseCompressionMinBytes: flags["response-compression-min-bytes"],
    trustedProxies: flags["trusted-proxy"],
  };
}

/** Every address that is to be listened on. */
function addressesOf(endpoints: readonly EndpointConfig[], flags: RelayFlags): Address[] {
  const others = [flags["metrics-listen-address"], flags.ui].filter((address) => address !== "disabled");
  const own = endpoints.flatMap(({ address, grpcWebAddress }) => [address, grpcWebAddress ?? []].flat());
  return [...own, ...others];
}

/** Addresses that can't be listened on, each with the reason. */
function takenAddresses(addresses: readonly Address[]): string[] {
  return addresses.flatMap((address) => {
    try {
      Deno.listen({ hostname: address.hostname, port: address.port }).close();
      return [];
    } catch (error) {
      const reason = error instanceof Deno.errors.AddrInUse ? "is in use by another program" : "can't be listened on";
      return [`${addressText(address)} ${reason}`];
    }
  });
}

/** What `usage reconcile` holds the ledger against what has arrived by. */
function numberingFields(usage: UsageSink): Record<string, string | number> {
  const numbering = usage.numbering?.();
  return numbering === undefined ? {} : { usage_boot: numbering.boot, usage_last_number: numbering.last };
}

/** The ledger as flat fields of a log line, `relay_usage_accepted` and so on. */
function ledgerFields(stats: UsageStats): Record<string, number> {
  const fields: Record<string, number> = {};
  for (const [kind, counts] of Object.entries(stats)) {
    fields[`${kind}_accepted`] = counts.accepted;
    fields[`${kind}_exported`] = counts.exported;
    for (const [reason, count] of Object.entries(counts.dropped)) fields[`${kind}_dropped_${reason}`] = count;
    fields[`${kind}_queued`] = counts.queued;
    fields[`${kind}_in_flight`] = counts.inFlight;
    fields[`${kind}_spooled`] = counts.spooled;
  }
  return fields;
}
