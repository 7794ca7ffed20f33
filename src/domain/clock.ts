/** Where the relay gets its time from; tests pass one that they move by hand. */
export interface Clock {
  /** Milliseconds since the Unix epoch. A wall clock: it may step in either direction. */
  now(): number;
  /** Milliseconds since an arbitrary moment, never going back. Latencies and deadlines are measured with it. */
  monotonic(): number;
  /** Runs `callback` once, `delayMs` from now. The function that comes back cancels it. */
  schedule(delayMs: number, callback: () => void): () => void;
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
