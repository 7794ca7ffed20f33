import type { OptimizerQosEvent, RelayUsageEvent, UsageEventKind } from "../domain/usage_event.ts";

/** Why an event was given up. */
export type DropReason = "queue_full" | "rejected" | "timeout" | "retry_exhausted" | "spool_full";

/**
 * What happened to the events of one kind. At every moment
 * `accepted = exported + (sum of dropped) + queued + inFlight + spooled`.
 *
 * @example The equation
 * ```ts
 * import { type LedgerCounts, NoopUsageSink } from "@relaymeter/relay";
 *
 * function isBalanced({ accepted, exported, dropped, queued, inFlight, spooled }: LedgerCounts): boolean {
 *   const given = Object.values(dropped).reduce((sum, count) => sum + count, 0);
 *   return accepted === exported + given + queued + inFlight + spooled;
 * }
 *
 * if (!isBalanced(new NoopUsageSink().stats().relay_usage)) throw new Error("it holds at every moment");
 * ```
 */
export interface LedgerCounts {
  /** Events handed over. Only grows. */
  readonly accepted: number;
  /** Events that a collector has acknowledged. Only grows. */
  readonly exported: number;
  /** Events given up, by reason. Each only grows. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Events waiting in memory. */
  readonly queued: number;
  /** Events on their way to the collector. */
  readonly inFlight: number;
  /** Events waiting on disk. */
  readonly spooled: number;
}

/** A snapshot of the ledger, for each kind of event. */
export type UsageStats = Readonly<Record<UsageEventKind, LedgerCounts>>;

/** How the `relay_usage` events of one life of a process are numbered: `<boot>/<number>`, from 1, without gaps. */
export interface UsageNumbering {
  /** `<service.instance.id>/<boot id>`. */
  readonly boot: string;
  /** The last number that was given; 0 before the first. Events that were dropped have one too. */
  readonly last: number;
}

/**
 * Where usage events go: all that the relay knows of telemetry.
 *
 * @example A sink beside another one
 * ```ts
 * import { NoopUsageSink, type UsageSink } from "@relaymeter/relay";
 *
 * // Sends everything where `sink` does, and counts failures.
 * function countingFailures(sink: UsageSink): UsageSink & { failures(): number } {
 *   let failures = 0;
 *   return {
 *     emit(event) {
 *       if (!event.success) failures++;
 *       sink.emit(event);
 *     },
 *     emitOptimizerQos: (event) => sink.emitOptimizerQos(event),
 *     stats: () => sink.stats(),
 *     close: () => sink.close(),
 *     failures: () => failures,
 *   };
 * }
 *
 * if (countingFailures(new NoopUsageSink()).failures() !== 0) throw new Error("nothing has failed");
 * ```
 */
export interface UsageSink {
  /** Takes one relay's event. Synchronous; never throws, never blocks, never waits. */
  emit(event: RelayUsageEvent): void;
  /** Takes one provider's scores. Synchronous; never throws, never blocks, never waits. */
  emitOptimizerQos(event: OptimizerQosEvent): void;
  /** What happened to the events so far. */
  stats(): UsageStats;
  /** How its events are numbered; undefined, or left out, where they have no ids. */
  numbering?(): UsageNumbering | undefined;
  /**
   * Stops taking events and sends on what is held, as long as the export timeout allows. What is left then is counted
   * as dropped. Safe to call twice: the second call waits for the first.
   */
  close(): Promise<UsageStats>;
}

/**
 * Takes events and forgets them: the default. Costs one call of an empty function for each event.
 *
 * @example A sink that counts
 * ```ts
 * import { NoopUsageSink, type RelayUsageEvent } from "@relaymeter/relay";
 *
 * class UnitsSink extends NoopUsageSink {
 *   units = 0;
 *   override emit({ computeUnits }: RelayUsageEvent): void {
 *     this.units += computeUnits;
 *   }
 * }
 *
 * if (new UnitsSink().units !== 0) throw new Error("nothing has been charged");
 * ```
 */
export class NoopUsageSink implements UsageSink {
  /** Does nothing. */
  emit(_event: RelayUsageEvent): void {}
  /** Does nothing. */
  emitOptimizerQos(_event: OptimizerQosEvent): void {}
  /** All zeros. */
  stats(): UsageStats {
    return { relay_usage: emptyCounts(), optimizer_qos: emptyCounts() };
  }
  /** All zeros, at once. */
  close(): Promise<UsageStats> {
    return Promise.resolve(this.stats());
  }
}

/** Counts of a ledger in which nothing has happened. */
export function emptyCounts(): LedgerCounts {
  const dropped = { queue_full: 0, rejected: 0, timeout: 0, retry_exhausted: 0, spool_full: 0 };
  return { accepted: 0, exported: 0, dropped, queued: 0, inFlight: 0, spooled: 0 };
}
