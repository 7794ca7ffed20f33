import type { Clock } from "../domain/clock.ts";
import type { Outcome } from "../domain/outcome.ts";
import type { RelayError } from "../domain/relay_error.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import type { RelayUsageEvent } from "../domain/usage_event.ts";
import { NoopUsageSink, type UsageSink } from "../usage/usage_sink.ts";
import type { ProjectBudgets } from "./project_budgets.ts";
import { noMetrics, type RelayMetrics } from "./relay_metrics.ts";
import { chargedComputeUnits, deliveryRecord, isBilled, usageRecord } from "./usage_record.ts";

/** Options of the meter. */
export interface MeterOptions {
  /** Whether each record's receipt is made: its event's id and price. Needs a sink that numbers its events. */
  readonly receipts?: boolean;
  /** Price of one message of a subscription; default 10. */
  readonly deliveryComputeUnits?: number | undefined;
  /** What projects may use; default: as much as they like. */
  readonly budgets?: ProjectBudgets | undefined;
}

/** A call that its project's budget does not allow. */
export interface Refusal {
  readonly error: RelayError;
  readonly retryAfterMs: number;
}

/** Writes the bill: the one place that emits `relay_usage` events. */
export class Meter {
  readonly #usage: UsageSink;
  readonly #clock: Clock;
  readonly #metrics: RelayMetrics;
  readonly #receipts: boolean;
  readonly #deliveryComputeUnits: number;
  readonly #budgets: ProjectBudgets | undefined;
  /** With usage off no event is built, not even to be thrown away. */
  readonly #isUsageOff: boolean;
  /** Nothing is recorded, and there is nothing to settle unless there are budgets, which may come at any time. */
  readonly #isOff: boolean;
  /** Units that calls under way have taken of their budgets. */
  readonly #taken = new WeakMap<RelayRequest, number>();

  constructor(usage: UsageSink, clock: Clock, metrics: RelayMetrics = noMetrics, options: MeterOptions = {}) {
    this.#usage = usage;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#receipts = options.receipts ?? false;
    this.#deliveryComputeUnits = options.deliveryComputeUnits ?? 10;
    this.#budgets = options.budgets;
    this.#isUsageOff = usage.emit === NoopUsageSink.prototype.emit;
    this.#isOff = this.#isUsageOff && metrics === noMetrics;
  }

  /**
   * Takes a call's price out of its project's budget, to be asked before anything is done for the call. What comes back
   * is why the call is not made; such a call is counted, and is not on the bill.
   */
  admit(request: RelayRequest): Refusal | undefined {
    if (!this.#budgets?.hasLimits) return undefined;
    const { api: { computeUnits }, caller: { project } } = request;
    const over = this.#budgets.take(project, computeUnits);
    if (over === undefined) {
      this.#taken.set(request, computeUnits);
      return undefined;
    }
    this.#metrics.overBudget(request);
    const seconds = retryAfterSeconds(over.retryAfterMs);
    const message = `${over.message}; try again in ${seconds} s`;
    return { error: { code: "over_budget", message }, retryAfterMs: over.retryAfterMs };
  }

  /** Records how a relay ended, where that is on the bill; comes back with the receipt, where those are wanted. */
  record(request: RelayRequest, outcome: Outcome): string | undefined {
    if (this.#isOff && !this.#budgets?.hasLimits) return undefined;
    const isOnBill = isBilled(outcome);
    this.#settle(request, isOnBill ? chargedComputeUnits(outcome) : 0);
    if (!isOnBill) return undefined;
    const endedAtMs = this.#clock.monotonic();
    this.#metrics.relayEnded(request, outcome, Math.max(0, endedAtMs - request.arrivedAtMs));
    if (this.#isUsageOff) return undefined;
    const event = usageRecord(request, outcome, endedAtMs);
    this.#usage.emit(event);
    return this.#receipts ? this.#receiptOf(event) : undefined;
  }

  /** Gives back what was taken for a call that came to nothing, and is not recorded; of others nothing is left. */
  release(request: RelayRequest): void {
    this.#settle(request, 0);
  }

  /**
   * Records that a client's socket has taken a message of a subscription, which `provider` sent. It counts towards the
   * budget of its project, and is not refused by it.
   */
  delivery(request: RelayRequest, provider: string): void {
    const units = this.#deliveryComputeUnits;
    this.#budgets?.giveBack(request.caller.project, -units);
    if (this.#isUsageOff) return;
    this.#usage.emit(deliveryRecord(request, provider, this.#clock.now(), units));
  }

  /** Puts right what was taken for a call, which may have cost less, or more. */
  #settle(request: RelayRequest, charged: number): void {
    if (this.#budgets === undefined) return;
    const taken = this.#taken.get(request);
    if (taken === undefined || !this.#taken.delete(request)) return;
    this.#budgets.giveBack(request.caller.project, taken - charged);
  }

  /** The number that has just been given is this event's. */
  #receiptOf({ computeUnits }: RelayUsageEvent): string | undefined {
    const numbering = this.#usage.numbering?.();
    return numbering && `${numbering.boot}/${numbering.last};cu=${computeUnits}`;
  }
}

/** A wait in the whole seconds of `Retry-After`. */
export function retryAfterSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
