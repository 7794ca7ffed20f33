import type { Clock } from "../domain/clock.ts";
import type { Outcome } from "../domain/outcome.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import type { Relay } from "./relay.ts";

/** Relays for those who have no requests to wait for, such as WebSockets, and waits for those under way. */
export class CountedRelay {
  readonly #relay: Relay;
  readonly #clock: Clock;
  #inFlight = 0;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(relay: Relay, clock: Clock) {
    this.#relay = relay;
    this.#clock = clock;
  }

  /** Makes one relay. Never rejects. */
  async run(request: RelayRequest): Promise<Outcome> {
    this.#inFlight++;
    try {
      return await this.#relay.run(request);
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) this.#idle?.resolve();
    }
  }

  /** Ends the attempts that are under way and starts no more. */
  interrupt(): void {
    this.#relay.interrupt();
  }

  /** Waits for relays under way, for `graceMs`, after which they are ended, and recorded. Safe to call twice. */
  async drain(graceMs: number): Promise<void> {
    if (this.#inFlight === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    const cancelTimer = this.#clock.schedule(graceMs, () => this.interrupt());
    await this.#idle.promise;
    cancelTimer();
  }
}
