import type { Clock } from "../domain/clock.ts";
import type { Outcome } from "../domain/outcome.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import { NoopUsageSink, type UsageSink } from "../usage/usage_sink.ts";
import { noMetrics, type RelayMetrics } from "./relay_metrics.ts";
import { isBilled, usageRecord } from "./usage_record.ts";

/** Writes the bill: the one place that emits `relay_usage` events. */
export class Meter {
  /** Records how a relay ended, where that is on the bill. */
  readonly record: (request: RelayRequest, outcome: Outcome) => void;

  constructor(usage: UsageSink, clock: Clock, metrics: RelayMetrics = noMetrics) {
    // With usage off no event is built, not even to be thrown away.
    const isUsageOff = usage.emit === NoopUsageSink.prototype.emit;
    this.record = isUsageOff && metrics === noMetrics ? () => {} : (request, outcome) => {
      if (!isBilled(outcome)) return;
      const endedAtMs = clock.monotonic();
      metrics.relayEnded(request, outcome, Math.max(0, endedAtMs - request.arrivedAtMs));
      if (!isUsageOff) usage.emit(usageRecord(request, outcome, endedAtMs));
    };
  }
}
