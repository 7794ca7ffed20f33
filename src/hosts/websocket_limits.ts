import type { Clock } from "../domain/clock.ts";
import { failure, type RelayError } from "../domain/relay_error.ts";
import { RateLimit } from "./rate_limit.ts";

/** Limits on what one connection sends, resolved. Of rates, 0 is no limit. */
export interface SessionLimits {
  /** Messages in a second. */
  readonly maxMessagesPerSecond: number;
  readonly maxSubscribesPerMinute: number;
  readonly maxUnsubscribesPerMinute: number;
  /** Milliseconds for which messages are refused once there were too many; 0 for no longer than the rate says. */
  readonly banMs: number;
}

/** How often one connection may do what. Each question counts, and is answered with the reason why it may not. */
export class SessionRates {
  readonly #messages: RateLimit;
  readonly #subscribes: RateLimit;
  readonly #unsubscribes: RateLimit;

  constructor(clock: Clock, limits: SessionLimits) {
    this.#messages = new RateLimit(clock, limits.maxMessagesPerSecond, 1_000, limits.banMs);
    this.#subscribes = new RateLimit(clock, limits.maxSubscribesPerMinute, 60_000);
    this.#unsubscribes = new RateLimit(clock, limits.maxUnsubscribesPerMinute, 60_000);
  }

  message(): RelayError | undefined {
    return this.#messages.takes() ? undefined : TOO_MANY_MESSAGES;
  }

  subscribe(): RelayError | undefined {
    return this.#subscribes.takes() ? undefined : TOO_MANY_SUBSCRIBES;
  }

  unsubscribe(): RelayError | undefined {
    return this.#unsubscribes.takes() ? undefined : TOO_MANY_UNSUBSCRIBES;
  }
}

const limited = (reason: string) => failure("rate_limited", reason).error;
const TOO_MANY_MESSAGES = limited("more messages in a second than this connection may send; send fewer");
const TOO_MANY_SUBSCRIBES = limited("more subscribes in a minute than this connection may send; wait");
const TOO_MANY_UNSUBSCRIBES = limited("more unsubscribes in a minute than this connection may send; wait");
