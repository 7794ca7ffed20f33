import { Canceller, type CancelListener } from "../domain/cancellation.ts";
import type { Clock } from "../domain/clock.ts";

/** A client that leaves earlier than this after a node was asked is missed from this time on, milliseconds. */
const LOOK_AFTER_MS = 100;

/**
 * Whether the client of a request is still there. The platform is asked for that only once the request has taken a
 * while: for one that is answered at once, to be told would cost more than anything else the host does.
 */
export class ClientWatch extends Canceller {
  readonly #request: Request;
  readonly #clock: Clock;
  #cancelTimer: (() => void) | undefined;

  constructor(request: Request, clock: Clock) {
    super();
    this.#request = request;
    this.#clock = clock;
  }

  /** From the first listener on, somebody has to look. */
  override addEventListener(type: "abort", listener: CancelListener): void {
    super.addEventListener(type, listener);
    this.#cancelTimer ??= this.#clock.schedule(LOOK_AFTER_MS, () => this.#look());
  }

  /** The request has been answered. */
  end(): void {
    this.#cancelTimer?.();
  }

  #look(): void {
    const { signal } = this.#request;
    if (signal.aborted) this.abort();
    else signal.addEventListener("abort", () => this.abort(), { once: true });
  }
}
