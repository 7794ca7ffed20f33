import type { Clock } from "../domain/clock.ts";

/**
 * Bounds what a peer can make this side do for nothing: a store of tokens that empties with each nuisance, and fills with
 * time and with useful work.
 */
export class FloodGuard {
  readonly #clock: Clock;
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(clock: Clock, burst: number, perSecond: number) {
    this.#clock = clock;
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
    this.#filledAtMs = clock.monotonic();
  }

  /** Something useful happened. */
  earn(tokens: number): void {
    if (this.#tokens < this.#burst) this.#tokens = Math.min(this.#burst, this.#tokens + tokens);
  }

  /** A nuisance; false when there have been too many. */
  spend(): boolean {
    if (this.#tokens < 1) {
      const nowMs = this.#clock.monotonic();
      this.earn((nowMs - this.#filledAtMs) / 1000 * this.#perSecond);
      this.#filledAtMs = nowMs;
    }
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
