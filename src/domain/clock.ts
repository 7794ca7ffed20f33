/**
 * Where the relay gets its time from; tests pass one that they move by hand.
 *
 * @example A clock that is moved by hand
 * ```ts
 * import type { Clock } from "@relaymeter/relay";
 *
 * class HandClock implements Clock {
 *   ms = 0;
 *   readonly #due = new Set<{ readonly atMs: number; readonly callback: () => void }>();
 *   now = () => 1_767_225_600_000 + this.ms;
 *   monotonic = () => this.ms;
 *   schedule(delayMs: number, callback: () => void): () => void {
 *     const timer = { atMs: this.ms + delayMs, callback };
 *     this.#due.add(timer);
 *     return () => void this.#due.delete(timer);
 *   }
 *   move(ms: number): void {
 *     this.ms += ms;
 *     for (const timer of this.#due) if (timer.atMs <= this.ms && this.#due.delete(timer)) timer.callback();
 *   }
 * }
 *
 * const clock = new HandClock();
 * let rings = 0;
 * clock.schedule(1_000, () => rings++);
 * clock.move(999);
 * clock.move(1);
 * if (rings !== 1) throw new Error("it rings once, on time");
 * ```
 */
export interface Clock {
  /** Milliseconds since the Unix epoch. A wall clock: it may step in either direction. */
  now(): number;
  /** Milliseconds since an arbitrary moment, never going back. Latencies and deadlines are measured with it. */
  monotonic(): number;
  /**
   * Runs `callback` once, `delayMs` from now. The function that comes back cancels it. `nowMs` is for callers that have
   * just asked for the monotonic time, which costs as much as anything else here.
   */
  schedule(delayMs: number, callback: () => void, nowMs?: number): () => void;
}

/** What many platforms have beside timers, whose shortest time is a millisecond or more. */
const { setImmediate, clearImmediate } = globalThis as {
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly clearImmediate?: (handle: unknown) => void;
};

/**
 * The platform's own clocks and timers.
 *
 * @example
 * ```ts
 * import { systemClock } from "@relaymeter/relay";
 *
 * const cancel = systemClock.schedule(60_000, () => console.log("a minute has passed"));
 * cancel();
 * if (systemClock.monotonic() > systemClock.monotonic()) throw new Error("it never goes back");
 * ```
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule(delayMs, callback) {
    if (delayMs <= 0 && setImmediate !== undefined) {
      const handle = setImmediate(callback);
      return () => clearImmediate?.(handle);
    }
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
