import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { Outcome } from "../domain/outcome.ts";
import { CLIENT_CLOSED, failure, SHUTTING_DOWN } from "../domain/relay_error.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import type { Selector } from "../providers/selector.ts";
import type { Transport } from "../providers/transport.ts";
import { askOne } from "./ask_one.ts";
import { type Asking, failed } from "./asking.ts";
import { Attempts } from "./attempts.ts";
import { broadcast } from "./broadcast.ts";
import { crossValidate } from "./cross_validation.ts";
import type { Meter } from "./meter.ts";
import { type PlanOptions, planRelay } from "./plan.ts";
import type { RetryOptions } from "./retry_policy.ts";

/** What the relay works with. */
export interface RelayDeps {
  readonly selector: Selector;
  readonly transport: Transport;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly log: Log;
}

/** Options of the relay, resolved. */
export interface RelayOptions extends PlanOptions, RetryOptions {
  /** Whether one failed part makes a batch count as failed; else all parts must have. */
  readonly batchNodeErrorOnAny: boolean;
}

/** Makes relays: asks nodes until one answers, and writes the bill. */
export class Relay {
  readonly #deps: RelayDeps;
  readonly #options: RelayOptions;
  readonly #inFlight = new Set<Attempts>();
  #isInterrupted = false;

  constructor(deps: RelayDeps, options: RelayOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Makes one relay. Never rejects; its event is with the sink when the outcome comes back. */
  async run(request: RelayRequest): Promise<Outcome> {
    const asking = this.#begin(request);
    const onClose = () => asking.attempts.interrupt("client_closed");
    request.signal.addEventListener("abort", onClose, { once: true });
    let outcome: Outcome;
    try {
      outcome = await this.#ask(asking);
    } catch (error) {
      this.#deps.log.error("relay failed by a mistake of its own", { error: String(error) });
      const internal = failure("internal_error", "the relay made a mistake; its log says more").error;
      outcome = failed(asking, request.api, internal);
    } finally {
      request.signal.removeEventListener("abort", onClose);
    }
    this.#deps.meter.record(request, outcome);
    return outcome;
  }

  /** Ends the attempts that are under way and starts no more: their relays fail, and are recorded as failed. */
  interrupt(): void {
    this.#isInterrupted = true;
    for (const attempts of this.#inFlight) attempts.interrupt("shutting_down");
  }

  #begin(request: RelayRequest): Asking {
    const { selector, transport, clock, log } = this.#deps;
    const plan = planRelay(request, this.#options);
    const attempts = new Attempts({ selector, transport, clock, inFlight: this.#inFlight }, request, plan);
    return { request, plan, attempts, selector, clock, log, options: this.#options, minBlock: 0 };
  }

  /** Asks nodes in the way that the call and its caller want. */
  async #ask(asking: Asking): Promise<Outcome> {
    const { request: { signal, api, steering }, plan } = asking;
    if (this.#isInterrupted) return failed(asking, api, SHUTTING_DOWN);
    if (signal.aborted) return failed(asking, api, CLIENT_CLOSED);
    if (steering.crossValidation !== undefined) return await crossValidate(asking, steering.crossValidation);
    return plan.mode === "broadcast" ? await broadcast(asking) : await askOne(asking);
  }
}
