import type { UsageEvent, UsageEventKind } from "../domain/usage_event.ts";
import { type DropReason, emptyCounts, type UsageStats } from "./usage_sink.ts";

type Mutable<Type> = { -readonly [Key in keyof Type]: Type[Key] };
type Counts = Mutable<ReturnType<typeof emptyCounts>> & { dropped: Record<DropReason, number> };

/** Books every event: each method is one step that keeps the equation of {@linkcode UsageStats}. */
export class Ledger {
  readonly #relayUsage: Counts = emptyCounts() as Counts;
  readonly #optimizerQos: Counts = emptyCounts() as Counts;

  /** A new event waits. */
  queue(kind: UsageEventKind): void {
    const counts = this.#of(kind);
    counts.accepted++;
    counts.queued++;
  }

  /** A new event is given up at once. */
  refuse(kind: UsageEventKind, reason: DropReason): void {
    const counts = this.#of(kind);
    counts.accepted++;
    counts.dropped[reason]++;
  }

  /** Waiting events are on their way. */
  send(events: readonly UsageEvent[]): void {
    for (const { kind } of events) {
      const counts = this.#of(kind);
      counts.queued--;
      counts.inFlight++;
    }
  }

  /** The collector has acknowledged events that were on their way. */
  acknowledge(events: readonly UsageEvent[]): void {
    for (const { kind } of events) {
      const counts = this.#of(kind);
      counts.inFlight--;
      counts.exported++;
    }
  }

  /** Events that were on their way are given up. */
  drop(events: readonly UsageEvent[], reason: DropReason): void {
    for (const { kind } of events) {
      const counts = this.#of(kind);
      counts.inFlight--;
      counts.dropped[reason]++;
    }
  }

  /** The counts at this moment. */
  stats(): UsageStats {
    return { relay_usage: copyOf(this.#relayUsage), optimizer_qos: copyOf(this.#optimizerQos) };
  }

  #of(kind: UsageEventKind): Counts {
    return kind === "relay_usage" ? this.#relayUsage : this.#optimizerQos;
  }
}

function copyOf(counts: Counts): Counts {
  return { ...counts, dropped: { ...counts.dropped } };
}
