/** Where a sample comes from: what a client asked, or what the relay asked by itself. */
export type SampleSource = "relay" | "probe";

const NOTHING: ReadonlySet<string> = new Set();
const FIRST_BACKOFF_MS = 3_000;
const MAX_BACKOFF_MS = 60_000;
const MAX_HOLD_OFF_MS = 300_000;
/** Failures in a row beyond which a node is blocked. */
const MAX_FAILURES = 15;
const BLOCKED_MS = 180_000;
/** Attempts that fail so soon after one another ran side by side, and count once. */
const SIDE_BY_SIDE_MS = 1_000;

/**
 * Whether a node URL should be asked, from how its last attempts ended.
 *
 * A failure keeps it out for 3 s, doubling with each further one up to a minute, and more than 15 in a row for 3
 * minutes at a time; one success clears that. A node that asks for fewer requests is left alone for as long as it says
 * (5 minutes at the most) without counting as unhealthy. One that is not what it is configured as is never asked, until
 * it is, nor for what it does not serve.
 */
export class NodeHealth {
  #failures = 0;
  #failedAtMs = -Infinity;
  #unavailableUntilMs = 0;
  #lastFailure: SampleSource = "relay";
  #lacking: ReadonlySet<string> = NOTHING;

  /** Whether it may be asked at this moment of the monotonic clock. */
  isAvailable(nowMs: number): boolean {
    return nowMs >= this.#unavailableUntilMs && !this.isRefuted;
  }

  /** Whether it has failed so often that it is the last to be asked, unless it is time for a second chance. */
  isBlocked(nowMs: number): boolean {
    return this.#failures > MAX_FAILURES && nowMs < this.#unavailableUntilMs;
  }

  /** Whether its own answers say that it is not what it is configured as. */
  get isRefuted(): boolean {
    return this.#lacking.has("");
  }

  /** Whether its own answers say that it does not serve an add-on or extension. */
  lacks(service: string): boolean {
    return this.#lacking.has(service);
  }

  /** Its answers were looked at: what it does not serve although configured to; the empty name for anything at all. */
  verify(lacking: ReadonlySet<string>): void {
    this.#lacking = lacking;
  }

  /**
   * The node answered. Comes back with whether that makes an end to failures. That it answers what the relay asks by
   * itself does not mean that it answers what clients ask, and counts only where their calls have not failed.
   */
  succeed(nowMs: number, source: SampleSource): boolean {
    if (source === "probe" && this.#lastFailure === "relay" && nowMs < this.#unavailableUntilMs) return false;
    const hadFailed = this.#failures > 0;
    this.#failures = 0;
    this.#unavailableUntilMs = 0;
    return hadFailed;
  }

  /**
   * The node could not be reached, did not answer in time, or answered garbage. Comes back with the milliseconds that it
   * is left alone for; 0 when it was already, as attempts that ran side by side may all fail.
   */
  fail(nowMs: number, source: SampleSource): number {
    const wasAvailable = nowMs >= this.#unavailableUntilMs;
    if (!wasAvailable && nowMs < this.#failedAtMs + SIDE_BY_SIDE_MS) return 0;
    this.#failures++;
    this.#failedAtMs = nowMs;
    this.#lastFailure = source;
    const backoffMs = this.#failures > MAX_FAILURES
      ? BLOCKED_MS
      : Math.min(FIRST_BACKOFF_MS * 2 ** (this.#failures - 1), MAX_BACKOFF_MS);
    this.#unavailableUntilMs = Math.max(this.#unavailableUntilMs, nowMs + backoffMs);
    return wasAvailable || this.#failures === MAX_FAILURES + 1 ? backoffMs : 0;
  }

  /** The node asked for fewer requests; `retryAfterMs` is 0 when it did not say for how long. */
  holdOff(nowMs: number, retryAfterMs: number): void {
    const waitMs = Math.min(retryAfterMs || FIRST_BACKOFF_MS, MAX_HOLD_OFF_MS);
    this.#unavailableUntilMs = Math.max(this.#unavailableUntilMs, nowMs + waitMs);
  }
}
