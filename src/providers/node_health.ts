const FIRST_BACKOFF_MS = 3_000;
const MAX_BACKOFF_MS = 60_000;
const MAX_HOLD_OFF_MS = 300_000;

/**
 * Whether a node URL should be asked, from how its last attempts ended.
 *
 * A failure keeps it out for 3 s, doubling with each further one up to a minute; one success clears that. A node that
 * asks for fewer requests is left alone for as long as it says (5 minutes at the most) without counting as unhealthy.
 */
export class NodeHealth {
  #failures = 0;
  #unavailableUntilMs = 0;

  /** Whether it may be asked at this moment of the monotonic clock. */
  isAvailable(nowMs: number): boolean {
    return nowMs >= this.#unavailableUntilMs;
  }

  /** The node answered. Comes back with whether it had failed before. */
  succeed(): boolean {
    const hadFailed = this.#failures > 0;
    this.#failures = 0;
    this.#unavailableUntilMs = 0;
    return hadFailed;
  }

  /**
   * The node could not be reached, did not answer in time, or answered garbage. Comes back with the milliseconds that it
   * is left alone for; 0 when it was already, as attempts that ran side by side may all fail.
   */
  fail(nowMs: number): number {
    if (!this.isAvailable(nowMs)) return 0;
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures, MAX_BACKOFF_MS);
    this.#failures++;
    this.#unavailableUntilMs = nowMs + backoffMs;
    return backoffMs;
  }

  /** The node asked for fewer requests; `retryAfterMs` is 0 when it did not say for how long. */
  holdOff(nowMs: number, retryAfterMs: number): void {
    const waitMs = Math.min(retryAfterMs || FIRST_BACKOFF_MS, MAX_HOLD_OFF_MS);
    this.#unavailableUntilMs = Math.max(this.#unavailableUntilMs, nowMs + waitMs);
  }
}
