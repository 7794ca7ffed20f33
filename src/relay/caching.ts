import { type Cancellation, Canceller } from "../domain/cancellation.ts";
import type { Outcome } from "../domain/outcome.ts";
import { CLIENT_CLOSED } from "../domain/relay_error.ts";
import type { AnswerReading, RelayRequest } from "../domain/relay_request.ts";
import type { CachedReply, ReplyCache } from "../domain/reply_cache.ts";
import { cacheKeyOf, type ChainTimes, isCacheable, isStillNewest, ttlOf } from "./cache_policy.ts";

/** A relay that was made; an answer comes with the reply that it was read from. */
export type Asked =
  | { readonly outcome: Outcome & { readonly kind: "failure" } }
  | {
    readonly outcome: Outcome & { readonly kind: "answer" };
    readonly reading: AnswerReading;
    readonly entry: CachedReply;
  };

/** What the cache works with. */
export interface CachingDeps {
  readonly cache: ReplyCache;
  readonly times: ChainTimes;
  /** The newest block that is known of the chain; 0 while none is. */
  head(): number;
  /** The block that an answer to the request must not be older than; 0 for any. */
  minBlock(request: RelayRequest): number;
  /** Makes a relay that the cache can't answer. Never rejects. */
  ask(request: RelayRequest): Promise<Asked>;
  /** Told how a look into the cache ended. */
  onLookup(request: RelayRequest, isHit: boolean): void;
  /** Whether the answer of a batch counts as a success. */
  isSuccess(reading: AnswerReading): boolean;
}

/** What those who wait for the same call get: a reply to read for themselves, or how the call failed. */
type Landing = { readonly kind: "reply"; readonly entry: CachedReply } | Outcome & { readonly kind: "failure" };

/** One call that several clients wait for. */
interface Flight {
  readonly landing: Promise<Landing>;
  readonly canceller: Canceller;
  waiting: number;
}

/**
 * Answers from the cache where it can. Identical requests that come while one is under way wait for that one, and are
 * answered by its reply: each is a relay of its own on the bill.
 *
 * A call goes on as long as anyone waits for it, and ends with the last one who does.
 */
export class Caching {
  readonly #deps: CachingDeps;
  readonly #flights = new Map<string, Flight>();

  constructor(deps: CachingDeps) {
    this.#deps = deps;
  }

  /** The outcome of a request, from the cache or not. */
  relay(request: RelayRequest): Outcome | Promise<Outcome> {
    if (!isCacheable(request)) return this.#ask(request);
    const key = cacheKeyOf(request);
    if (request.steering.forcesCacheRefresh) return this.#refresh(key, request);
    const flight = this.#flights.get(key);
    // One that everyone has left is on its way out.
    if (flight !== undefined && !flight.canceller.aborted) return this.#join(flight, request);
    const found = this.#deps.cache.get(key);
    if (!(found instanceof Promise) && this.#isGood(request, found)) return this.#answerWith(request, found);
    return this.#lead(key, request, found);
  }

  async #ask(request: RelayRequest): Promise<Outcome> {
    return (await this.#deps.ask(request)).outcome;
  }

  /** Makes the call, and keeps its reply. */
  async #refresh(key: string, request: RelayRequest): Promise<Outcome> {
    const asked = await this.#deps.ask(request);
    this.#keep(key, request, asked);
    return asked.outcome;
  }

  /** Makes the call for all who ask for the same until it is answered. */
  async #lead(
    key: string,
    request: RelayRequest,
    looking: CachedReply | undefined | Promise<CachedReply | undefined>,
  ): Promise<Outcome> {
    const { promise: landing, resolve: land } = Promise.withResolvers<Landing>();
    const flight: Flight = { landing, canceller: new Canceller(), waiting: 1 };
    this.#flights.set(key, flight);
    const stopWaiting = leaveWith(flight, request.signal);
    try {
      const found = looking instanceof Promise ? await looking : undefined;
      if (this.#isGood(request, found)) {
        land({ kind: "reply", entry: found });
        return await this.#answerWith(request, found);
      }
      this.#deps.onLookup(request, false);
      const asked = await this.#deps.ask({ ...request, signal: flight.canceller });
      this.#keep(key, request, asked);
      land(landingOf(asked));
      return asked.outcome;
    } finally {
      stopWaiting();
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    }
  }

  /** Waits for somebody else's call. */
  async #join(flight: Flight, request: RelayRequest): Promise<Outcome> {
    flight.waiting++;
    const { promise: left, resolve: leave } = Promise.withResolvers<undefined>();
    const onClose = () => leave(undefined);
    request.signal.addEventListener("abort", onClose, { once: true });
    const stopWaiting = leaveWith(flight, request.signal);
    const landing = request.signal.aborted ? undefined : await Promise.race([flight.landing, left]);
    stopWaiting();
    request.signal.removeEventListener("abort", onClose);
    if (landing === undefined) return failedBeside(request, { error: CLIENT_CLOSED, tried: [] });
    if (landing.kind === "reply") return await this.#answerWith(request, landing.entry);
    this.#deps.onLookup(request, false);
    return failedBeside(request, landing);
  }

  #keep(key: string, request: RelayRequest, asked: Asked): void {
    if (!("entry" in asked)) return;
    const { cache, times } = this.#deps;
    const ttlMs = ttlOf(request, asked.reading, asked.entry.head, times);
    if (ttlMs > 0) cache.set(key, asked.entry, ttlMs);
  }

  #isGood(request: RelayRequest, entry: CachedReply | undefined): entry is CachedReply {
    return entry !== undefined && isStillNewest(request, entry.head, this.#deps.head()) &&
      (entry.head === 0 || entry.head >= this.#deps.minBlock(request));
  }

  /** The answer that a reply to an identical call is for this caller; what can't be read is asked for again. */
  #answerWith(request: RelayRequest, { reply }: CachedReply): Outcome | Promise<Outcome> {
    const reading = request.call.readReply(reply);
    this.#deps.onLookup(request, reading.kind === "answer");
    if (reading.kind === "failure") return this.#ask(request);
    const { status, headers, body } = reading;
    return {
      kind: "answer",
      provider: "",
      cacheHit: true,
      success: this.#deps.isSuccess(reading),
      response: { status, headers, body },
      replyHeaders: reply.headers,
      api: request.api,
      tried: [],
      attempts: 0,
      retries: 0,
      hedges: 0,
      notes: [],
    };
  }
}

/** Counts a client out when it goes away; comes back with the function that ends its waiting in any case. */
function leaveWith(flight: Flight, signal: Cancellation): () => void {
  let isWaiting = true;
  const leave = () => {
    if (!isWaiting) return;
    isWaiting = false;
    signal.removeEventListener("abort", leave);
    if (--flight.waiting === 0) flight.canceller.abort();
  };
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave);
  return leave;
}

function landingOf(asked: Asked): Landing {
  return "entry" in asked ? { kind: "reply", entry: asked.entry } : asked.outcome;
}

/** How a call failed, for somebody who had waited for it. */
function failedBeside(
  { api }: RelayRequest,
  { error, tried }: Pick<Outcome & { kind: "failure" }, "error" | "tried">,
): Outcome {
  return { kind: "failure", error, api, tried, attempts: 0, retries: 0, hedges: 0, notes: [] };
}
