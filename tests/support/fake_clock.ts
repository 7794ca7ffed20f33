import type { Clock } from "../../src/domain/clock.ts";

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #nowMs: number;
  #monotonicMs = 0;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  /** Starts at `nowMs`, milliseconds since the Unix epoch. */
  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#monotonicMs + delayMs, callback };
    this.#timers.push(timer);
    return () => this.#timers = this.#timers.filter((other) => other !== timer);
  }

  /** Timers that have neither run nor been cancelled. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Steps the wall clock alone, as an operator or a time server does. */
  stepWallClock(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Moves on by `ms`, running the timers that come due in their order, and lets promises settle after each. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#monotonicMs + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#moveTo(Math.max(due.atMs, this.#monotonicMs));
      due.callback();
      await settle();
    }
    this.#moveTo(endMs);
    await settle();
  }

  #moveTo(ms: number): void {
    this.#nowMs += ms - this.#monotonicMs;
    this.#monotonicMs = ms;
  }
}

/** Lets everything that waits for promises only run on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
}
