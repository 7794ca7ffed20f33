import { failure, type RelayError } from "../domain/relay_error.ts";
import type { StreamScanner } from "../domain/stream_call.ts";
import type { WireStream } from "../domain/wire_stream.ts";
import { type CopyBudget, RequestCopy } from "./request_copy.ts";

/** The request of a streamed call, as far as it has come. */
export class StreamRequest {
  readonly #scanner: StreamScanner;
  readonly #copy: RequestCopy;
  #isEnded = false;
  #endedAtMs = 0;
  #consumedBytes = 0;

  constructor(scanner: StreamScanner, budget: CopyBudget, maxCopyBytes: number) {
    this.#scanner = scanner;
    this.#copy = new RequestCopy(budget, maxCopyBytes);
  }

  /** Whether the client has said all. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** When that was; 0 before. */
  get endedAtMs(): number {
    return this.#endedAtMs;
  }

  /** Whether a node can be sent all that has come. */
  get canRepeat(): boolean {
    return this.#copy.isComplete;
  }

  /** Looks at the next bytes; comes back with what is wrong with them, if anything. */
  push(chunk: Uint8Array, isEnd: boolean): RelayError | undefined {
    const error = this.#scanner.push(chunk);
    if (error !== undefined) return error;
    if (isEnd && !this.#scanner.isAtBoundary) {
      return failure("invalid_request", "the request ends in the midst of a message").error;
    }
    this.#isEnded = isEnd;
    return undefined;
  }

  /** There is no body. */
  endWithoutBody(): void {
    this.#isEnded = true;
  }

  endedAt(nowMs: number): void {
    this.#endedAtMs = nowMs;
  }

  /** Keeps a copy, until it gets large and a node has the bytes. */
  keep(chunk: Uint8Array, isElsewhere: boolean): void {
    this.#copy.add(chunk, isElsewhere);
  }

  /** It will not be sent again. */
  forget(): void {
    this.#copy.drop();
  }

  /** Sends what has come to a node that begins with it. */
  sendTo(stream: WireStream): void {
    const { chunks } = this.#copy;
    const last = chunks.length - 1;
    chunks.forEach((chunk, index) => stream.sendData(chunk, this.#isEnded && index === last));
    if (this.#isEnded && last < 0) stream.sendData(new Uint8Array(), true);
  }

  /** Bytes that the client may send more of, as so many have left for a node: those that no node had before. */
  takeWritten(writtenBytes: number): number {
    const bytes = Math.max(0, writtenBytes - this.#consumedBytes);
    this.#consumedBytes += bytes;
    return bytes;
  }
}
