import type { Clock } from "../domain/clock.ts";
import type { Outcome } from "../domain/outcome.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import { NoopUsageSink, type UsageSink } from "../usage/usage_sink.ts";
import { noMetrics, type RelayMetrics } from "./relay_metrics.ts";
import { deliveryRecord, isBilled, usageRecord } from "./usage_record.ts";

/** Options of the meter. */
export interface MeterOptions {
  /** Whether each record's receipt is made: its event's id and price. Needs a sink that numbers its events. */
  readonly receipts?: boolean;
  /** Price of one message of a subscription; default 10. */
  readonly deliveryComputeUnits?: number | undefined;
}

/** Writes the bill: the one place that emits `relay_usage` events. */
export class Meter {
  /** Records how a relay ended, where that is on the bill; comes back with the receipt, where those are wanted. */
  readonly record: (request: RelayRequest, outcome: Outcome) => string | undefined;

  /** Records that a client's socket has taken a message of a subscription, which `provider` sent. */
  readonly delivery: (request: RelayRequest, provider: string) => void;

  constructor(
    usage: UsageSink,
    clock: Clock,
    metrics: RelayMetrics = noMetrics,
    { receipts = false, deliveryComputeUnits = 10 }: MeterOptions = {},
  ) {
    // With usage off no event is built, not even to be thrown away.
    const isUsageOff = usage.emit === NoopUsageSink.prototype.emit;
    this.record = isUsageOff && metrics === noMetrics ? () => undefined : (request, outcome) => {
      if (!isBilled(outcome)) return undefined;
      const endedAtMs = clock.monotonic();
      metrics.relayEnded(request, outcome, Math.max(0, endedAtMs - request.arrivedAtMs));
      if (isUsageOff) return undefined;
      const event = usageRecord(request, outcome, endedAtMs);
      usage.emit(event);
      // The number that has just been given is this event's.
      const numbering = receipts ? usage.numbering?.() : undefined;
      return numbering && `${numbering.boot}/${numbering.last};cu=${event.computeUnits}`;
    };
    this.delivery = isUsageOff ? () => {} : (request, provider) => {
      usage.emit(deliveryRecord(request, provider, clock.now(), deliveryComputeUnits));
    };
  }
}
