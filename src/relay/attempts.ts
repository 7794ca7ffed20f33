import { Canceller } from "../domain/cancellation.ts";
import type { Log } from "../domain/log.ts";
import { CLIENT_CLOSED, failure, type RelayError, SHUTTING_DOWN, traitsOf } from "../domain/relay_error.ts";
import type { RelayRequest } from "../domain/relay_request.ts";
import type { NodeUrl } from "../providers/provider.ts";
import type { Sample, Selector } from "../providers/selector.ts";
import { type AnsweredResult, attempt, type AttemptDeps, type AttemptOrder, type AttemptResult } from "./attempt.ts";
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
  readonly tried: string[] = [];
  /** How each attempt ended, in order, where somebody wants to know: such as `a upstream_timeout 1000ms`. */
  readonly trail: string[] | undefined;
  /** The attempt whose answer is the relay's, once that is known. */
  winner: AnsweredResult | undefined;
  readonly #deps: AttemptsDeps;
  readonly #request: RelayRequest;
  readonly #plan: Plan;
  readonly #urls: NodeUrl[] = [];
  /** In the order in which they were started. Hardly ever more than one. */
  #running: readonly Running[] = NOTHING;
  readonly #ended: AttemptResult[] = [];
  #isTimeUp = false;
  /** Tells whoever waits for what happens next. */
  #tell: ((happening: Happening) => void) | undefined;
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

  /** Starts an attempt. It is due after `dueAfterMs` or its relay timeout, whichever comes first. */
  start(order: AttemptOrder, dueAfterMs = Infinity): void {
    const { provider, nodeUrl } = order.candidate;
    const startedAtMs = this.#deps.clock.monotonic();
    const endsAtMs = Math.min(
      startedAtMs + this.#plan.relayTimeoutMs + nodeUrl.extraTimeoutMs,
      this.#plan.deadlineMs,
    );
    const dueAtMs = Math.min(startedAtMs + dueAfterMs, endsAtMs);
    const { candidate, api } = order;
    const running: Running = { candidate, api, canceller: new Canceller(), startedAtMs, endsAtMs, dueAtMs };
    this.tried.push(provider.name);
    this.#urls.push(nodeUrl);
    this.#running = [...this.#running, running];
    this.#deps.inFlight.add(this);
    this.#setTimer(startedAtMs);
    attempt(this.#deps, this.#request, order, startedAtMs, running.canceller).then(
      (result) => this.#end(running, result),
      (mistake) => {
        this.#deps.log.error("attempt failed by a mistake of the relay", { error: String(mistake) });
        this.#end(running, failedResult(running, MISTAKE));
      },
    );
  }

  /** The next thing that happens. There must be an attempt that is open. */
  next(): Happening | Promise<Happening> {
    const ended = this.#ended.shift();
    if (ended !== undefined) return ended;
    if (!this.#isTimeUp) return new Promise((resolve) => this.#tell = resolve);
    this.#isTimeUp = false;
    return "time_is_up";
  }

  /** Those under way are left alone for now, until the deadline, as another attempt is made in their place. */
  overtake(): void {
    for (const running of this.#running) running.dueAtMs = Infinity;
    this.#setTimer();
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
      this.#give(running, failedResult(running, failure("upstream_timeout", message).error, { kind: "failed" }));
    }
    this.#setTimer();
  }

  /** Ends all attempts, because nobody waits for them or the relay stops. No more should be started. */
  interrupt(why: Interruption): void {
    this.#interruption ??= why;
    for (const running of this.#running) this.#give(running, failedResult(running, INTERRUPTIONS[this.#interruption]));
  }

  /** Ends what is still under way, as `winner` has answered or none can. What that says about the nodes is not lost. */
  abandon(winner: AttemptResult | undefined): void {
    const nowMs = this.#deps.clock.monotonic();
    for (const running of this.#running) {
      const sample = sampleOfLoser(running, winner, nowMs);
      const isStuck = sample?.kind === "outrun" && running.dueAtMs === Infinity &&
        this.#deps.latencies?.addLate(running.candidate.provider.name, running.api, sample.latencyMs);
      this.#give(running, failedResult(running, OUTRUN, isStuck ? { kind: "failed" } : sample));
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

  /** Puts an end to an attempt from this side. */
  #give(running: Running, result: AttemptResult): void {
    this.#end(running, result);
    running.canceller.abort();
  }

  #end(running: Running, result: AttemptResult): void {
    // What comes in after an attempt has been ended from this side is not looked at.
    if (!this.#running.includes(running)) return;
    this.#running = this.#running.length === 1 ? NOTHING : this.#running.filter((other) => other !== running);
    const { selector, latencies, metrics } = this.#deps;
    const { candidate, api } = running;
    this.trail?.push(`${candidate.provider.name} ${endOf(result)} ${this.#msSince(running.startedAtMs)}ms`);
    const fault = faultOf(result);
    if (fault !== undefined) metrics.attemptFailed(this.#request, candidate.provider.name, fault);
    if (result.sample !== undefined) selector.report(candidate, result.sample, api);
    if (result.sample?.kind === "answered") latencies?.add(candidate.provider.name, api, result.sample.latencyMs);
    if (this.#running.length === 0) this.#deps.inFlight.delete(this);
    this.#setTimer();
    const tell = this.#tell;
    if (tell === undefined) {
      this.#ended.push(result);
      return;
    }
    this.#tell = undefined;
    tell(result);
  }

  #msSince(startedAtMs: number): number {
    return Math.round(this.#deps.clock.monotonic() - startedAtMs);
  }

  /** One timer for all of them, at the moment that is next. */
  #setTimer(nowMs?: number): void {
    this.#cancelTimer();
    this.#cancelTimer = NO_TIMER;
    this.#isTimeUp = false;
    if (this.#running.length === 0) return;
    let atMs = this.#plan.deadlineMs;
    for (const { dueAtMs } of this.#running) atMs = Math.min(atMs, dueAtMs);
    // Timers take whole milliseconds; one that is early would find that it is not time yet.
    const delayMs = Math.max(0, Math.ceil(atMs - (nowMs ?? this.#deps.clock.monotonic())));
    this.#cancelTimer = this.#deps.clock.schedule(delayMs, () => {
      if (this.#isLetGo) return this.expire();
      const tell = this.#tell;
      this.#tell = undefined;
      if (tell === undefined) this.#isTimeUp = true;
      else tell("time_is_up");
    });
  }
}

/**
 * No timer to cancel. A function that is written where it is assigned to a property is taken for one that lives long,
 * and would keep the relay that it was made for with it.
 */
const NO_TIMER = (): void => {};
const NOTHING: readonly never[] = [];
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
