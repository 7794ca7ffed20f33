import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { NODE_ERRORS, type NodeErrorClass } from "../domain/node_error.ts";
import type { RelayError } from "../domain/relay_error.ts";
import type { ApiFacts } from "../domain/relay_request.ts";
import type { StreamCall } from "../domain/stream_call.ts";
import type { HeaderFields } from "../domain/wire.ts";
import type { NodeUrl } from "../providers/provider.ts";
import type { Candidate, Selector } from "../providers/selector.ts";
import type { StreamTransport } from "../providers/stream_transport.ts";
import { noProvider } from "./asking.ts";
import type { Latencies } from "./latencies.ts";
import { decideNext, type Decision, isNeverSeen, type RetryCause, type RetryOptions } from "./retry_policy.ts";
import { StreamAttempt, type StreamAttemptUser } from "./stream_attempt.ts";
import { expiry, limitsOf, scheduleIn, type StreamLimitOptions } from "./stream_limits.ts";
import type { StreamReports } from "./stream_reports.ts";
import type { StreamRequest } from "./stream_request.ts";

/** What asking works with. */
export interface StreamAskingDeps {
  readonly call: StreamCall;
  readonly request: StreamRequest;
  readonly selector: Selector;
  readonly transport: StreamTransport;
  readonly clock: Clock;
  readonly log: Log;
  /** How long answers took; undefined where nobody wants to know. */
  readonly latencies: Latencies | undefined;
  readonly reports: StreamReports;
  readonly user: StreamAskingUser;
}

/** Options, resolved. */
export interface StreamAskingOptions extends StreamLimitOptions, RetryOptions {}

/** Who hears of the attempts, and of the end of asking. */
export interface StreamAskingUser extends StreamAttemptUser {
  /** Nobody is left to ask: this is the best that there is. */
  askingAnswered(answer: ErrorAnswer): void;
  /** Nobody is left to ask, and nobody has answered. */
  askingFailed(error: RelayError): void;
}

/** An answer of a node that is an error of its own. */
export interface ErrorAnswer {
  readonly attempt: StreamAttempt;
  readonly fields: HeaderFields;
}

/**
 * Asks nodes for one streamed call, until the answer of one of them begins: another one when a node can't be reached,
 * and when one fails or is slow, as the retry policy says, and as long as the request can be repeated.
 */
export class StreamAsking {
  readonly #deps: StreamAskingDeps;
  readonly #options: StreamAskingOptions;
  #api: ApiFacts;

  /** Those under way. */
  readonly #attempts = new Set<StreamAttempt>();
  readonly #tried: string[] = [];
  readonly #triedUrls = new Set<NodeUrl>();
  #chosen: StreamAttempt | undefined;
  #lastUnreachable: Candidate | undefined;
  #hasWaited = false;
  #errors = 0;
  #retries = 0;
  #hedges = 0;
  #best: ErrorAnswer | undefined;
  #lastError: RelayError | undefined;
  #cancelSlow = () => {};
  #isOver = false;

  constructor(deps: StreamAskingDeps, options: StreamAskingOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#api = deps.call.request.api;
  }

  /** The one whose answer the client gets. */
  get chosen(): StreamAttempt | undefined {
    return this.#chosen;
  }

  /** What the call is billed as, as long as nobody has answered. */
  get api(): ApiFacts {
    return this.#api;
  }

  /** Names of the providers that were asked, in order. */
  get tried(): readonly string[] {
    return this.#tried;
  }

  get retries(): number {
    return this.#retries;
  }

  get hedges(): number {
    return this.#hedges;
  }

  start(): void {
    if (!this.#askAnother()) this.#giveUp();
  }

  /** Ends all attempts; nothing is heard from here any more. */
  stop(): void {
    this.#isOver = true;
    this.#cancelSlow();
    for (const attempt of this.#attempts) attempt.cancel();
    this.#attempts.clear();
    this.#deps.request.forget();
  }

  /** Passes more of the request on, and keeps it for those who may be asked later. */
  send(chunk: Uint8Array, isEnd: boolean): void {
    if (this.#chosen === undefined) this.#keep(chunk);
    for (const attempt of this.#attempts) attempt.stream?.sendData(chunk, isEnd);
    if (isEnd) this.requestEnded();
  }

  /** From here on nodes have their time. */
  requestEnded(): void {
    this.#deps.request.endedAt(this.#now());
    for (const attempt of this.#attempts) this.#limit(attempt);
  }

  /** The client gets this one's answer. The others are not needed. */
  choose(attempt: StreamAttempt): void {
    this.#chosen = attempt;
    this.#cancelSlow();
    this.#deps.request.forget();
    const nowMs = this.#now();
    for (const other of this.#attempts) {
      if (other === attempt) continue;
      other.cancel();
      this.#attempts.delete(other);
      if (other.startedAtMs <= attempt.startedAtMs) this.#deps.reports.outrun(other, nowMs - other.startedAtMs);
    }
  }

  /** It is not under way any more. */
  ended(attempt: StreamAttempt): void {
    this.#attempts.delete(attempt);
  }

  /** An attempt has ended without an answer. */
  takeFailure(attempt: StreamAttempt, error: RelayError): void {
    this.#lastError = error;
    const cause: RetryCause = { kind: "failed", code: error.code };
    if (isNeverSeen(cause)) this.#lastUnreachable = attempt.candidate;
    else this.#errors++;
    this.#goOn(attempt, cause);
  }

  /** An attempt has ended with an error of the node's own. */
  takeNodeError(answer: ErrorAnswer, nodeError: NodeErrorClass): void {
    this.#errors++;
    this.#best = answer;
    if (NODE_ERRORS[nodeError].addsArchive) this.#addArchive();
    this.#goOn(answer.attempt, { kind: "node_error", nodeError });
  }

  /** Starts an attempt against a node that has not been asked. False when there is none, or the request is gone. */
  #askAnother(): boolean {
    if (!this.#deps.request.canRepeat) return false;
    const { request } = this.#deps.call;
    let candidate = this.#select();
    if (candidate === undefined && this.#api !== request.api) {
      // Those with the archive have been asked; another one may be luckier without.
      this.#api = request.api;
      candidate = this.#select();
    }
    if (candidate === undefined) return false;
    this.#tried.push(candidate.provider.name);
    this.#triedUrls.add(candidate.nodeUrl);
    this.#attempt(candidate, false);
    return true;
  }

  #select(): Candidate | undefined {
    const { request } = this.#deps.call;
    return this.#deps.selector.select({ request, api: this.#api, tried: this.#triedUrls, minBlock: 0 });
  }

  #attempt(candidate: Candidate, isPatient: boolean): void {
    const { request: { nodeRequest, caller }, deadlineMs } = this.#deps.call;
    const nowMs = this.#now();
    const attempt = new StreamAttempt(candidate, this.#api, nowMs, this.#deps.user);
    this.#attempts.add(attempt);
    if (this.#deps.request.isEnded) this.#limit(attempt);
    attempt.start((opener) =>
      this.#deps.transport.open(candidate.nodeUrl, {
        path: nodeRequest.path,
        headers: nodeRequest.headers,
        clientAddress: caller.address,
        timeoutMs: deadlineMs === undefined ? undefined : Math.max(0, deadlineMs - nowMs),
        isPatient,
      }, opener)
    );
  }

  /** After an attempt that was no success: asks another node, waits for those under way, or gives up. */
  #goOn(attempt: StreamAttempt, cause: RetryCause): void {
    if (this.#isOver) return;
    const decision = this.#decide(cause);
    this.#deps.log.debug("attempt failed", { provider: attempt.candidate.provider.name, ...decision });
    if (decision.action === "ask" && this.#askAnother()) {
      this.#retries++;
      return;
    }
    const isFinal = decision.reason === "same_everywhere" || decision.reason === "permanent";
    if (this.#attempts.size === 0 || isFinal) this.#giveUp();
  }

  #decide(cause: RetryCause): Decision {
    const { stateful } = this.#deps.call.request.api;
    const state = { isCrossValidation: false, isBatch: false, attempts: this.#tried.length, errors: this.#errors };
    return decideNext({ cause, ...state, stateful, remainingMs: Infinity }, this.#options);
  }

  /** From now on a node is asked that keeps old data, where there is one. Happens once. */
  #addArchive(): void {
    const { request: { api } } = this.#deps.call;
    if (this.#api !== api || !this.#deps.selector.serves("archive")) return;
    this.#api = api.withExtension("archive") ?? api;
  }

  /** Nobody is left to ask: the client gets the best that there is, or a node that may come back is waited for. */
  #giveUp(): void {
    if (this.#best !== undefined) return this.#deps.user.askingAnswered(this.#best);
    const candidate = this.#lastUnreachable;
    const mayCome = this.#lastError?.code === "upstream_unreachable" && this.#deps.request.canRepeat;
    if (candidate === undefined || this.#hasWaited || !mayCome) {
      return this.#deps.user.askingFailed(this.#lastError ?? noProvider(this.#deps.call.request, this.#api));
    }
    this.#hasWaited = true;
    this.#attempt(candidate, true);
  }

  /** Keeps a copy of what came. Once that is too large, only the node that has the bytes can go on. */
  #keep(chunk: Uint8Array): void {
    const isOpen = [...this.#attempts].some(({ stream }) => stream !== undefined);
    this.#deps.request.keep(chunk, isOpen);
    if (this.#deps.request.canRepeat) return;
    for (const attempt of this.#attempts) {
      if (attempt.stream !== undefined) continue;
      attempt.cancel();
      this.#attempts.delete(attempt);
    }
  }

  /** From the end of the request on a node has its time, and is slow when it has had its share of that. */
  #limit(attempt: StreamAttempt): void {
    if (this.#chosen !== undefined || this.#isOver) return;
    const { call, request, latencies } = this.#deps;
    const { slowAtMs, endsAtMs } = limitsOf(attempt, call, request.endedAtMs, latencies, this.#options);
    attempt.endsAtMs = endsAtMs;
    this.#lookAt(slowAtMs, () => this.#onSlow());
  }

  #onSlow(): void {
    if (this.#chosen !== undefined || this.#isOver || this.#deps.call.request.api.isSubscription) return;
    if (this.#decide({ kind: "slow" }).action === "ask" && this.#askAnother()) {
      this.#hedges++;
      return;
    }
    this.#expire();
  }

  /** Ends the attempts that have had their time, and comes back when the next one has. */
  #expire(): void {
    const nowMs = this.#now();
    let nextMs = Infinity;
    for (const attempt of [...this.#attempts]) {
      if (attempt.endsAtMs > nowMs) {
        nextMs = Math.min(nextMs, attempt.endsAtMs);
        continue;
      }
      attempt.cancel();
      this.#attempts.delete(attempt);
      this.#lastError = expiry(attempt, nowMs);
      this.#hasWaited = true;
      this.#deps.reports.expired(attempt);
    }
    if (this.#attempts.size === 0) return this.#giveUp();
    this.#lookAt(nextMs, () => this.#expire());
  }

  #lookAt(atMs: number, callback: () => void): void {
    this.#cancelSlow();
    if (atMs < Infinity) this.#cancelSlow = scheduleIn(this.#deps.clock, atMs - this.#now(), callback);
  }

  #now(): number {
    return this.#deps.clock.monotonic();
  }
}
