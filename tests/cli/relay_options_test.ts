import { assertEquals } from "@std/assert";
import type { RelayConfig } from "../../mod.ts";
import { RELAY_FLAGS, type RelayFlags } from "../../src/config/flags.ts";
import { parseFlags } from "../../src/config/parse_flags.ts";
import { grpcOptions, relayOptions } from "../../src/cli/serve/relay_options.ts";

function flagsOf(...args: readonly string[]): RelayFlags {
  const parsed = parseFlags(args, RELAY_FLAGS);
  if (parsed.kind !== "flags" || parsed.mistakes.length > 0) throw new Error(JSON.stringify(parsed));
  return parsed.values;
}

type Changes = { readonly [Member in keyof RelayConfig]?: unknown };

/** A flag, and what it changes of a relay's options. */
const FLAGS: readonly (readonly [string, Changes])[] = [
  ["--set-relay-retry-limit=7", { retryLimit: 7 }],
  ["--disable-batch-request-retry=false", { disableBatchRetry: false }],
  ["--batch-node-error-on-any", { batchNodeErrorOnAny: true }],
  ["--max-batch-request-size=7", { maxBatchSize: 7 }],
  ["--usage-receipts", { usageReceipts: true }],
  ["--min-relay-timeout=7s", { minRelayTimeoutMs: 7_000 }],
  ["--default-processing-timeout=7s", { processingTimeoutMs: 7_000 }],
  ["--max-request-body-bytes=7", { maxBodyBytes: 7 }],
  ["--request-body-timeout=7s", { bodyTimeoutMs: 7_000 }],
  ["--max-response-body-bytes=7", { maxReplyBytes: 7 }],
  ["--upstream-transport=fetch", { upstreamTransport: "fetch" }],
  ["--hedge-quantile=0.7", { hedgeQuantile: 0.7 }],
  ["--debug-relays", { debugRelays: true }],
  ["--enable-selection-stats", { selectionStats: true }],
  ["--strategy=cost", { optimizer: { strategy: "cost" } }],
  ["--provider-optimizer-availability-weight=7", { optimizer: { availabilityWeight: 7 } }],
  ["--provider-optimizer-latency-weight=7", { optimizer: { latencyWeight: 7 } }],
  ["--provider-optimizer-sync-weight=7", { optimizer: { syncWeight: 7 } }],
  ["--provider-optimizer-stake-weight=7", { optimizer: { stakeWeight: 7 } }],
  ["--provider-optimizer-min-selection-chance=0.7", { optimizer: { minSelectionChance: 0.7 } }],
  ["--probe-update-weight=0.7", { optimizer: { probeUpdateWeight: 0.7 } }],
  ["--relays-health-interval=7s", { probes: { verifyIntervalMs: 7_000 } }],
  ["--cors-origin=https://app.example", { corsOrigin: "https://app.example" }],
  ["--cors-headers=x-a", { corsHeaders: "x-a" }],
  ["--cors-methods=POST", { corsMethods: "POST" }],
  ["--cors-credentials=false", { corsCredentials: false }],
  ["--response-compression=brotli", { responseCompression: "brotli" }],
  ["--response-compression-min-bytes=7", { responseCompressionMinBytes: 7 }],
  ["--trusted-proxy=10.0.0.7", { trustedProxies: ["10.0.0.7"] }],
  ["--subscription-delivery-cu=7", { sockets: { deliveryComputeUnits: 7 } }],
  ["--websocket-max-subscriptions-per-client=7", { sockets: { maxSubscriptionsPerClient: 7 } }],
  ["--websocket-max-subscriptions=7", { sockets: { maxSubscriptions: 7 } }],
  ["--websocket-subscribes-per-minute=7", { sockets: { maxSubscribesPerMinute: 7 } }],
  ["--websocket-unsubscribes-per-minute=7", { sockets: { maxUnsubscribesPerMinute: 7 } }],
  ["--websocket-max-message-bytes=7", { sockets: { maxMessageBytes: 7 } }],
  ["--websocket-max-buffered-bytes=7", { sockets: { maxBufferedBytes: 7 } }],
  ["--websocket-max-buffered-bytes-in-all=7", { sockets: { maxBufferedBytesInAll: 7 } }],
  ["--websocket-max-connections=7", { sockets: { maxConnections: 7 } }],
  ["--websocket-max-parallel-requests=7", { sockets: { maxParallelCalls: 7 } }],
  ["--rate-limit-websocket-requests-per-connection=7", { sockets: { maxMessagesPerSecond: 7 } }],
  ["--rate-limit-websocket-requests-per-connection=-1", { sockets: { maxMessagesPerSecond: 0 } }],
  ["--ban-duration-for-websocket-rate-limit-exceeded=7s", { sockets: { banMs: 7_000 } }],
  ["--limit-parallel-websocket-connections-per-ip=7", { sockets: { maxConnectionsPerAddress: 7 } }],
  ["--limit-websocket-connection-idle-time=7s", { sockets: { idleTimeoutMs: 7_000 } }],
  ["--limit-websocket-connection-idle-time=7", { sockets: { idleTimeoutMs: 7_000 } }],
  ["--upstream-websocket-connections=7", { sockets: { maxUpstreamConnections: 7 } }],
  ["--upstream-websocket-subscriptions=7", { sockets: { maxUpstreamSubscriptions: 7 } }],
  ["--upstream-websocket-timeout=7s", { sockets: { subscribeTimeoutMs: 7_000 } }],
  ["--upstream-websocket-silence=7s", { sockets: { maxUpstreamSilenceMs: 7_000 } }],
  ["--upstream-websocket-max-message-bytes=7", { sockets: { maxUpstreamMessageBytes: 7 } }],
  ["--subscription-gap-fill", { sockets: { gapFill: true } }],
  ["--subscription-gap-fill-max-blocks=7", { sockets: { maxGapBlocks: 7 } }],
];

const DEFAULTS = relayOptions(flagsOf());

for (const [arg, changes] of FLAGS) {
  Deno.test(`${arg} changes that of a relay's options, and nothing else`, () => {
    const merged = Object.entries(changes).map(([member, value]) => {
      const before: unknown = DEFAULTS[member as keyof RelayConfig];
      const isPart = typeof value === "object" && !Array.isArray(value) && typeof before === "object";
      return [member, isPart ? { ...before, ...value } : value];
    });
    assertEquals(relayOptions(flagsOf(arg)), { ...DEFAULTS, ...Object.fromEntries(merged) });
  });
}

/** Paths of all values of an object. */
function leavesOf(value: unknown, path = ""): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([name, member]) => leavesOf(member, `${path}.${name}`));
}

Deno.test("every option that the command line gives a relay has its flag in this table", () => {
  assertEquals(new Set(FLAGS.flatMap(([, changes]) => leavesOf(changes))), new Set(leavesOf(DEFAULTS)));
});

Deno.test("--relays-health-enable=false leaves the relay's own questions out", () => {
  const { probes: _probes, ...others } = DEFAULTS;
  assertEquals(relayOptions(flagsOf("--relays-health-enable=false")), others);
});

Deno.test("gRPC relays have the options of all relays and two of their own", () => {
  const flags = flagsOf("--grpc-max-message-bytes=7", "--grpc-connect-timeout=7s", "--set-relay-retry-limit=7");
  assertEquals(grpcOptions(flags), {
    ...DEFAULTS,
    retryLimit: 7,
    maxGrpcMessageBytes: 7,
    grpcConnectTimeoutMs: 7_000,
  });
});
