import { systemClock } from "../../mod.ts";
import type { Clock } from "../../src/domain/clock.ts";

/** The system's clock, which knows how many of its timers have neither run nor been cancelled. */
export class CountingClock implements Clock {
  readonly #pending = new Set<object>();

  get pending(): number {
    return this.#pending.size;
  }

  now(): number {
    return systemClock.now();
  }

  monotonic(): number {
    return systemClock.monotonic();
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = {};
    this.#pending.add(timer);
    const cancel = systemClock.schedule(delayMs, () => {
      this.#pending.delete(timer);
      callback();
    });
    return () => {
      this.#pending.delete(timer);
      cancel();
    };
  }
}
