import { Canceller } from "../domain/cancellation.ts";
import type { Log } from "../domain/log.ts";
import { CLIENT_CLOSED, failure, type RelayError, SHUTTING_DOWN, traitsOf } from "../domain/relay_error.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import type { NodeUrl } from "../providers/provider.ts";
import type { Sample, Selector } from "../providers/selector.ts";
import type { SendResult } from "../providers/transport.ts";
import {
  type AnsweredResult,
  type AttemptDeps,
  type AttemptOrder,
  type AttemptResult,
  resultOf,
  sendAttempt,
} from "./attempt.ts";
import type { Latencies } from "./latencies.ts";
import type { Plan } from "./plan.ts";
import type { RelayMetrics } from "./relay_metrics.ts";
import type { Placed, UnderWay } from "./under_way.ts";

/** What the attempts of a relay need. */
export interface AttemptsDeps extends AttemptDeps {
  readonly selector: Selector;
  readonly latencies: Latencies | undefined;
  readonly metrics: RelayMetrics;
  readonly log: Log;
  /** Where attempts are kept while any of them is under way, for whoever has to end them. */
  readonly inFlight: UnderWay<Attempts>;
}

/** Something that a relay waits for: an attempt has ended, or those under way have had their time. */
export type Happening = AttemptResult | "time_is_up";

/** Who is told of all that happens, in the order in which it does. */
export interface AttemptsListener {
  happened(happening: Happening): void;
}

/** Why attempts are ended from this side. */
export type Interruption = "client_closed" | "shutting_down";

interface Running extends AttemptOrder {
  readonly canceller: Canceller;
  readonly startedAtMs: number;
  /** When it has had its time. */
  endsAtMs: number;
  /** When something is to be done about it: infinite once another attempt has been made because it was slow. */
  dueAtMs: number;
}

/** The attempts of one relay: starts them, waits for them side by side, and ends those that are not needed any more. */
export class Attempts implements Placed {
  place = -1;
  /** Names of the providers asked, in order. */
  tried: readonly string[] = NOTHING;
  /** How each attempt ended, in order, where somebody wants to know: such as `a upstream_timeout 1000ms`. */
  readonly trail: string[] | undefined;
  /** The attempt whose answer is the relay's, once that is known. */
  winner: AnsweredResult | undefined;
  readonly #deps: AttemptsDeps;
  readonly #request: RelayRequest;
  readonly #plan: Plan;
  #urls: readonly NodeUrl[] = NOTHING;
  /** In the order in which they were started. Hardly ever more than one. */
  #running: readonly Running[] = NOTHING;
  /** Those that have ended and have not been told of. */
  #ended: readonly AttemptResult[] = NOTHING;
  #isTimeUp = false;
  /** Tells whoever waits for what happens next. */
  #tell: ((happening: Happening) => void) | undefined;
  #listener: AttemptsListener | undefined;
  #cancelTimer = NO_TIMER;
  #interruption: Interruption | undefined;
  #isLetGo = false;

  constructor(deps: AttemptsDeps, request: RelayRequest, plan: Plan, keepsTrail = false) {
    this.trail = keepsTrail ? [] : undefined;
    this.#deps = deps;
    this.#request = request;
    this.#plan = plan;
  }

  /** Attempts under way, or ended and not yet looked at. */
  get open(): number {
    return this.#running.length + this.#ended.length;
  }

  /** URLs that have been asked. */
  triedUrls(): ReadonlySet<NodeUrl> {
    return this.#urls.length === 0 ? NO_URLS : new Set(this.#urls);
  }

  /** Why no attempts are made any more, where that is so. */
  get stopError(): RelayError | undefined {
    return this.#interruption && INTERRUPTIONS[this.#interruption];
  }

  /** Starts an attempt at the moment `startedAtMs`. It is due after `dueAfterMs` or its relay timeout, whichever comes first. */
  start(order: AttemptOrder, startedAtMs: number, dueAfterMs = Infinity): void {
    const { candidate, api } = order;
    const { provider, nodeUrl } = candidate;
    const endsAtMs = Math.min(
      startedAtMs + this.#plan.relayTimeoutMs + nodeUrl.extraTimeoutMs,
      this.#plan.deadlineMs,
    );
    const dueAtMs = Math.min(startedAtMs + dueAfterMs, endsAtMs);
    const running: Running = { candidate, api, canceller: new Canceller(), startedAtMs, endsAtMs, dueAtMs };
    this.tried = plus(this.tried, provider.name);
    this.#urls = plus(this.#urls, nodeUrl);
    this.#running = plus(this.#running, running);
    this.#deps.inFlight.add(this);
    this.#setTimer(startedAtMs);
    sendAttempt(this.#deps.transport, this.#request, order, running.canceller).then(
      (sent) => this.#read(running, sent),
      (mistake) => this.#fail(running, mistake),
    );
  }

  /** The next thing that happens, for those who do not listen. There must be an attempt that is open. */
  next(): Happening | Promise<Happening> {
    const ended = this.#takeEnded();
    if (ended !== undefined) return ended;
    if (!this.#isTimeUp) return new Promise((resolve) => this.#tell = resolve);
    this.#isTimeUp = false;
    return "time_is_up";
  }

  /** Has everything that happens told as it does, which takes no promise. */
  listen(listener: AttemptsListener): void {
    this.#listener = listener;
  }

  /** Those under way are left alone for now, until the deadline, as another attempt is made in their place. */
  overtake(): void {
    for (const running of this.#running) running.dueAtMs = Infinity;
    this.#setTimer(this.#deps.clock.monotonic());
  }

  /** Ends the attempts that have had their relay timeout. Those that have not are waited for until then. */
  expire(): void {
    const nowMs = this.#deps.clock.monotonic();
    for (const running of this.#running) {
      running.dueAtMs = running.endsAtMs;
      if (running.endsAtMs > nowMs) continue;
      const message = `provider ${running.candidate.provider.name} did not answer within ${
        Math.round(nowMs - running.startedAtMs)
      } ms`;
      this.#give(running, failedResult(running, failure("upstream_timeout", message).error, { kind: "failed" }), nowMs);
    }
    this.#setTimer(nowMs);
  }

  /** Ends all attempts, because nobody waits for them or the relay stops. No more should be started. */
  interrupt(why: Interruption): void {
    this.#interruption ??= why;
    const nowMs = this.#deps.clock.monotonic();
    const error = INTERRUPTIONS[this.#interruption];
    for (const running of this.#running) this.#give(running, failedResult(running, error), nowMs);
  }

  /** Ends what is still under way, as `winner` has answered or none can. What that says about the nodes is not lost. */
  abandon(winner: AttemptResult | undefined): void {
    if (this.#running.length === 0) return;
    const nowMs = this.#deps.clock.monotonic();
    for (const running of this.#running) {
      const sample = sampleOfLoser(running, winner, nowMs);
      const isStuck = sample?.kind === "outrun" && running.dueAtMs === Infinity &&
        this.#deps.latencies?.addLate(running.candidate.provider.name, running.api, sample.latencyMs);
      this.#give(running, failedResult(running, OUTRUN, isStuck ? { kind: "failed" } : sample), nowMs);
    }
  }

  /** Nobody waits for those that are under way any more, and each may go on for a little while. */
  letGo(): void {
    this.#isLetGo = true;
    const latestMs = this.#deps.clock.monotonic() + LET_GO_MS;
    for (const running of this.#running) running.endsAtMs = Math.min(running.endsAtMs, latestMs);
    this.expire();
  }

  /** The client has gone. */
  handleEvent(): void {
    this.interrupt("client_closed");
  }

  /** An attempt has come to an end by itself. */
  #read(running: Running, sent: SendResult): void {
    // What comes in after an attempt has been ended from this side is not looked at.
    if (!this.#running.includes(running)) return;
    const nowMs = this.#deps.clock.monotonic();
    let result: AttemptResult;
    try {
      result = resultOf(this.#request, running, sent, nowMs);
    } catch (mistake) {
      return this.#fail(running, mistake);
    }
    this.#end(running, result, nowMs);
    if (this.#listener === undefined || this.#ended !== NOTHING) this.#put(result);
    else this.#listener.happened(result);
  }

  #fail(running: Running, mistake: unknown): void {
    this.#deps.log.error("attempt failed by a mistake of the relay", { error: String(mistake) });
    this.#give(running, failedResult(running, MISTAKE), this.#deps.clock.monotonic());
  }

  /** Puts an end to an attempt from this side, which is told when all of them have been ended that are to be. */
  #give(running: Running, result: AttemptResult, nowMs: number): void {
    if (!this.#running.includes(running)) return;
    this.#end(running, result, nowMs);
    running.canceller.abort();
    this.#put(result);
  }

  #end(running: Running, result: AttemptResult, nowMs: number): void {
    this.#running = this.#running.length === 1 ? NOTHING : this.#running.filter((other) => other !== running);
    const { selector, latencies, metrics } = this.#deps;
    const { candidate, api, startedAtMs } = running;
    this.trail?.push(`${candidate.provider.name} ${endOf(result)} ${Math.round(nowMs - startedAtMs)}ms`);
    const fault = faultOf(result);
    if (fault !== undefined) metrics.attemptFailed(this.#request, candidate.provider.name, fault);
    if (result.sample !== undefined) selector.report(candidate, result.sample, api, nowMs);
    if (result.sample?.kind === "answered") latencies?.add(candidate.provider.name, api, result.sample.latencyMs);
    if (this.#running.length === 0) this.#deps.inFlight.delete(this);
    this.#setTimer(nowMs);
  }

  /** Keeps a result for whoever waits for it, or comes for it. */
  #put(result: AttemptResult): void {
    const tell = this.#tell;
    if (tell !== undefined) {
      this.#tell = undefined;
      return tell(result);
    }
    if (this.#listener !== undefined && this.#ended === NOTHING) queueMicrotask(() => this.#tellAll());
    this.#ended = plus(this.#ended, result);
  }

  #tellAll(): void {
    for (let result = this.#takeEnded(); result !== undefined; result = this.#takeEnded()) {
      this.#listener?.happened(result);
    }
  }

  #takeEnded(): AttemptResult | undefined {
    const [first, ...others] = this.#ended;
    this.#ended = others.length === 0 ? NOTHING : others;
    return first;
  }

  /** One timer for all of them, at the moment that is next. */
  #setTimer(nowMs: number): void {
    this.#cancelTimer();
    this.#cancelTimer = NO_TIMER;
    this.#isTimeUp = false;
    if (this.#running.length === 0) return;
    let atMs = this.#plan.deadlineMs;
    for (const { dueAtMs } of this.#running) atMs = Math.min(atMs, dueAtMs);
    // Timers take whole milliseconds; one that is early would find that it is not time yet.
    const delayMs = Math.max(0, Math.ceil(atMs - nowMs));
    this.#cancelTimer = this.#deps.clock.schedule(delayMs, () => this.#onTime(), nowMs);
  }

  #onTime(): void {
    if (this.#isLetGo) return this.expire();
    const tell = this.#tell;
    this.#tell = undefined;
    if (tell !== undefined) tell("time_is_up");
    else if (this.#listener !== undefined) this.#listener.happened("time_is_up");
    else this.#isTimeUp = true;
  }
}

/**
 * No timer to cancel. A function that is written where it is assigned to a property is taken for one that lives long,
 * and would keep the relay that it was made for with it.
 */
const NO_TIMER = (): void => {};
const NOTHING: readonly never[] = [];

/** A list and one more. The first one is the only one nearly always, for which a list that grows has far too much room. */
function plus<Item>(list: readonly Item[], item: Item): readonly Item[] {
  return list.length === 0 ? [item] : [...list, item];
}

const NO_URLS: ReadonlySet<NodeUrl> = new Set();
/** How long attempts may go on that nobody waits for: a node that hangs would have more and more of them. */
const LET_GO_MS = 5_000;

const INTERRUPTIONS = { client_closed: CLIENT_CLOSED, shutting_down: SHUTTING_DOWN } as const;
const MISTAKE = failure("internal_error", "the relay made a mistake; its log says more").error;
const OUTRUN = failure("upstream_timeout", "another node answered first").error;

/** What went wrong on the node's side, if anything. */
function faultOf({ reading, sample }: AttemptResult): "node_error" | "protocol_error" | undefined {
  if (reading.kind === "answer") return reading.nodeError === undefined ? undefined : "node_error";
  const isOutrun = reading.error === OUTRUN && sample?.kind !== "failed";
  return isOutrun || traitsOf(reading.error.code).fault !== "upstream" ? undefined : "protocol_error";
}

/** How an attempt ended, in a word. */
function endOf({ reading }: AttemptResult): string {
  if (reading.kind === "answer") return reading.nodeError ?? "answered";
  return reading.error === OUTRUN ? "outrun" : reading.error.code;
}

/** How an attempt ended that was ended from this side. */
function failedResult({ candidate, api, startedAtMs }: Running, error: RelayError, sample?: Sample): AttemptResult {
  return { candidate, api, startedAtMs, reading: { kind: "failure", error }, reply: undefined, sample };
}

/** One that has had its time has failed; of one that was asked no later than the winner it is known that it is slower. */
function sampleOfLoser(
  { startedAtMs, endsAtMs }: Running,
  winner: AttemptResult | undefined,
  nowMs: number,
): Sample | undefined {
  if (endsAtMs <= nowMs) return { kind: "failed" };
  return winner !== undefined && startedAtMs <= winner.startedAtMs
    ? { kind: "outrun", latencyMs: nowMs - startedAtMs }
    : undefined;
}
