import type { Clock } from "../domain/clock.ts";
import type { Outcome } from "../domain/outcome.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import { NoopUsageSink, type UsageSink } from "../usage/usage_sink.ts";
import { isBilled, usageRecord } from "./usage_record.ts";

/** Writes the bill: the one place that emits `relay_usage` events. */
export class Meter {
  /** Records how a relay ended, where that is on the bill. */
  readonly record: (request: RelayRequest, outcome: Outcome) => void;

  constructor(usage: UsageSink, clock: Clock) {
    // With usage off no event is built, not even to be thrown away.
    this.record = usage.emit === NoopUsageSink.prototype.emit ? () => {} : (request, outcome) => {
      if (isBilled(outcome)) usage.emit(usageRecord(request, outcome, clock.monotonic()));
    };
  }
}
