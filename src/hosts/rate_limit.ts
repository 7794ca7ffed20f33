import type { Clock } from "../domain/clock.ts";

/** Allows so many in a window of time: a bucket that fills evenly. */
export class RateLimit {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #windowMs: number;
  readonly #banMs: number;
  #tokens: number;
  #filledAtMs: number;
  #bannedUntilMs = -Infinity;

  /** `max` of 0 is no limit. Once it was passed, nothing is taken for `banMs`. */
  constructor(clock: Clock, max: number, windowMs: number, banMs = 0) {
    this.#clock = clock;
    this.#max = max;
    this.#windowMs = windowMs;
    this.#banMs = banMs;
    this.#tokens = max;
    this.#filledAtMs = clock.monotonic();
  }

  /** Whether one more is allowed; it is counted then. */
  takes(): boolean {
    if (this.#max === 0) return true;
    const nowMs = this.#clock.monotonic();
    if (nowMs < this.#bannedUntilMs) return false;
    const filled = (nowMs - this.#filledAtMs) * this.#max / this.#windowMs;
    this.#tokens = Math.min(this.#max, this.#tokens + filled);
    this.#filledAtMs = nowMs;
    if (this.#tokens < 1) {
      if (this.#banMs > 0) this.#bannedUntilMs = nowMs + this.#banMs;
      return false;
    }
    this.#tokens--;
    return true;
  }
}
