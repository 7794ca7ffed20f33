import { NODE_ERRORS } from "../domain/node_error.ts";
import { failure, type RelayError, traitsOf } from "../domain/relay_error.ts";
import type { ApiFacts } from "../domain/relay_request.ts";
import type { StreamReading } from "../domain/stream_call.ts";
import type { HeaderFields } from "../domain/wire.ts";
import type { StreamFailure, WireStream } from "../domain/wire_stream.ts";
import type { Candidate, Sample } from "../providers/selector.ts";
import type { StreamOpener } from "../providers/stream_transport.ts";

/** Who hears of an attempt, until it has ended. */
export interface StreamAttemptUser {
  /** The node can be sent the request. */
  attemptOpened(attempt: StreamAttempt, stream: WireStream): void;
  /** The node's head is there; `isEnd`: and nothing else will come. */
  attemptHead(attempt: StreamAttempt, fields: HeaderFields, isEnd: boolean): void;
  /** Bytes of the answer, lent. */
  attemptData(attempt: StreamAttempt, chunk: Uint8Array, isEnd: boolean): void;
  /** The answer is complete. */
  attemptTrailers(attempt: StreamAttempt, fields: HeaderFields): void;
  /** More bytes of the request have left. */
  attemptWritten(attempt: StreamAttempt): void;
  /** It ended without an answer, or in the midst of one; with a code when the node reset it. */
  attemptFailed(attempt: StreamAttempt, error: RelayError, resetCode: number | undefined): void;
}

/** HTTP/2's code of a reset that means: the call is no longer wanted. */
export const CANCEL = 8;

/** One try of a streamed call against one node URL. */
export class StreamAttempt implements StreamOpener {
  readonly candidate: Candidate;
  readonly api: ApiFacts;
  readonly startedAtMs: number;
  /** When it has had its time; infinite while the request is not complete. */
  endsAtMs = Infinity;
  /** Bytes of the request that have left for the node. */
  written = 0;
  stream: WireStream | undefined;
  readonly #user: StreamAttemptUser;
  #isOver = false;
  #giveUp: () => void = () => {};

  constructor(candidate: Candidate, api: ApiFacts, startedAtMs: number, user: StreamAttemptUser) {
    this.candidate = candidate;
    this.api = api;
    this.startedAtMs = startedAtMs;
    this.#user = user;
  }

  /** Starts it: `open` is the transport's, and comes back with what gives up. */
  start(open: (opener: StreamOpener) => () => void): void {
    const giveUp = open(this);
    if (this.#isOver) giveUp();
    else this.#giveUp = giveUp;
  }

  /** Puts an end to it from this side; nothing more is heard of it. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#giveUp();
    this.stream?.reset(CANCEL);
  }

  /** The answer is complete, and what comes is not of interest. */
  complete(): void {
    this.#isOver = true;
  }

  onOpen(stream: WireStream): void {
    if (this.#isOver) return stream.reset(CANCEL);
    this.stream = stream;
    this.#giveUp = () => {};
    this.#user.attemptOpened(this, stream);
  }

  onUnreachable(error: RelayError): void {
    this.#fail(error, undefined);
  }

  onHead(fields: HeaderFields, isEnd: boolean): void {
    if (!this.#isOver) this.#user.attemptHead(this, fields, isEnd);
  }

  onData(chunk: Uint8Array, isEnd: boolean): void {
    if (!this.#isOver) this.#user.attemptData(this, chunk, isEnd);
  }

  onTrailers(fields: HeaderFields): void {
    if (!this.#isOver) this.#user.attemptTrailers(this, fields);
  }

  onWritten(bytes: number): void {
    this.written += bytes;
    if (!this.#isOver) this.#user.attemptWritten(this);
  }

  onEnd(ended: StreamFailure | undefined): void {
    if (ended === undefined) return this.#fail(failure("malformed_answer", "the answer has no end").error, undefined);
    if (ended.isUnprocessed) {
      return this.#fail(failure("upstream_unreachable", "the node takes no calls").error, undefined);
    }
    const message = ended.by === "peer"
      ? `the node ended the stream with HTTP/2 code ${ended.code}`
      : "the connection broke before the answer was complete";
    const code = ended.by === "self" ? "malformed_answer" : "upstream_disconnected";
    this.#fail(failure(code, message).error, ended.by === "peer" ? ended.code : undefined);
  }

  #fail(error: RelayError, resetCode: number | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#user.attemptFailed(this, named(this, error), resetCode);
  }
}

/** The error with the provider that it is about. */
export function named({ candidate }: StreamAttempt, { code, message }: RelayError): RelayError {
  return { code, message: `provider ${candidate.provider.name}: ${message}` };
}

/** What an attempt that came to an end, or to its answer, by itself says about the node. */
export function sampleOfReading(reading: StreamReading, latencyMs: number): Sample | undefined {
  if (reading.kind === "failure") {
    if (reading.error.code === "upstream_rate_limited") return { kind: "rate_limited", retryAfterMs: 0 };
    return traitsOf(reading.error.code).penalise ? { kind: "failed" } : undefined;
  }
  if (reading.kind === "end" && reading.nodeError !== undefined) {
    if (reading.nodeError === "rate_limited") return { kind: "rate_limited", retryAfterMs: 0 };
    if (NODE_ERRORS[reading.nodeError].penalise) return { kind: "failed" };
  }
  return { kind: "answered", latencyMs };
}
