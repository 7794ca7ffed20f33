import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { NODE_ERRORS, type NodeErrorClass } from "../domain/node_error.ts";
import type { Outcome } from "../domain/outcome.ts";
import { CLIENT_CLOSED, failure, type RelayError, SHUTTING_DOWN, traitsOf } from "../domain/relay_error.ts";
import type { ApiFacts } from "../domain/relay_request.ts";
import type { StreamCall, StreamReading, StreamScanner } from "../domain/stream_call.ts";
import type { HeaderFields } from "../domain/wire.ts";
import type { StreamEvents, StreamFailure, WireStream } from "../domain/wire_stream.ts";
import type { NodeUrl } from "../providers/provider.ts";
import type { Candidate, Selector } from "../providers/selector.ts";
import type { StreamTransport } from "../providers/stream_transport.ts";
import { noProvider } from "./asking.ts";
import type { Latencies } from "./latencies.ts";
import type { RelayMetrics } from "./relay_metrics.ts";
import { type PlanOptions, planRelay } from "./plan.ts";
import { type CopyBudget, RequestCopy } from "./request_copy.ts";
import { decideNext, type Decision, isNeverSeen, type RetryCause, type RetryOptions } from "./retry_policy.ts";
import { sampleOfReading, StreamAttempt, type StreamAttemptUser } from "./stream_attempt.ts";

/** What a relayed stream works with. */
export interface RelayedStreamDeps {
  readonly selector: Selector;
  readonly transport: StreamTransport;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: RelayMetrics;
  /** How long answers took; undefined where nobody wants to know. */
  readonly latencies: Latencies | undefined;
  readonly budget: CopyBudget;
  /** Takes in how it ended; called once. */
  onOutcome(stream: RelayedStream, outcome: Outcome): void;
}

/** Options, resolved. */
export interface RelayedStreamOptions extends PlanOptions, RetryOptions {
  /** Bytes of a request up to which it can be made again. */
  readonly maxCopyBytes: number;
  /** Share of a provider's answers that are faster than a slow one; 0 for those within the relay timeout. */
  readonly hedgeQuantile: number;
}

/** An answer of a node that is an error of its own. */
interface ErrorAnswer {
  readonly attempt: StreamAttempt;
  readonly fields: HeaderFields;
}

const MAX_TIMER_MS = 0x7fffffff;
/** Milliseconds for a client to take the status that says that its deadline is over. */
const LINGER_MS = 1_000;
/** HTTP/2's code of a reset that means: the call is no longer wanted. */
const CANCEL = 8;

/**
 * One call whose messages pass through in both directions as they come.
 *
 * Until a node's answer begins, the call can go to another one: when a node can't be reached, always; when a node fails
 * or is slow, as the retry policy says, and while the request is small enough to have been kept. From the head of an
 * answer on it belongs to that node. The client's pace is the node's, and the other way round: bytes count against the
 * window of who sends until they have left for who receives.
 */
export class RelayedStream implements StreamEvents, StreamAttemptUser {
  readonly call: StreamCall;
  readonly #deps: RelayedStreamDeps;
  readonly #options: RelayedStreamOptions;
  readonly #client: WireStream;
  #api: ApiFacts;

  /** Those under way. */
  readonly #attempts = new Set<StreamAttempt>();
  readonly #tried: string[] = [];
  readonly #triedUrls = new Set<NodeUrl>();
  /** The one whose answer the client gets. */
  #chosen: StreamAttempt | undefined;
  #lastUnreachable: Candidate | undefined;
  #hasWaited = false;
  #errors = 0;
  #retries = 0;
  #hedges = 0;
  #best: ErrorAnswer | undefined;
  #lastError: RelayError | undefined;

  readonly #copy: RequestCopy;
  readonly #requestScanner: StreamScanner;
  readonly #answerScanner: StreamScanner;
  #isRequestEnded = false;
  #requestEndedAtMs = 0;
  #consumed = 0;

  #cancelDeadline = () => {};
  #cancelSlow = () => {};
  /** The call has ended, and has its event. */
  #isOver = false;
  /** The client has all that was said, or wants no more. */
  #isClientOver = false;

  constructor(deps: RelayedStreamDeps, options: RelayedStreamOptions, call: StreamCall, client: WireStream) {
    this.#deps = deps;
    this.#options = options;
    this.call = call;
    this.#client = client;
    this.#api = call.request.api;
    this.#copy = new RequestCopy(deps.budget, options.maxCopyBytes);
    this.#requestScanner = call.protocol.scanRequest();
    this.#answerScanner = call.protocol.scanAnswer();
  }

  /** Starts to ask nodes; `isComplete`: the request has no body. */
  start(isComplete: boolean): void {
    const { deadlineMs } = this.call;
    if (deadlineMs !== undefined) {
      this.#cancelDeadline = this.#after(deadlineMs - this.#now(), () => this.#onDeadline());
    }
    if (isComplete) this.#isRequestEnded = true;
    if (!this.#askAnother()) this.#giveUp();
    if (isComplete) this.#onRequestEnd();
  }

  /** The relay stops: the client is told, and it is over. */
  interrupt(): void {
    this.#endWithError(SHUTTING_DOWN);
  }

  // What the client does.

  /** A client has no head of its own. */
  onHead(): void {}

  onData(chunk: Uint8Array, isEnd: boolean): void {
    if (this.#isOver) return;
    const error = this.#requestScanner.push(chunk);
    if (error !== undefined) return this.#endWithError(error);
    if (isEnd && !this.#requestScanner.isAtBoundary) {
      return this.#endWithError(failure("invalid_request", "the request ends in the midst of a message").error);
    }
    this.#isRequestEnded = isEnd;
    if (this.#chosen === undefined) this.#keep(chunk);
    for (const attempt of this.#attempts) attempt.stream?.sendData(chunk, isEnd);
    if (isEnd) this.#onRequestEnd();
  }

  /** A client of gRPC sends none; as an end they are as good as any. */
  onTrailers(): void {
    this.onData(new Uint8Array(), true);
  }

  onWritten(bytes: number): void {
    this.#chosen?.stream?.consume(bytes);
  }

  onEnd(ended: StreamFailure | undefined): void {
    this.#isClientOver = true;
    this.#cancelDeadline();
    if (this.#isOver || ended === undefined) return;
    // A stream that had an answer, and that the client wants no more of, has been served.
    if (this.#chosen !== undefined) return this.#endAnswered(this.#chosen, true);
    this.#endFailed(CLIENT_CLOSED);
  }

  // What the nodes do.

  attemptOpened(attempt: StreamAttempt, stream: WireStream): void {
    const { chunks } = this.#copy;
    const last = chunks.length - 1;
    chunks.forEach((chunk, index) => stream.sendData(chunk, this.#isRequestEnded && index === last));
    if (this.#isRequestEnded && last < 0) stream.sendData(new Uint8Array(), true);
    this.attemptWritten(attempt);
  }

  attemptHead(attempt: StreamAttempt, fields: HeaderFields, isEnd: boolean): void {
    const reading = this.call.protocol.readHead(fields, isEnd);
    this.#report(attempt, reading);
    if (reading.kind === "open") {
      this.#choose(attempt);
      return this.#client.sendHead(this.#withNotes(fields), false);
    }
    this.#attempts.delete(attempt);
    if (reading.kind === "failure") {
      attempt.cancel();
      return this.#takeFailure(attempt, named(attempt, reading.error));
    }
    attempt.complete();
    if (reading.nodeError !== undefined) return this.#takeNodeError({ attempt, fields }, reading.nodeError);
    this.#choose(attempt);
    this.#client.sendHead(this.#withNotes(fields), true);
    this.#endAnswered(attempt, true);
  }

  attemptData(attempt: StreamAttempt, chunk: Uint8Array, isEnd: boolean): void {
    const error = this.#answerScanner.push(chunk);
    if (error !== undefined) return this.#endWithError(named(attempt, error));
    if (chunk.length > 0) this.#client.sendData(chunk, false);
    if (isEnd) this.#endWithError(named(attempt, failure("malformed_answer", "the answer has no status").error));
  }

  attemptTrailers(attempt: StreamAttempt, fields: HeaderFields): void {
    const reading = this.call.protocol.readTrailers(fields);
    if (reading.kind === "failure") return this.#endWithError(named(attempt, reading.error));
    attempt.complete();
    const isSuccess = reading.kind === "end" && reading.nodeError === undefined;
    const { name } = attempt.candidate.provider;
    if (!isSuccess) this.#deps.metrics.attemptFailed(this.call.request, name, "node_error");
    this.#client.sendTrailers(fields);
    this.#endAnswered(attempt, isSuccess);
  }

  attemptWritten(attempt: StreamAttempt): void {
    if (this.#isOver || attempt.written <= this.#consumed) return;
    const bytes = attempt.written - this.#consumed;
    this.#consumed = attempt.written;
    this.#client.consume(bytes);
  }

  attemptFailed(attempt: StreamAttempt, error: RelayError, resetCode: number | undefined): void {
    this.#attempts.delete(attempt);
    this.#report(attempt, { kind: "failure", error });
    if (attempt !== this.#chosen) return this.#takeFailure(attempt, error);
    if (resetCode === undefined) return this.#endWithError(error);
    this.#endFailed(error);
    // What the node has said so far is with the client, and a reset means the same there as here.
    this.#client.reset(resetCode);
  }

  // Choosing.

  /** Starts an attempt against a node that has not been asked. False when there is none, or the request is gone. */
  #askAnother(): boolean {
    if (!this.#copy.isComplete) return false;
    const { request } = this.call;
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
    const { call: { request } } = this;
    return this.#deps.selector.select({ request, api: this.#api, tried: this.#triedUrls, minBlock: 0 });
  }

  #attempt(candidate: Candidate, isPatient: boolean): void {
    const { request: { nodeRequest, caller }, deadlineMs } = this.call;
    const nowMs = this.#now();
    const attempt = new StreamAttempt(candidate, this.#api, nowMs, this);
    this.#attempts.add(attempt);
    if (this.#isRequestEnded) this.#limit(attempt);
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

  /** The client gets this one's answer. The others are not needed. */
  #choose(attempt: StreamAttempt): void {
    this.#chosen = attempt;
    this.#cancelSlow();
    this.#copy.drop();
    const nowMs = this.#now();
    for (const other of this.#attempts) {
      if (other === attempt) continue;
      other.cancel();
      this.#attempts.delete(other);
      if (other.startedAtMs > attempt.startedAtMs) continue;
      this.#deps.selector.report(other.candidate, { kind: "outrun", latencyMs: nowMs - other.startedAtMs }, other.api);
    }
  }

  #takeFailure(attempt: StreamAttempt, error: RelayError): void {
    this.#lastError = error;
    const cause: RetryCause = { kind: "failed", code: error.code };
    if (isNeverSeen(cause)) this.#lastUnreachable = attempt.candidate;
    else this.#errors++;
    this.#goOn(attempt, cause);
  }

  #takeNodeError(answer: ErrorAnswer, nodeError: NodeErrorClass): void {
    this.#errors++;
    this.#best = answer;
    if (NODE_ERRORS[nodeError].addsArchive) this.#addArchive();
    this.#goOn(answer.attempt, { kind: "node_error", nodeError });
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
    const { stateful } = this.call.request.api;
    const state = { isCrossValidation: false, isBatch: false, attempts: this.#tried.length, errors: this.#errors };
    return decideNext({ cause, ...state, stateful, remainingMs: Infinity }, this.#options);
  }

  /** From now on a node is asked that keeps old data, where there is one. Happens once. */
  #addArchive(): void {
    const { request: { api } } = this.call;
    if (this.#api !== api || !this.#deps.selector.serves("archive")) return;
    this.#api = api.withExtension("archive") ?? api;
  }

  /** Nobody is left to ask: the client gets the best that there is, or a node that may come back is waited for. */
  #giveUp(): void {
    if (this.#best !== undefined) {
      this.#client.sendHead(this.#withNotes(this.#best.fields), true);
      return this.#endAnswered(this.#best.attempt, false);
    }
    const candidate = this.#lastUnreachable;
    const mayCome = this.#lastError?.code === "upstream_unreachable" && this.#copy.isComplete;
    if (candidate === undefined || this.#hasWaited || !mayCome) {
      return this.#endWithError(this.#lastError ?? noProvider(this.call.request, this.#api));
    }
    this.#hasWaited = true;
    this.#attempt(candidate, true);
  }

  // Time.

  #onRequestEnd(): void {
    this.#requestEndedAtMs = this.#now();
    for (const attempt of this.#attempts) this.#limit(attempt);
  }

  /** From the end of the request on a node has its time, and is slow when it has had its share of that. */
  #limit(attempt: StreamAttempt): void {
    if (this.#chosen !== undefined || this.#isOver) return;
    const { request, deadlineMs } = this.call;
    const plan = planRelay(request, this.#options);
    const { provider, nodeUrl } = attempt.candidate;
    const sinceMs = Math.max(attempt.startedAtMs, this.#requestEndedAtMs);
    const timeoutMs = plan.relayTimeoutMs + nodeUrl.extraTimeoutMs;
    const lateMs = this.#deps.latencies?.quantile(provider.name, attempt.api, this.#options.hedgeQuantile) ?? Infinity;
    const slowAtMs = sinceMs + Math.min(timeoutMs, lateMs);
    // What is subscribed to may be silent for as long as it likes; and who has a deadline of its own knows best.
    const isUnlimited = request.api.isSubscription || deadlineMs !== undefined;
    attempt.endsAtMs = isUnlimited ? Infinity : Math.max(plan.deadlineMs, sinceMs + timeoutMs);
    this.#cancelSlow();
    this.#cancelSlow = this.#after(slowAtMs - this.#now(), () => this.#onSlow());
  }

  #onSlow(): void {
    if (this.#chosen !== undefined || this.#isOver || this.call.request.api.isSubscription) return;
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
      const isOpen = attempt.stream !== undefined;
      attempt.cancel();
      this.#attempts.delete(attempt);
      const message = `did not ${isOpen ? "answer" : "connect"} within ${Math.round(nowMs - attempt.startedAtMs)} ms`;
      this.#lastError = named(attempt, failure(isOpen ? "upstream_timeout" : "upstream_unreachable", message).error);
      this.#hasWaited = true;
      this.#deps.metrics.attemptFailed(this.call.request, attempt.candidate.provider.name, "protocol_error");
      this.#deps.selector.report(attempt.candidate, { kind: "failed" }, attempt.api);
    }
    if (this.#attempts.size === 0) return this.#giveUp();
    this.#cancelSlow();
    if (nextMs < Infinity) this.#cancelSlow = this.#after(nextMs - nowMs, () => this.#expire());
  }

  #onDeadline(): void {
    // What is left to say waits for a client that does not read.
    if (this.#isOver) return this.#client.reset(CANCEL);
    const { error } = failure("upstream_timeout", "the caller's deadline is over");
    this.#cancelDeadline = this.#after(LINGER_MS, () => this.#client.reset(CANCEL));
    if (this.#chosen === undefined) return this.#endWithError(error);
    const chosen = this.#chosen;
    this.#client.sendTrailers(this.call.protocol.errorTrailers(error));
    this.#endAnswered(chosen, false);
  }

  #after(ms: number, callback: () => void): () => void {
    return this.#deps.clock.schedule(Math.max(0, Math.min(ms, MAX_TIMER_MS)), callback);
  }

  #now(): number {
    return this.#deps.clock.monotonic();
  }

  // The end.

  /** Keeps a copy, until it gets large and a node has the bytes; then only the node that has them can go on. */
  #keep(chunk: Uint8Array): void {
    const isOpen = [...this.#attempts].some(({ stream }) => stream !== undefined);
    this.#copy.add(chunk, isOpen);
    if (this.#copy.isComplete) return;
    for (const attempt of this.#attempts) {
      if (attempt.stream !== undefined) continue;
      attempt.cancel();
      this.#attempts.delete(attempt);
    }
  }

  #report(attempt: StreamAttempt, reading: StreamReading): void {
    const nowMs = this.#now();
    const { provider } = attempt.candidate;
    const fault = faultOf(reading);
    if (fault !== undefined) this.#deps.metrics.attemptFailed(this.call.request, provider.name, fault);
    const sample = sampleOfReading(reading, nowMs - Math.max(attempt.startedAtMs, this.#requestEndedAtMs));
    // While the client has not said all, an answer says little about how fast the node is.
    if (sample === undefined || (sample.kind === "answered" && !this.#isRequestEnded)) return;
    this.#deps.selector.report(attempt.candidate, sample, attempt.api);
    if (sample.kind === "answered") this.#deps.latencies?.add(provider.name, attempt.api, sample.latencyMs);
  }

  #withNotes(fields: HeaderFields): HeaderFields {
    const notes: (readonly [string, string])[] = [];
    const providers = this.#chosen?.candidate.provider.name ?? this.#tried.join(",");
    if (providers !== "") notes.push(["lava-provider-address", providers]);
    if (this.#retries > 0) notes.push(["lava-retries", String(this.#retries)]);
    return [...fields, ...notes];
  }

  /** Tells the client about an error of the relay's. */
  #endWithError(error: RelayError): void {
    if (this.#isOver) return;
    const { protocol } = this.call;
    if (this.#chosen !== undefined) this.#client.sendTrailers(protocol.errorTrailers(error));
    else this.#client.sendHead(this.#withNotes(protocol.errorHead(error)), true);
    this.#endFailed(error);
  }

  #endFailed(error: RelayError): void {
    this.#end({ kind: "failure", error, ...this.#facts(this.#api) });
  }

  #endAnswered(attempt: StreamAttempt, success: boolean): void {
    const { name: provider } = attempt.candidate.provider;
    const response = { status: 200, headers: [], body: null };
    const facts = this.#facts(attempt.api);
    this.#end({ kind: "answer", provider, cacheHit: false, success, response, replyHeaders: [], ...facts });
  }

  #facts(api: ApiFacts) {
    const tried = this.#tried;
    return { api, tried, attempts: tried.length, retries: this.#retries, hedges: this.#hedges, notes: [] };
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#cancelSlow();
    for (const attempt of this.#attempts) attempt.cancel();
    this.#attempts.clear();
    this.#copy.drop();
    this.#deps.onOutcome(this, outcome);
  }
}

/** Whether an attempt was answered with an error of the node's own, or not at all. */
function faultOf(reading: StreamReading): "node_error" | "protocol_error" | undefined {
  if (reading.kind === "open") return undefined;
  if (reading.kind === "end") return reading.nodeError === undefined ? undefined : "node_error";
  return traitsOf(reading.error.code).fault === "upstream" ? "protocol_error" : undefined;
}

/** The error with the provider that it is about. */
function named(attempt: StreamAttempt, { code, message }: RelayError): RelayError {
  return { code, message: `provider ${attempt.candidate.provider.name}: ${message}` };
}
