import type { Clock, LedgerCounts, OptimizerQosEvent, RelayUsageEvent, UsageSink, UsageStats } from "../../mod.ts";

/** An ordinary event, with what a test wants to be different. */
export function relayEvent(different: Partial<RelayUsageEvent> = {}): RelayUsageEvent {
  return {
    kind: "relay_usage",
    timeUnixMs: 1_767_225_600_123,
    project: "acme",
    chain: "ETH1",
    apiInterface: "jsonrpc",
    apiMethod: "eth_blockNumber",
    computeUnits: 10,
    latencyMs: 7,
    success: true,
    cacheHit: false,
    isWrite: false,
    isArchive: false,
    isBatch: false,
    isDebugTrace: false,
    hedgeCount: 0,
    provider: "node",
    origin: "https://app.example",
    errorClass: "",
    attempts: 1,
    ...different,
  };
}

/** Ordinary scores, with what a test wants to be different. */
export function qosEvent(different: Partial<OptimizerQosEvent> = {}): OptimizerQosEvent {
  return {
    kind: "optimizer_qos",
    timeUnixMs: 1_767_225_600_000,
    provider: "node",
    consumerHostname: "host-1",
    consumerPubAddress: "smart-router-x",
    chainId: "ETH1",
    epoch: 3,
    entryIndex: 0,
    geoLocation: 1,
    providerStake: 100,
    selectionAvailability: 1,
    selectionLatency: 0.97,
    selectionSync: 0,
    selectionStake: 0.5,
    selectionComposite: 0.25,
    availabilityContribution: 0.3,
    latencyContribution: 0.2,
    syncContribution: 0.1,
    stakeContribution: 0.05,
    ...different,
  };
}

/** Real time, but `speed` times as fast: waits of minutes on real sockets. The wall clock is the real one. */
export function fastClock(speed: number): Clock {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now() * speed,
    schedule(delayMs, callback) {
      const timer = setTimeout(callback, delayMs / speed);
      return () => clearTimeout(timer);
    },
  };
}

/** All that was dropped. */
export function droppedOf({ dropped }: LedgerCounts): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

/** What the ledger's equation leaves over: 0 when it holds. */
export function imbalanceOf(counts: LedgerCounts): number {
  const { accepted, exported, queued, inFlight, spooled } = counts;
  return accepted - exported - droppedOf(counts) - queued - inFlight - spooled;
}

/** The counts that are not 0, `dropped` by reason: what a test compares. */
export function countsOf({ dropped, ...counts }: LedgerCounts): Record<string, number> {
  return Object.fromEntries(Object.entries({ ...counts, ...dropped }).filter(([, count]) => count !== 0));
}

/** Comes back when the sink holds no event any more; throws after `timeoutMs`. */
export async function untilSettled(usage: UsageSink, timeoutMs = 15_000): Promise<UsageStats> {
  for (const endMs = performance.now() + timeoutMs; performance.now() < endMs;) {
    const stats = usage.stats();
    const held = Object.values(stats).reduce((sum, { queued, inFlight }) => sum + queued + inFlight, 0);
    if (held === 0) return stats;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`events are still held: ${JSON.stringify(usage.stats())}`);
}
