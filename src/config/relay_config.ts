import type { ApiInterface } from "../domain/api_interface.ts";
import type { Strategy } from "../providers/optimizer/strategy.ts";
import type { SpecSet } from "../spec/spec_set.ts";

/** One URL of a provider. */
export interface NodeUrlConfig {
  /** `http://` or `https://`; a bare `host:port` means https. */
  readonly url: string;
  /** Path of the chain's APIs that the URL leads to and alone serves, such as `/C/rpc`; default none: it serves all. */
  readonly internalPath?: string;
  /** Add-ons and extensions that it serves, such as `debug`, `trace`, `archive`; default none. */
  readonly addons?: readonly string[];
  /** Milliseconds added to the relay timeout; default 0. */
  readonly timeoutMs?: number;
  /** Whether it is told the client's address in `X-Forwarded-For`; default false. */
  readonly ipForwarding?: boolean;
  /** The only APIs that it serves; default all. */
  readonly methods?: readonly string[];
  /** Names of the chain spec's verifications that it is not held to, `*` for all; default none. */
  readonly skipVerifications?: readonly string[];
  /** Headers that authenticate, by name. */
  readonly authHeaders?: Readonly<Record<string, string>>;
  /** Query that authenticates, such as `apikey=...`. */
  readonly authQuery?: string;
  /** Whether a gRPC node may be reached without TLS; default false. */
  readonly allowInsecure?: boolean;
  /** How TLS is spoken with the node, as PEM texts; for https URLs it needs HTTP/1.1 over connections of the relay's own. */
  readonly tls?: NodeTlsConfig;
}

/** What TLS with a node needs beyond the platform's own authorities. */
export interface NodeTlsConfig {
  /** An authority that is trusted beside them. */
  readonly cacertPem?: string;
  /** The certificate that shows who the relay is, with `keyPem`. */
  readonly certPem?: string;
  /** The key of `certPem`. */
  readonly keyPem?: string;
}

/** An upstream: who is asked for answers. */
export interface ProviderConfig {
  /** Unique; it is what events, headers and logs call the provider. */
  readonly name: string;
  /**
   * How much it should be asked, against the others: a whole number. Default: ten times the highest that another
   * provider has.
   */
  readonly stake?: number;
  /** At least one. They are tried in this order. */
  readonly nodeUrls: readonly NodeUrlConfig[];
}

/** How providers are chosen. Weights are numbers of which only the proportions count. */
export interface OptimizerConfig {
  /** What matters; default `balanced`. */
  readonly strategy?: Strategy;
  /** Weight of the share of its attempts that a provider answers; default 0.3. */
  readonly availabilityWeight?: number;
  /** Weight of how soon it answers; default 0.3. */
  readonly latencyWeight?: number;
  /** Weight of how little it is behind the chain; default 0.2. */
  readonly syncWeight?: number;
  /** Weight of its stake; default 0.2. */
  readonly stakeWeight?: number;
  /** What even the worst provider's score is, above 0 and up to 1; default 0.01. */
  readonly minSelectionChance?: number;
  /** What a probe of the relay's own counts, against 1 for a client's call; default 0.25. */
  readonly probeUpdateWeight?: number;
}

/** The relay's own questions to providers. */
export interface ProbeConfig {
  /** Milliseconds between two verifications of a node that has passed; default 300,000. */
  readonly verifyIntervalMs?: number;
}

/** Limits on clients' WebSockets and on subscriptions. Durations are milliseconds; of counts and rates, 0 is no limit. */
export interface SocketConfig {
  /** Price of one message of a subscription in compute units; default 10. */
  readonly deliveryComputeUnits?: number;
  /** Subscriptions of one connection; default 25. */
  readonly maxSubscriptionsPerClient?: number;
  /** Subscriptions of all connections; default 5,000. */
  readonly maxSubscriptions?: number;
  /** Subscribes of one connection in a minute; default 10. */
  readonly maxSubscribesPerMinute?: number;
  /** Unsubscribes of one connection in a minute; default 20. */
  readonly maxUnsubscribesPerMinute?: number;
  /** Largest message of a client in bytes; default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Bytes waiting for a client that make it too slow, so that it is disconnected; default 4 MiB. */
  readonly maxBufferedBytes?: number;
  /**
   * Bytes waiting for all clients together, default 256 MiB. While it is more, a client is too slow that has 64 KiB
   * waiting; while it is twice that, so is one that is sent as much at once.
   */
  readonly maxBufferedBytesInAll?: number;
  /** Calls under way on one connection; default 100. */
  readonly maxParallelCalls?: number;
  /** Messages of one connection in a second; default no limit. */
  readonly maxMessagesPerSecond?: number;
  /** How long messages are refused once there were too many; default no longer than the rate says. */
  readonly banMs?: number;
  /** Connections at once, 0 for no limit; default 10,000. */
  readonly maxConnections?: number;
  /** Connections of one address; default no limit. */
  readonly maxConnectionsPerAddress?: number;
  /** How long a connection may be silent; default 20 minutes. */
  readonly idleTimeoutMs?: number;
  /** Connections to one node URL; default 10. */
  readonly maxUpstreamConnections?: number;
  /** Subscriptions on one connection to a node; default 100. */
  readonly maxUpstreamSubscriptions?: number;
  /** Time for a node to open a connection, to answer a subscribe, and to give a sign of life; default 10,000. */
  readonly subscribeTimeoutMs?: number;
  /** Silence of a connection to a node after which it is asked for a sign of life; default 15,000; 0 for never. */
  readonly maxUpstreamSilenceMs?: number;
  /**
   * Whether subscribers to new heads are sent those that came while there was no connection to a node: fetched by the
   * question that the chain spec has for a block, and delivered like any others. Default false.
   */
  readonly gapFill?: boolean;
  /** Most heads that are sent so; default 128. */
  readonly maxGapBlocks?: number;
  /** Largest message of a node in bytes; one that is larger ends its connection; default 64 MiB. */
  readonly maxUpstreamMessageBytes?: number;
}

/**
 * What a relay serves, and from whom. Durations are milliseconds.
 *
 * @example Two providers and one in reserve
 * ```ts
 * import { createRelay, type RelayConfig } from "@relaymeter/relay";
 *
 * const config: RelayConfig = {
 *   chainId: "ETH1",
 *   providers: [
 *     { name: "own", nodeUrls: [{ url: "http://10.0.0.7:8545", addons: ["archive"] }, { url: "ws://10.0.0.7:8546" }] },
 *     { name: "hosted", stake: 10, nodeUrls: [{ url: "https://node.example", authHeaders: { "x-api-key": "k" } }] },
 *   ],
 *   backupProviders: [{ name: "reserve", nodeUrls: [{ url: "https://other.example", authQuery: "key=k" }] }],
 *   hedgeQuantile: 0.95,
 *   optimizer: { strategy: "latency" },
 *   sockets: { maxSubscriptionsPerClient: 10 },
 * };
 * await using _relay = createRelay(config);
 * ```
 */
export interface RelayConfig {
  /** Index of the chain spec, such as `ETH1`. */
  readonly chainId: string;
  /** Where the chain spec is looked up; default: among those that ship with the relay. */
  readonly specs?: SpecSet;
  /** Default `jsonrpc`. */
  readonly apiInterface?: ApiInterface;
  /** At least one. They share the load. */
  readonly providers: readonly ProviderConfig[];
  /** Asked when none of the others can serve. */
  readonly backupProviders?: readonly ProviderConfig[];
  /** Where `GET` asks for the relay's health; default `/lava/health`. */
  readonly healthCheckPath?: string;
  /** Failed attempts after which another node is still asked; default 2. */
  readonly retryLimit?: number;
  /** Whether a batch that a node may have seen is sent to no other; default true. */
  readonly disableBatchRetry?: boolean;
  /** Whether one failed part makes a batch count as failed, or only all of them; default false. */
  readonly batchNodeErrorOnAny?: boolean;
  /** Most calls in one batch, 0 for no limit; default 1,000. */
  readonly maxBatchSize?: number;
  /** Shortest relay timeout that is worked out from compute units; default 1,000. */
  readonly minRelayTimeoutMs?: number;
  /** Time for all attempts of one relay; default 30,000. */
  readonly processingTimeoutMs?: number;
  /** Another node is asked when an answer is later than this share of its provider's answers, such as 0.95; default 0, never. */
  readonly hedgeQuantile?: number;
  /**
   * Asks providers for their newest block and verifies them against the chain spec, from the start on and until the
   * relay is closed. Default: not, so that no timer runs, and blocks are not known.
   */
  readonly probes?: ProbeConfig;
  /** Limits on WebSockets and subscriptions. */
  readonly sockets?: SocketConfig;
  /** Whether every answer says in `lava-debug-relay` how it came about; default false: only where that is asked for. */
  readonly debugRelays?: boolean;
  /** Whether every answer says in `lava-selection-stats` what the choice of its provider was made from; default false. */
  readonly selectionStats?: boolean;
  /** Most bytes of a request's body; default 10 MiB. */
  readonly maxBodyBytes?: number;
  /** Time for a request's body to arrive; default 10,000. */
  readonly bodyTimeoutMs?: number;
  /**
   * Whether responses over HTTP say under which id a call is on the bill, and for how much: `Relaymeter-Usage:
   * <event_id>;cu=20`. Needs a sink that numbers its events. Default false.
   */
  readonly usageReceipts?: boolean;
  /** Pages that may call: `*`, or origins separated by commas; default `*`. */
  readonly corsOrigin?: string;
  /** Header names that pages may send, separated by commas; default whichever they ask for. */
  readonly corsHeaders?: string;
  /** Verbs that pages may use, separated by commas; default `GET,POST,PUT,DELETE,OPTIONS`. */
  readonly corsMethods?: string;
  /** Whether pages of the origins that are named may send credentials along; default true. */
  readonly corsCredentials?: boolean;
  /** What answers are compressed with for clients that take it; `brotli` falls back to gzip. Default `gzip`. */
  readonly responseCompression?: "gzip" | "brotli" | "off";
  /** Shortest answer that is compressed, in bytes; default 4,096. */
  readonly responseCompressionMinBytes?: number;
  /** Addresses and ranges of proxies whose `X-Forwarded-For` is believed; default none. */
  readonly trustedProxies?: readonly string[];
  /** How providers are chosen. */
  readonly optimizer?: OptimizerConfig;
  /**
   * How calls over HTTP reach nodes: by HTTP/1.1 over connections of the relay's own, for which it needs `connect`, or by
   * the platform's `fetch`. Default `auto`: the first where there is a `connect`, and `fetch` for nodes that speak only
   * HTTP/2.
   */
  readonly upstreamTransport?: "auto" | "http1" | "fetch";
  /** Most bytes of a node's answer; default 100 MiB. */
  readonly maxReplyBytes?: number;
  /** Most bytes of one gRPC message in either direction; default 32 MiB. */
  readonly maxGrpcMessageBytes?: number;
  /** Time for a gRPC channel to get ready; default 30,000. */
  readonly grpcConnectTimeoutMs?: number;
}
