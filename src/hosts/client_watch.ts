import { Canceller } from "../domain/cancellation.ts";
import type { Clock } from "../domain/clock.ts";

/** A client that leaves earlier than this after its request came is missed from this time on, milliseconds. */
const LOOK_AFTER_MS = 100;

/**
 * Whether the client of a request is still there. The platform is asked for that only once the request has taken a
 * while: for one that is answered at once, to be told would cost more than anything else the host does.
 */
export class ClientWatch extends Canceller {
  readonly #request: Request;
  readonly #cancelTimer: () => void;

  constructor(request: Request, clock: Clock) {
    super();
    this.#request = request;
    this.#cancelTimer = clock.schedule(LOOK_AFTER_MS, () => this.#look());
  }

  /** The request has been answered. */
  end(): void {
    this.#cancelTimer();
  }

  #look(): void {
    const { signal } = this.#request;
    if (signal.aborted) this.abort();
    else signal.addEventListener("abort", () => this.abort(), { once: true });
  }
}
