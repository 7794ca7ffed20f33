import type { Outcome } from "../domain/outcome.ts";
import { CLIENT_CLOSED, failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";
import type { ApiFacts } from "../domain/relay_request.ts";
import type { StreamCall, StreamScanner } from "../domain/stream_call.ts";
import type { HeaderFields } from "../domain/wire.ts";
import type { StreamEvents, StreamFailure, WireStream } from "../domain/wire_stream.ts";
import type { CopyBudget } from "./request_copy.ts";
import {
  type ErrorAnswer,
  StreamAsking,
  type StreamAskingDeps,
  type StreamAskingOptions,
  type StreamAskingUser,
} from "./stream_asking.ts";
import { CANCEL, named, type StreamAttempt } from "./stream_attempt.ts";
import { scheduleIn } from "./stream_limits.ts";
import { StreamReports, type StreamReportsDeps } from "./stream_reports.ts";
import { StreamRequest } from "./stream_request.ts";

/** What a relayed stream works with. */
export interface RelayedStreamDeps extends Omit<StreamAskingDeps, "call" | "request" | "reports" | "user"> {
  readonly metrics: StreamReportsDeps["metrics"];
  readonly budget: CopyBudget;
  /** Takes in how it ended; called once. */
  onOutcome(stream: RelayedStream, outcome: Outcome): void;
}

/** Options, resolved. */
export interface RelayedStreamOptions extends StreamAskingOptions {
  /** Bytes of a request up to which it can be made again. */
  readonly maxCopyBytes: number;
}

/** Milliseconds for a client to take the status that says that its deadline is over. */
const LINGER_MS = 1_000;

/**
 * One call whose messages pass through in both directions as they come.
 *
 * Until a node's answer begins, the call can go to another one: `StreamAsking` sees to that. From the head of an answer
 * on it belongs to that node. The client's pace is the node's, and the other way round: bytes count against the window
 * of who sends until they have left for who receives.
 */
export class RelayedStream implements StreamEvents, StreamAskingUser {
  readonly call: StreamCall;
  readonly #deps: RelayedStreamDeps;
  readonly #client: WireStream;
  readonly #request: StreamRequest;
  readonly #answerScanner: StreamScanner;
  readonly #reports: StreamReports;
  readonly #asking: StreamAsking;
  #cancelDeadline = () => {};
  /** The call has ended, and has its event. */
  #isOver = false;

  constructor(deps: RelayedStreamDeps, options: RelayedStreamOptions, call: StreamCall, client: WireStream) {
    const { selector, transport, clock, log, latencies, budget } = deps;
    this.call = call;
    this.#deps = deps;
    this.#client = client;
    const request = this.#request = new StreamRequest(call.protocol.scanRequest(), budget, options.maxCopyBytes);
    this.#answerScanner = call.protocol.scanAnswer();
    const reports = this.#reports = new StreamReports(deps, call.request);
    this.#asking = new StreamAsking(
      { call, request, selector, transport, clock, log, latencies, reports, user: this },
      options,
    );
  }

  /** Starts to ask nodes; `isComplete`: the request has no body. */
  start(isComplete: boolean): void {
    const { deadlineMs } = this.call;
    if (deadlineMs !== undefined) {
      this.#cancelDeadline = scheduleIn(this.#deps.clock, deadlineMs - this.#now(), () => this.#onDeadline());
    }
    if (isComplete) this.#request.endWithoutBody();
    this.#asking.start();
    if (isComplete) this.#asking.requestEnded();
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
    const error = this.#request.push(chunk, isEnd);
    if (error !== undefined) return this.#endWithError(error);
    this.#asking.send(chunk, isEnd);
  }

  /** A client of gRPC sends none; as an end they are as good as any. */
  onTrailers(): void {
    this.onData(new Uint8Array(), true);
  }

  onWritten(bytes: number): void {
    this.#asking.chosen?.stream?.consume(bytes);
  }

  onEnd(ended: StreamFailure | undefined): void {
    this.#cancelDeadline();
    if (this.#isOver || ended === undefined) return;
    // A stream that had an answer, and that the client wants no more of, has been served.
    const { chosen } = this.#asking;
    if (chosen !== undefined) return this.#endAnswered(chosen, true);
    this.#endFailed(CLIENT_CLOSED);
  }

  #onDeadline(): void {
    // What is left to say waits for a client that does not read.
    if (this.#isOver) return this.#client.reset(CANCEL);
    const { error } = failure("upstream_timeout", "the caller's deadline is over");
    this.#cancelDeadline = scheduleIn(this.#deps.clock, LINGER_MS, () => this.#client.reset(CANCEL));
    const { chosen } = this.#asking;
    if (chosen === undefined) return this.#endWithError(error);
    this.#client.sendTrailers(this.call.protocol.errorTrailers(error));
    this.#endAnswered(chosen, false);
  }

  // What the nodes do.

  attemptOpened(attempt: StreamAttempt, stream: WireStream): void {
    this.#request.sendTo(stream);
    this.attemptWritten(attempt);
  }

  attemptHead(attempt: StreamAttempt, fields: HeaderFields, isEnd: boolean): void {
    const reading = this.call.protocol.readHead(fields, isEnd);
    this.#reports.read(attempt, reading, this.#latencyOf(attempt), this.#request.isEnded);
    if (reading.kind === "open") {
      this.#asking.choose(attempt);
      return this.#client.sendHead(this.#withNotes(fields), false);
    }
    this.#asking.ended(attempt);
    if (reading.kind === "failure") {
      attempt.cancel();
      return this.#asking.takeFailure(attempt, named(attempt, reading.error));
    }
    attempt.complete();
    if (reading.nodeError !== undefined) return this.#asking.takeNodeError({ attempt, fields }, reading.nodeError);
    this.#asking.choose(attempt);
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
    if (!isSuccess) this.#reports.endedWithError(attempt);
    this.#client.sendTrailers(fields);
    this.#endAnswered(attempt, isSuccess);
  }

  attemptWritten(attempt: StreamAttempt): void {
    if (this.#isOver) return;
    const bytes = this.#request.takeWritten(attempt.written);
    if (bytes > 0) this.#client.consume(bytes);
  }

  attemptFailed(attempt: StreamAttempt, error: RelayError, resetCode: number | undefined): void {
    this.#asking.ended(attempt);
    this.#reports.read(attempt, { kind: "failure", error }, this.#latencyOf(attempt), this.#request.isEnded);
    if (attempt !== this.#asking.chosen) return this.#asking.takeFailure(attempt, error);
    if (resetCode === undefined) return this.#endWithError(error);
    this.#endFailed(error);
    // What the node has said so far is with the client, and a reset means the same there as here.
    this.#client.reset(resetCode);
  }

  askingAnswered({ attempt, fields }: ErrorAnswer): void {
    this.#client.sendHead(this.#withNotes(fields), true);
    this.#endAnswered(attempt, false);
  }

  askingFailed(error: RelayError): void {
    this.#endWithError(error);
  }

  // The end.

  /** Tells the client about an error of the relay's. */
  #endWithError(error: RelayError): void {
    if (this.#isOver) return;
    const { protocol } = this.call;
    if (this.#asking.chosen !== undefined) this.#client.sendTrailers(protocol.errorTrailers(error));
    else this.#client.sendHead(this.#withNotes(protocol.errorHead(error)), true);
    this.#endFailed(error);
  }

  #endFailed(error: RelayError): void {
    this.#end({ kind: "failure", error, ...this.#facts(this.#asking.api) });
  }

  #endAnswered(attempt: StreamAttempt, success: boolean): void {
    const { name: provider } = attempt.candidate.provider;
    const response = { status: 200, headers: [], body: null };
    const facts = this.#facts(attempt.api);
    this.#end({ kind: "answer", provider, cacheHit: false, success, response, replyHeaders: [], ...facts });
  }

  #facts(api: ApiFacts) {
    const { tried, retries, hedges } = this.#asking;
    return { api, tried, attempts: tried.length, retries, hedges, notes: [] };
  }

  #end(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#asking.stop();
    this.#deps.onOutcome(this, outcome);
  }

  #withNotes(fields: HeaderFields): HeaderFields {
    const { chosen, tried, retries } = this.#asking;
    const notes: (readonly [string, string])[] = [];
    const providers = chosen?.candidate.provider.name ?? tried.join(",");
    if (providers !== "") notes.push(["lava-provider-address", providers]);
    if (retries > 0) notes.push(["lava-retries", String(retries)]);
    return [...fields, ...notes];
  }

  #latencyOf(attempt: StreamAttempt): number {
    return this.#now() - Math.max(attempt.startedAtMs, this.#request.endedAtMs);
  }

  #now(): number {
    return this.#deps.clock.monotonic();
  }
}
