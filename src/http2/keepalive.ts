import type { Clock } from "../domain/clock.ts";
import type { Http2Limits } from "./port.ts";

/** What the watch over a connection does with it. */
export interface KeepaliveDeps {
  readonly clock: Clock;
  /** Whether the peer's silence is of interest. */
  isOfInterest(): boolean;
  ping(): void;
  /** The peer did not answer. */
  onLost(): void;
}

/** Looks now and then whether the peer is still there, and asks it when it has been silent for long. */
export class Keepalive {
  readonly #deps: KeepaliveDeps;
  readonly #everyMs: number;
  readonly #timeoutMs: number;
  #heardAtMs: number;
  #cancelTimer = () => {};

  constructor(deps: KeepaliveDeps, { keepaliveMs, keepaliveTimeoutMs }: Required<Http2Limits>) {
    this.#deps = deps;
    this.#everyMs = keepaliveMs;
    this.#timeoutMs = keepaliveTimeoutMs;
    this.#heardAtMs = deps.clock.monotonic();
  }

  /** Something came from the peer. */
  heard(): void {
    this.#heardAtMs = this.#deps.clock.monotonic();
  }

  start(): void {
    if (this.#everyMs > 0) this.#watch();
  }

  stop(): void {
    this.#cancelTimer();
  }

  #watch(): void {
    const { clock, isOfInterest, ping, onLost } = this.#deps;
    const nowMs = clock.monotonic();
    const silentMs = isOfInterest() ? nowMs - this.#heardAtMs : 0;
    if (silentMs < this.#everyMs) {
      this.#cancelTimer = clock.schedule(this.#everyMs - silentMs, () => this.#watch());
      return;
    }
    ping();
    this.#cancelTimer = clock.schedule(this.#timeoutMs, () => {
      if (this.#heardAtMs < nowMs) onLost();
      else this.#watch();
    });
  }
}
