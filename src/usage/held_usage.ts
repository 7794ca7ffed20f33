import type { OptimizerQosEvent, RelayUsageEvent, UsageEvent, UsageEventKind } from "../domain/usage_event.ts";
import { Ledger } from "./ledger.ts";
import type { DropReason, UsageSink, UsageStats } from "./usage_sink.ts";

/** What the sink works with. */
export interface HeldUsageDeps {
  /** Opens a sink for one delivery, which is closed after it. */
  open(): UsageSink | Promise<UsageSink>;
  /** Told of each event once it is held: somebody has to `flush` it. */
  onEvent?(): void;
}

/** Most events that are held. A new one that finds no room is dropped as `queue_full`. */
const MAX_HELD = 10_000;
const KINDS: readonly UsageEventKind[] = ["relay_usage", "optimizer_qos"];

/**
 * Holds events until it is told to deliver them, each time with a sink of its own: for platforms where a timer or a
 * request to a collector lives no longer than the call that it was started for. One ledger counts all of them.
 */
export class HeldUsage implements UsageSink {
  readonly #deps: HeldUsageDeps;
  readonly #ledgers: Readonly<Record<UsageEventKind, Ledger>> = {
    relay_usage: new Ledger(),
    optimizer_qos: new Ledger(),
  };
  #held: UsageEvent[] = [];
  readonly #deliveries = new Set<Promise<void>>();

  constructor(deps: HeldUsageDeps) {
    this.#deps = deps;
  }

  emit(event: RelayUsageEvent): void {
    this.#hold(event);
  }

  emitOptimizerQos(event: OptimizerQosEvent): void {
    this.#hold(event);
  }

  stats(): UsageStats {
    return { relay_usage: this.#ledgers.relay_usage.stats(), optimizer_qos: this.#ledgers.optimizer_qos.stats() };
  }

  /** Delivers what is held. Rejects when no sink could be opened; everything is held then as it was. */
  async flush(): Promise<void> {
    if (this.#held.length === 0) return;
    const events = this.#held;
    this.#held = [];
    const delivery = this.#deliver(events);
    this.#deliveries.add(delivery);
    try {
      await delivery;
    } finally {
      this.#deliveries.delete(delivery);
    }
  }

  /** Delivers what is held, and waits for what is being delivered. Events are taken still, and held. */
  async close(): Promise<UsageStats> {
    await this.flush();
    await Promise.allSettled(this.#deliveries);
    return this.stats();
  }

  #hold(event: UsageEvent): void {
    const ledger = this.#ledgers[event.kind];
    if (this.#held.length >= MAX_HELD) return ledger.refuse("queue_full");
    ledger.queue();
    this.#held.push(event);
    this.#deps.onEvent?.();
  }

  async #deliver(events: readonly UsageEvent[]): Promise<void> {
    let sink: UsageSink;
    try {
      sink = await this.#deps.open();
    } catch (error) {
      this.#held = [...events, ...this.#held];
      throw error;
    }
    for (const event of events) {
      this.#ledgers[event.kind].send(1);
      if (event.kind === "relay_usage") sink.emit(event);
      else sink.emitOptimizerQos(event);
    }
    const delivered = await sink.close();
    for (const kind of KINDS) {
      const { exported, dropped } = delivered[kind];
      this.#ledgers[kind].acknowledge(exported);
      for (const [reason, count] of Object.entries(dropped)) this.#ledgers[kind].drop(count, reason as DropReason);
    }
  }
}
