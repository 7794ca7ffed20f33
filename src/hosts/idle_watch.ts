import type { Clock } from "../domain/clock.ts";

/** Tells when nothing has happened for too long, with one timer however much happens. */
export class IdleWatch {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #isBusy: () => boolean;
  readonly #onIdle: () => void;
  #cancelTimer = () => {};
  /** When something has happened last, on the monotonic clock. */
  lastActiveMs: number;

  /** Starts to watch; `timeoutMs` of 0 is for ever. While `isBusy` says so, silence is no idleness. */
  constructor(clock: Clock, timeoutMs: number, isBusy: () => boolean, onIdle: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#isBusy = isBusy;
    this.#onIdle = onIdle;
    this.lastActiveMs = clock.monotonic();
    if (timeoutMs > 0) this.#watch();
  }

  /** Something has happened. */
  touch(): void {
    this.lastActiveMs = this.#clock.monotonic();
  }

  stop(): void {
    this.#cancelTimer();
  }

  #watch(): void {
    const idleMs = this.#clock.monotonic() - this.lastActiveMs;
    if (idleMs >= this.#timeoutMs && !this.#isBusy()) return this.#onIdle();
    this.#cancelTimer = this.#clock.schedule(Math.max(1, this.#timeoutMs - idleMs), () => this.#watch());
  }
}
