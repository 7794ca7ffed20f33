import type { ApiInterface } from "../domain/api_interface.ts";
import type { Clock } from "../domain/clock.ts";
import type { Codec } from "../domain/codec.ts";
import type { Log } from "../domain/log.ts";
import type { SubscriptionDialect } from "../domain/subscription.ts";
import { createJsonRpcSubscriptions } from "../protocols/jsonrpc/subscription.ts";
import { TENDERMINT_SUBSCRIPTIONS } from "../protocols/tendermint/subscription.ts";
import type { NodeSocketConnector } from "../providers/node_socket.ts";
import type { Provider } from "../providers/provider.ts";
import { SocketSelector } from "../providers/socket_selector.ts";
import type { Meter } from "../relay/meter.ts";
import type { Relay } from "../relay/relay.ts";
import { SubscriptionHub } from "../relay/subscriptions/hub.ts";
import { UpstreamPool } from "../relay/subscriptions/upstream.ts";
import type { Matcher } from "../spec/matcher.ts";
import { subscriptionDirectives } from "../spec/node_query.ts";
import type { SocketConfig } from "./relay_config.ts";

/** Time to connect to a node, and for its answer to a subscribe, milliseconds. */
const UPSTREAM_TIMEOUT_MS = 10_000;
const MIB = 1024 * 1024;

/** What the WebSocket side of a relay is made of. */
export interface SocketAssembly {
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
  readonly providers: readonly Provider[];
  readonly connector: NodeSocketConnector;
  readonly clock: Clock;
  readonly log: Log;
  random(): number;
  head(): number;
  servesExtension(name: string): boolean;
}

/** Builds the WebSocket side of a relay; undefined for interfaces that have none. */
export function assembleSockets(
  chain: string,
  apiInterface: ApiInterface,
  config: SocketConfig,
  surroundings: SocketSurroundings,
): SocketAssembly | undefined {
  if (apiInterface !== "jsonrpc" && apiInterface !== "tendermintrpc") return undefined;
  const { relay, codec, matcher, meter, providers, connector, clock, log, random, head, servesExtension } =
    surroundings;
  const subscribe = namesOf(matcher, "SUBSCRIBE");
  const unsubscribe = namesOf(matcher, "UNSUBSCRIBE");
  const dialect = apiInterface === "tendermintrpc"
    ? TENDERMINT_SUBSCRIPTIONS
    : createJsonRpcSubscriptions(pairsOf(subscribe, unsubscribe));
  const pool = new UpstreamPool({ connector, dialect, clock }, {
    maxConnections: config.maxUpstreamConnections ?? 10,
    maxSubscriptionsPerConnection: config.maxUpstreamSubscriptions ?? 100,
    connectTimeoutMs: UPSTREAM_TIMEOUT_MS,
    subscribeTimeoutMs: config.subscribeTimeoutMs ?? UPSTREAM_TIMEOUT_MS,
  });
  const sockets = new SocketSelector(providers, clock);
  const hub = new SubscriptionHub({
    pool,
    meter,
    dialect,
    clock,
    log,
    random,
    selectSocket: (request, tried) => sockets.select(request, tried),
    reportSocket: (candidate, isGood) => sockets.report(candidate, isGood),
  }, {
    maxPerClient: limitOf(config.maxSubscriptionsPerClient, 25),
    maxInAll: limitOf(config.maxSubscriptions, 5_000),
  });
  const endings = {
    unsubscribe: new Set(unsubscribe),
    unsubscribeAll: new Set(namesOf(matcher, "UNSUBSCRIBE_ALL")),
  };
  return {
    deps: { relay, codec, matcher, clock, log, hub, dialect, endings, head, servesExtension },
    options: {
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
    },
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
