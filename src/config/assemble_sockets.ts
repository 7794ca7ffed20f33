import type { ApiInterface } from "../domain/api_interface.ts";
import type { Clock } from "../domain/clock.ts";
import type { Codec } from "../domain/codec.ts";
import type { Log } from "../domain/log.ts";
import type { SubscriptionDialect } from "../domain/subscription.ts";
import { createJsonRpcSubscriptions } from "../protocols/jsonrpc/subscription.ts";
import { TENDERMINT_SUBSCRIPTIONS } from "../protocols/tendermint/subscription.ts";
import type { NodeSocketConnector } from "../providers/node_socket.ts";
import type { Transport } from "../providers/transport.ts";
import { type SocketNodes, SocketSelector } from "../providers/socket_selector.ts";
import type { Meter } from "../relay/meter.ts";
import type { Relay } from "../relay/relay.ts";
import type { GapFill } from "../relay/subscriptions/head_stream.ts";
import { SubscriptionHub } from "../relay/subscriptions/hub.ts";
import { createSocketTransport } from "../relay/subscriptions/socket_transport.ts";
import { UpstreamPool } from "../relay/subscriptions/upstream_pool.ts";
import type { Matcher } from "../spec/matcher.ts";
import { queryOf, subscriptionDirectives } from "../spec/node_query.ts";
import { createBlockFetch } from "./fetch_block.ts";
import { createBlockQuestion } from "./node_probe.ts";
import { createTextWording } from "./node_wording.ts";
import type { SocketConfig } from "./relay_config.ts";

/** Time to connect to a node, and for its answer to a subscribe, milliseconds. */
const UPSTREAM_TIMEOUT_MS = 10_000;
/** Silence of a connection to a node after which it is asked for a sign of life, milliseconds. */
const MAX_SILENCE_MS = 15_000;
/** How long a connection is kept that only the relay's own questions were asked on, milliseconds. */
const IDLE_MS = 30_000;
/** Time in which heads that came without a connection have to be fetched, milliseconds. */
const GAP_TIMEOUT_MS = 30_000;
const MIB = 1024 * 1024;

/** What of it stays when the configuration changes. */
interface KeptSockets {
  readonly sockets: SocketSelector;
  readonly pool: UpstreamPool;
  readonly transport: Transport;
  readonly hub: SubscriptionHub;
  readonly dialect: SubscriptionDialect;
  readonly endings: { readonly unsubscribe: ReadonlySet<string>; readonly unsubscribeAll: ReadonlySet<string> };
  /** Which methods start and end subscriptions, as a text to compare. */
  readonly methods: string;
}

/** What the WebSocket side of a relay is made of. */
export interface SocketAssembly {
  /** Who is subscribed with. */
  readonly nodes: SocketNodes;
  /**
   * Has others subscribed with from now on, for a configuration that has changed. Subscriptions that are open stay so:
   * those with a node that is not among the others go on with one that is, as when a connection breaks, and those with a
   * provider of the same name and URL do not notice.
   */
  replaceNodes(nodes: SocketNodes): void;
  /** Reaches all of the nodes' URLs, for questions of the relay's own. */
  readonly transport: Transport;
  /** Ends the connections to nodes. */
  close(): void;
  readonly kept: KeptSockets;
  /** What of the configuration is not in force, as it differs from the one before and needs a restart. */
  readonly needsRestart: readonly string[];
  readonly deps: {
    readonly relay: Relay;
    readonly codec: Codec;
    readonly matcher: Matcher;
    readonly clock: Clock;
    readonly log: Log;
    readonly hub: SubscriptionHub;
    readonly dialect: SubscriptionDialect;
    readonly endings: { readonly unsubscribe: ReadonlySet<string>; readonly unsubscribeAll: ReadonlySet<string> };
    head(): number;
    servesExtension(name: string): boolean;
  };
  readonly options: {
    readonly chain: string;
    readonly apiInterface: ApiInterface;
    readonly maxMessageBytes: number;
    readonly maxBufferedBytes: number;
    readonly maxBufferedBytesInAll: number;
    readonly maxParallelCalls: number;
    readonly maxMessagesPerSecond: number;
    readonly maxSubscribesPerMinute: number;
    readonly maxUnsubscribesPerMinute: number;
    readonly idleTimeoutMs: number;
    readonly banMs: number;
    readonly maxConnections: number;
    readonly maxConnectionsPerAddress: number;
  };
}

/** What it is made with. */
export interface SocketSurroundings {
  readonly relay: Relay;
  readonly codec: Codec;
  readonly matcher: Matcher;
  readonly meter: Meter;
  readonly nodes: SocketNodes;
  readonly connector: NodeSocketConnector;
  readonly clock: Clock;
  readonly log: Log;
  random(): number;
  head(): number;
  servesExtension(name: string): boolean;
}

/**
 * Builds the WebSocket side of a relay, or what changes of it when `previous` is in force, whose subscriptions stay;
 * undefined for interfaces that have none.
 */
export function assembleSockets(
  chain: string,
  apiInterface: ApiInterface,
  config: SocketConfig,
  surroundings: SocketSurroundings,
  previous?: SocketAssembly,
): SocketAssembly | undefined {
  if (apiInterface !== "jsonrpc" && apiInterface !== "tendermintrpc") return undefined;
  const { relay, codec, matcher, clock, log, head, servesExtension } = surroundings;
  const methods = methodsOf(matcher);
  const kept = previous?.kept ?? createKept(chain, apiInterface, config, surroundings, methods);
  const { sockets, pool, transport, hub, dialect, endings } = kept;
  return {
    get nodes() {
      return sockets.nodes;
    },
    replaceNodes(next) {
      sockets.replace(next);
      pool.dropUnwanted();
    },
    transport,
    close: () => pool.close(),
    kept,
    needsRestart: kept.methods === methods ? [] : ["the methods of subscriptions in the chain spec"],
    deps: { relay, codec, matcher, clock, log, hub, dialect, endings, head, servesExtension },
    options: sessionOptions(chain, apiInterface, config),
  };
}

function methodsOf(matcher: Matcher): string {
  return JSON.stringify([namesOf(matcher, "SUBSCRIBE"), namesOf(matcher, "UNSUBSCRIBE")]);
}

function createKept(
  chain: string,
  apiInterface: "jsonrpc" | "tendermintrpc",
  config: SocketConfig,
  { codec, matcher, meter, nodes, connector, clock, log, random }: SocketSurroundings,
  methods: string,
): KeptSockets {
  const subscribe = namesOf(matcher, "SUBSCRIBE");
  const unsubscribe = namesOf(matcher, "UNSUBSCRIBE");
  const dialect = apiInterface === "tendermintrpc"
    ? TENDERMINT_SUBSCRIPTIONS
    : createJsonRpcSubscriptions(pairsOf(subscribe, unsubscribe));
  const sockets = new SocketSelector(nodes);
  const wording = createTextWording(codec, apiInterface);
  const lifeSign = queryOf(matcher, "GET_BLOCKNUM");
  const pool = new UpstreamPool({
    connector,
    dialect,
    clock,
    isWanted: (candidate) => sockets.current(candidate) !== undefined,
    onFailure(candidate, reason) {
      if (sockets.current(candidate) === undefined) return;
      log.info("a WebSocket connection to a provider has failed", { provider: candidate.provider.name, reason });
      sockets.report(candidate, { kind: "failed" }, 0);
    },
  }, {
    maxConnections: config.maxUpstreamConnections ?? 10,
    maxSubscriptionsPerConnection: config.maxUpstreamSubscriptions ?? 100,
    connectTimeoutMs: config.subscribeTimeoutMs ?? UPSTREAM_TIMEOUT_MS,
    answerTimeoutMs: config.subscribeTimeoutMs ?? UPSTREAM_TIMEOUT_MS,
    maxSilenceMs: config.maxUpstreamSilenceMs ?? MAX_SILENCE_MS,
    lifeSign: lifeSign === undefined ? undefined : wording.sample(lifeSign)?.nodeRequest.body ?? undefined,
    idleMs: IDLE_MS,
  });
  const transport = createSocketTransport(pool, sockets);
  const block = config.gapFill
    ? createBlockQuestion({ chain, apiInterface, wording, matcher, transport, clock })
    : undefined;
  if (config.gapFill && block === undefined) {
    log.info("gaps are not filled: the chain spec does not say how a block is asked for", { chain });
  }
  const gapFill: GapFill | undefined = block && {
    maxBlocks: config.maxGapBlocks ?? 128,
    timeoutMs: GAP_TIMEOUT_MS,
    counts: { filled: 0, givenUp: 0 },
    clock,
    log,
    fetchBlock: createBlockFetch(block, sockets, clock),
  };
  const hub = new SubscriptionHub({ pool, sockets, meter, dialect, clock, random, gapFill }, {
    maxPerClient: limitOf(config.maxSubscriptionsPerClient, 25),
    maxInAll: limitOf(config.maxSubscriptions, 5_000),
  });
  const endings = {
    unsubscribe: new Set(unsubscribe),
    unsubscribeAll: new Set(namesOf(matcher, "UNSUBSCRIBE_ALL")),
  };
  return { sockets, pool, transport, hub, dialect, endings, methods };
}

/** Limits on connections, with their defaults. */
function sessionOptions(chain: string, apiInterface: ApiInterface, config: SocketConfig): SocketAssembly["options"] {
  return {
    chain,
    apiInterface,
    maxMessageBytes: config.maxMessageBytes ?? MIB,
    maxBufferedBytes: config.maxBufferedBytes ?? 4 * MIB,
    maxBufferedBytesInAll: config.maxBufferedBytesInAll ?? 256 * MIB,
    maxParallelCalls: config.maxParallelCalls ?? 100,
    maxMessagesPerSecond: config.maxMessagesPerSecond ?? 0,
    maxSubscribesPerMinute: config.maxSubscribesPerMinute ?? 10,
    maxUnsubscribesPerMinute: config.maxUnsubscribesPerMinute ?? 20,
    idleTimeoutMs: config.idleTimeoutMs ?? 20 * 60_000,
    banMs: config.banMs ?? 0,
    maxConnections: config.maxConnections ?? 10_000,
    maxConnectionsPerAddress: config.maxConnectionsPerAddress ?? 0,
  };
}

/** A limit that is set, or its default; 0 is none. */
function limitOf(value: number | undefined, initial: number): number {
  return value === 0 ? Infinity : value ?? initial;
}

function namesOf(matcher: Matcher, tag: "SUBSCRIBE" | "UNSUBSCRIBE" | "UNSUBSCRIBE_ALL"): string[] {
  return subscriptionDirectives(matcher, tag).flatMap(({ api_name: name }) => name ?? []);
}

/** Which method ends what another starts: the one whose name says so, or the only one. */
function pairsOf(subscribe: readonly string[], unsubscribe: readonly string[]) {
  return subscribe.flatMap((start) => {
    const names = [start.replace(/Subscribe$/, "Unsubscribe"), start.replace(/_subscribe.*$/, "_unsubscribe")];
    const end = unsubscribe.find((name) => name !== start && names.includes(name)) ??
      (unsubscribe.length === 1 ? unsubscribe[0] : undefined);
    return end === undefined ? [] : [{ subscribe: start, unsubscribe: end }];
  });
}
