import { concatBytes } from "../../domain/bytes.ts";
import type { Clock } from "../../domain/clock.ts";
import type { Outcome } from "../../domain/outcome.ts";
import { failure, type RelayError } from "../../domain/relay_error.ts";
import type { StreamCall, StreamScanner } from "../../domain/stream_call.ts";
import type { HeaderFields } from "../../domain/wire.ts";
import type { StreamEvents, StreamFailure, WireStream } from "../../domain/wire_stream.ts";
import { createCall } from "../../protocols/grpc/call.ts";
import type { Relay } from "../../relay/relay.ts";

/** What a collected call works with. */
export interface CollectedCallDeps {
  readonly relay: Relay;
  readonly clock: Clock;
  /** It is over, and has its event. */
  onOver(call: CollectedCall): void;
}

/**
 * A unary call that several nodes are asked at once, because it is written to all of them or their answers are compared:
 * its request is read as a whole, and so are the answers.
 */
export class CollectedCall implements StreamEvents {
  readonly #deps: CollectedCallDeps;
  readonly #call: StreamCall;
  readonly #client: WireStream;
  readonly #scanner: StreamScanner;
  readonly #chunks: Uint8Array[] = [];
  readonly #gone = new AbortController();
  #cancelDeadline = () => {};
  #isRunning = false;
  #isOver = false;

  constructor(deps: CollectedCallDeps, call: StreamCall, client: WireStream) {
    this.#deps = deps;
    this.#call = call;
    this.#client = client;
    this.#scanner = call.protocol.scanRequest();
    if (call.deadlineMs === undefined) return;
    const leftMs = Math.max(0, Math.min(call.deadlineMs - deps.clock.monotonic(), 0x7fffffff));
    const { error } = failure("upstream_timeout", "the caller's deadline is over");
    this.#cancelDeadline = deps.clock.schedule(leftMs, () => this.#refuse(error));
  }

  onHead(): void {}

  onData(chunk: Uint8Array, isEnd: boolean): void {
    if (this.#isOver || this.#isRunning) return;
    const error = this.#scanner.push(chunk);
    if (error !== undefined) return this.#refuse(error);
    this.#chunks.push(chunk.slice());
    this.#client.consume(chunk.length);
    if (this.#scanner.messages + (this.#scanner.isAtBoundary ? 0 : 1) > 1) {
      return this.#refuse(failure("unsupported_api", "this call takes one message").error);
    }
    if (!isEnd) return;
    if (this.#scanner.isAtBoundary) this.#run();
    else this.#refuse(failure("invalid_request", "the request ends in the midst of a message").error);
  }

  onTrailers(): void {
    this.onData(new Uint8Array(), true);
  }

  onWritten(): void {}

  onEnd(ended: StreamFailure | undefined): void {
    if (ended === undefined || this.#isOver) return;
    this.#gone.abort();
    if (!this.#isRunning) this.#over();
  }

  /** The relay stops before the request is complete. */
  interrupt(error: RelayError): void {
    if (!this.#isRunning) this.#refuse(error);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    const { request } = this.#call;
    const { path, headers } = request.nodeRequest;
    const call = createCall(path, headers, concatBytes(this.#chunks));
    const outcome = await this.#deps.relay.run({
      ...request,
      call,
      nodeRequest: { ...request.nodeRequest, body: call.nodeRequest.body },
      signal: this.#gone.signal,
    });
    if (!this.#isOver) this.#answer(outcome);
    this.#over();
  }

  #answer(outcome: Outcome): void {
    const notes = notesOf(outcome);
    if (outcome.kind === "failure") {
      return this.#client.sendHead([...this.#call.protocol.errorHead(outcome.error), ...notes], true);
    }
    const { headers, body, trailers = [] } = outcome.response;
    this.#client.sendHead([...headers, ...notes], trailers.length === 0);
    if (body !== null) this.#client.sendData(body, false);
    if (trailers.length > 0) this.#client.sendTrailers(trailers);
  }

  /** Answers with an error of the relay's; attempts under way are ended, and recorded. */
  #refuse(error: RelayError): void {
    if (this.#isOver) return;
    this.#client.sendHead(this.#call.protocol.errorHead(error), true);
    this.#gone.abort();
    this.#isOver = true;
    if (!this.#isRunning) this.#over();
  }

  #over(): void {
    this.#isOver = true;
    this.#cancelDeadline();
    this.#deps.onOver(this);
  }
}

function notesOf(outcome: Outcome): HeaderFields {
  const providers = outcome.kind === "answer" ? outcome.provider : outcome.tried.join(",");
  const notes = outcome.notes.filter(([name]) => name !== "retry-after");
  return providers === "" ? notes : [["lava-provider-address", providers], ...notes];
}
