/** A relay of the engine alone: providers that answer at once, without sockets. */
import { MemoryCache, silentLog, systemClock } from "../../mod.ts";
import { createCoarseClock } from "../../src/domain/coarse_clock.ts";
import type { ProtocolCall, RelayRequest } from "../../src/domain/relay_request.ts";
import { NO_STEERING } from "../../src/domain/steering.ts";
import type { NodeReply } from "../../src/domain/wire.ts";
import { EndpointCounts } from "../../src/observe/metrics/endpoint_counts.ts";
import { createJsonRpcCodec } from "../../src/protocols/jsonrpc/codec.ts";
import { NodeHealth } from "../../src/providers/node_health.ts";
import { OptimizerSelector } from "../../src/providers/optimizer_selector.ts";
import type { Transport } from "../../src/providers/transport.ts";
import { resolveOptimizerOptions } from "../../src/config/optimizer_options.ts";
import { Consistency } from "../../src/relay/consistency.ts";
import { Meter } from "../../src/relay/meter.ts";
import { Relay, type RelayOptions } from "../../src/relay/relay.ts";
import { matchCall } from "../../src/spec/api_facts.ts";
import { compileMatcher } from "../../src/spec/matcher.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";
import { NoopUsageSink } from "../../src/usage/usage_sink.ts";
import type { RelayUsageEvent } from "../../src/domain/usage_event.ts";

const CHAIN = { averageBlockTimeMs: 12_000, finalizedDistance: 8 };
const expansion = new SpecSet().expand("ETH1");
if (expansion.kind === "failure") throw new Error(expansion.reasons.join());
const matcher = compileMatcher(expansion.spec, "jsonrpc")!;
const codec = createJsonRpcCodec({ maxBatchSize: 1_000 });

const REPLY: NodeReply = {
  status: 200,
  headers: [["content-type", "application/json"]],
  body: new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"result":"0x1234567890abcdef"}'),
  trailers: [],
  retryAfterMs: 0,
};

/** Answers at once, as far as promises allow. */
export const instantTransport: Transport = { send: () => Promise.resolve({ kind: "reply", reply: REPLY }) };

/** Counts events, so that the meter does its work. */
export class CountingSink extends NoopUsageSink {
  events = 0;
  override emit(_event: RelayUsageEvent): void {
    this.events++;
  }
}

/** A selector that knows how far its providers are. */
export class TrackingSelector extends OptimizerSelector {
  headNow = 1_000_000;
  override head(): number {
    return this.headNow;
  }
  override headOf(): number {
    return this.headNow;
  }
}

/** A relay, and what of it can be looked at. */
export interface BenchEngine {
  readonly relay: Relay;
  readonly selector: TrackingSelector;
  readonly counts: EndpointCounts;
  readonly usage: CountingSink;
}

/** A relay with everything on that an operator can turn on. */
export function createEngine(
  options: Partial<RelayOptions> = {},
  usage: CountingSink = new CountingSink(),
  cache?: MemoryCache,
): BenchEngine {
  const providers = ["a", "b", "c"].map((name) => ({
    name,
    isBackup: false,
    socketUrls: [],
    nodeUrls: [{
      target: `http://${name}`,
      internalPath: "",
      headers: [],
      extraTimeoutMs: 0,
      addOns: new Set<string>(),
      methods: undefined,
      forwardsAddress: false,
      health: new NodeHealth(),
    }],
  }));
  // As the program has it.
  const clock = createCoarseClock(systemClock);
  const selector = new TrackingSelector(providers, { clock, log: silentLog, random: Math.random }, {
    ...resolveOptimizerOptions(),
    averageBlockTimeMs: CHAIN.averageBlockTimeMs,
  });
  const counts = new EndpointCounts();
  const relay = new Relay({
    selector,
    transport: instantTransport,
    meter: new Meter(usage, clock, counts),
    clock,
    log: silentLog,
    metrics: counts,
    consistency: new Consistency(clock, { ...CHAIN, allowedLag: 2, maxCallers: 50_000 }),
    cache,
  }, {
    retryLimit: 2,
    disableBatchRetry: true,
    batchNodeErrorOnAny: false,
    minRelayTimeoutMs: 1_000,
    processingTimeoutMs: 30_000,
    hedgeQuantile: 0.99,
    debugRelays: false,
    selectionStats: false,
    ...CHAIN,
    ...options,
  });
  return { relay, selector, counts, usage };
}

const NEVER = new AbortController().signal;

/** Decodes a body as a host does. */
export function decode(body: Uint8Array<ArrayBuffer>): ProtocolCall {
  const decoded = codec.decode({ verb: "POST", path: "/", query: "", header: () => null, body });
  if (decoded.kind !== "call") throw new Error("not a call");
  return decoded.call;
}

/** The request of a call, with all that a host finds out about it. */
export function requestOf(call: ProtocolCall, project: string): RelayRequest {
  const context = { extensions: [], path: "/", head: 1_000_000, servesExtension: () => false };
  const matched = matchCall(matcher, call.targets, context);
  if (matched.kind === "failure") throw new Error(matched.error.message);
  return {
    caller: { project, origin: "", address: "192.0.2.1" },
    steering: NO_STEERING,
    chain: "ETH1",
    apiInterface: "jsonrpc",
    call,
    api: matched.api,
    nodeRequest: call.nodeRequest,
    arrivedAtUnixMs: systemClock.now(),
    arrivedAtMs: systemClock.monotonic(),
    signal: NEVER,
  };
}
