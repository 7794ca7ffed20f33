import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { Outcome } from "../domain/outcome.ts";
import { CLIENT_CLOSED, failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import type { Selector } from "../providers/selector.ts";
import type { Transport } from "../providers/transport.ts";
import { askOne } from "./ask_one.ts";
import { type Asking, failed } from "./asking.ts";
import type { AnsweredResult } from "./attempt.ts";
import { Attempts, type AttemptsDeps } from "./attempts.ts";
import { broadcast } from "./broadcast.ts";
import { crossValidate } from "./cross_validation.ts";
import { Latencies } from "./latencies.ts";
import { type PlanOptions, planRelay } from "./plan.ts";
import type { RelayMetrics } from "./relay_metrics.ts";
import type { RetryOptions } from "./retry_policy.ts";
import { UnderWay } from "./under_way.ts";

/** What asking nodes takes. */
export interface DispatcherDeps {
  readonly selector: Selector;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: RelayMetrics;
}

/** Options of how nodes are asked, resolved. */
export interface DispatcherOptions extends PlanOptions, RetryOptions {
  /** Whether one failed part makes a batch count as failed; else all parts must have. */
  readonly batchNodeErrorOnAny: boolean;
  /** Another node is asked when an answer is later than this share of the provider's answers; 0 for never. */
  readonly hedgeQuantile: number;
  /** Whether every answer says how it came about, and not only where the caller asks for that. */
  readonly debugRelays: boolean;
  /** Whether every answer says what the choice of its provider was made from. */
  readonly selectionStats: boolean;
}

/** How asking ended; an answer comes with the attempt that it is of. */
export type Dispatched =
  | { readonly outcome: Outcome & { readonly kind: "failure" } }
  | { readonly outcome: Outcome & { readonly kind: "answer" }; readonly winner: AnsweredResult };

/** Asks nodes, in the way that the call and its caller want. */
export class Dispatcher {
  readonly #deps: DispatcherDeps;
  readonly #options: DispatcherOptions;
  readonly #latencies: Latencies | undefined;
  readonly #inFlight = new UnderWay<Attempts>();
  readonly #attemptsDeps: AttemptsDeps;
  #isInterrupted = false;

  constructor(deps: DispatcherDeps, options: DispatcherOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#latencies = options.hedgeQuantile > 0 ? new Latencies() : undefined;
    this.#attemptsDeps = { ...deps, latencies: this.#latencies, inFlight: this.#inFlight };
  }

  /** Asks until there is an outcome, of nodes that have `minBlock` where there are any. Never rejects. */
  dispatch(request: RelayRequest, minBlock: number): Promise<Dispatched> {
    const asking = this.#begin(request, minBlock);
    request.signal.addEventListener("abort", asking.attempts);
    return this.#ask(asking).then(
      (outcome) => this.#end(asking, outcome),
      (mistake) => this.#end(asking, failed(asking, request.api, this.#errorOf(mistake))),
    );
  }

  /** Ends what is under way, and from now on asks nobody. */
  interrupt(): void {
    this.#isInterrupted = true;
    for (const attempts of this.#inFlight.list()) attempts.interrupt("shutting_down");
  }

  #ask(asking: Asking): Promise<Outcome> {
    const { request: { signal, api, steering }, plan } = asking;
    if (this.#isInterrupted) return Promise.resolve(failed(asking, api, SHUTTING_DOWN));
    if (signal.aborted) return Promise.resolve(failed(asking, api, CLIENT_CLOSED));
    if (steering.crossValidation !== undefined) return crossValidate(asking, steering.crossValidation);
    return plan.mode === "broadcast" ? broadcast(asking) : askOne(asking);
  }

  #end(asking: Asking, ended: Outcome): Dispatched {
    const { request, attempts } = asking;
    request.signal.removeEventListener("abort", attempts);
    const isAsIs = attempts.trail === undefined && !this.#options.selectionStats;
    const outcome = isAsIs ? ended : this.#annotated(asking, ended);
    return outcome.kind === "answer" ? { outcome, winner: attempts.winner! } : { outcome };
  }

  #begin(request: RelayRequest, minBlock: number): Asking {
    const { selector, clock, log } = this.#deps;
    const options = this.#options;
    const plan = planRelay(request, options);
    const keepsTrail = options.debugRelays || request.steering.debug;
    const attempts = new Attempts(this.#attemptsDeps, request, plan, keepsTrail);
    const latencies = this.#latencies;
    return { request, plan, attempts, selector, clock, log, options, minBlock, latencies };
  }

  /** A mistake in what is only told of a relay must not have it end without a record. */
  #annotated(asking: Asking, outcome: Outcome): Outcome {
    try {
      return this.#annotate(asking, outcome);
    } catch (mistake) {
      return failed(asking, outcome.api, this.#errorOf(mistake));
    }
  }

  /** Adds what the client or the operator wants to be told about the way to the outcome. */
  #annotate({ request, plan, attempts, minBlock }: Asking, outcome: Outcome): Outcome {
    const { selector } = this.#deps;
    const notes: [string, string][] = [];
    if (attempts.trail !== undefined) {
      notes.push(["lava-debug-relay", cut([plan.mode, ...attempts.trail, `hedges ${outcome.hedges}`].join("; "))]);
    }
    if (this.#options.selectionStats) {
      const stats = selector.explain({ request, api: outcome.api, tried: new Set(), minBlock });
      if (stats !== "") notes.push(["lava-selection-stats", cut(stats)]);
    }
    return notes.length === 0 ? outcome : { ...outcome, notes: [...outcome.notes, ...notes] };
  }

  #errorOf(mistake: unknown): RelayError {
    this.#deps.log.error("relay failed by a mistake of its own", { error: String(mistake) });
    return failure("internal_error", "the relay made a mistake; its log says more").error;
  }
}

/** Longest note in characters: it becomes a header. */
const MAX_NOTE_CHARS = 1_024;

function cut(text: string): string {
  return text.length > MAX_NOTE_CHARS ? `${text.slice(0, MAX_NOTE_CHARS - 3)}...` : text;
}
