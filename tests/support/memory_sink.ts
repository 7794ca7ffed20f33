import { type LedgerCounts, NoopUsageSink, type RelayUsageEvent, type UsageStats } from "../../mod.ts";

/** Keeps every event. */
export class MemorySink extends NoopUsageSink {
  readonly events: RelayUsageEvent[] = [];

  override emit(event: RelayUsageEvent): void {
    this.events.push(event);
  }

  override stats(): UsageStats {
    const stats = super.stats();
    const relayUsage: LedgerCounts = { ...stats.relay_usage, accepted: this.events.length, queued: this.events.length };
    return { ...stats, relay_usage: relayUsage };
  }
}
