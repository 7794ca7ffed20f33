import type { Outcome } from "../domain/outcome.ts";
import { failure, type RelayError } from "../domain/relay_error.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import type { HeaderFields } from "../domain/wire.ts";
import type { ReplyCache } from "../domain/reply_cache.ts";
import type { ChainTimes } from "./cache_policy.ts";
import { type Asked, Caching } from "./caching.ts";
import type { Consistency } from "./consistency.ts";
import { type Dispatched, Dispatcher, type DispatcherDeps, type DispatcherOptions } from "./dispatcher.ts";
import { type Meter, type Refusal, retryAfterSeconds } from "./meter.ts";
import { noMetrics, type RelayMetrics } from "./relay_metrics.ts";

/** Says under which id a call is on the bill, and for how much. */
const RECEIPT_HEADER = "relaymeter-usage";

/** What the relay works with. */
export interface RelayDeps extends Omit<DispatcherDeps, "metrics"> {
  readonly meter: Meter;
  /** Default: nobody counts. */
  readonly metrics?: RelayMetrics | undefined;
  /** Default: every request is relayed. */
  readonly cache?: ReplyCache | undefined;
  /** Default: a caller may be shown an older block than the one before. */
  readonly consistency?: Consistency | undefined;
}

/** Options of the relay, resolved. */
export interface RelayOptions extends DispatcherOptions, ChainTimes {}

/** Makes relays: asks the cache, then nodes until one answers, and writes the bill. */
export class Relay {
  readonly #deps: RelayDeps & { readonly metrics: RelayMetrics };
  readonly #dispatcher: Dispatcher;
  readonly #caching: Caching | undefined;

  constructor({ metrics = noMetrics, ...deps }: RelayDeps, options: RelayOptions) {
    this.#deps = { ...deps, metrics };
    this.#dispatcher = new Dispatcher(this.#deps, options);
    this.#caching = deps.cache && new Caching({
      cache: deps.cache,
      times: options,
      head: () => deps.selector.head(),
      minBlock: (request) => deps.consistency?.minBlock(request) ?? 0,
      ask: (request) => this.#ask(request),
      onLookup: (request, isHit) => metrics.cacheAsked(request, isHit),
      isSuccess: (reading) => options.batchNodeErrorOnAny ? reading.failedParts === 0 : reading.succeededParts > 0,
    });
  }

  /** Makes one relay. Never rejects; its event is with the sink when the outcome comes back. */
  run(request: RelayRequest): Promise<Outcome> {
    const refusal = this.#deps.meter.admit(request);
    if (refusal !== undefined) return Promise.resolve(refused(request, refusal));
    if (this.#caching !== undefined) return this.#runWith(this.#caching, request);
    const head = this.#deps.selector.head();
    return this.#dispatcher.dispatch(request, this.#minBlock(request, head)).then((dispatched) => {
      this.#show(request, dispatched);
      return this.#record(request, dispatched.outcome);
    });
  }

  /** Ends the attempts that are under way and starts no more: their relays fail, and are recorded as failed. */
  interrupt(): void {
    this.#dispatcher.interrupt();
  }

  async #runWith(caching: Caching, request: RelayRequest): Promise<Outcome> {
    let outcome: Outcome;
    try {
      const answer = caching.relay(request);
      outcome = answer instanceof Promise ? await answer : answer;
    } catch (mistake) {
      this.#deps.log.error("cache failed by a mistake of the relay", { error: String(mistake) });
      const { error } = failure("internal_error", "the relay made a mistake; its log says more");
      outcome = notAsked(request, error);
    }
    return this.#record(request, outcome);
  }

  /** Writes it on the bill. */
  #record(request: RelayRequest, outcome: Outcome): Outcome {
    const receipt = this.#deps.meter.record(request, outcome);
    return receipt === undefined ? outcome : { ...outcome, notes: [...outcome.notes, [RECEIPT_HEADER, receipt]] };
  }

  /** Asks nodes that have what the caller has seen, and remembers what it is shown. */
  async #ask(request: RelayRequest): Promise<Asked> {
    const head = this.#deps.selector.head();
    const dispatched = await this.#dispatcher.dispatch(request, this.#minBlock(request, head));
    this.#show(request, dispatched);
    if (!("winner" in dispatched)) return dispatched;
    const { outcome, winner: { reading, reply } } = dispatched;
    return { outcome, reading, entry: { reply, head } };
  }

  /** The block that nodes must have. */
  #minBlock(request: RelayRequest, head: number): number {
    const { consistency, metrics } = this.#deps;
    const seen = consistency?.minBlock(request) ?? 0;
    if (seen > 0) metrics.heldToBlock(request);
    // A node that is known not to have the block is not asked for it where another one has.
    const { to } = request.api.requestedBlock;
    return to > 0 && to <= head ? to : seen;
  }

  /** Remembers what the caller is shown. */
  #show(request: RelayRequest, { outcome }: Dispatched): void {
    if (outcome.kind === "failure") return;
    const { selector, consistency } = this.#deps;
    // A provider is not believed to have more than all of them together.
    consistency?.show(request, Math.min(selector.headOf(outcome.provider), selector.head()));
  }
}

/** The outcome of a call that its project's budget does not allow. */
function refused(request: RelayRequest, { error, retryAfterMs }: Refusal): Outcome {
  return notAsked(request, error, [["retry-after", String(retryAfterSeconds(retryAfterMs))]]);
}

/** The outcome of a call for which no node was asked. */
function notAsked({ api }: RelayRequest, error: RelayError, notes: HeaderFields = []): Outcome {
  return { kind: "failure", error, api, tried: [], attempts: 0, retries: 0, hedges: 0, notes };
}
