import type { Cancellation } from "../../domain/cancellation.ts";
import type { Clock } from "../../domain/clock.ts";
import type { Connection } from "./connection.ts";
import { type ParsedResponse, ResponseParser } from "./response_parser.ts";

const MAX_HEAD_BYTES = 64 * 1024;

/** A connection with one request after the other, whose responses count from their status on. */
export class Wire {
  /** Milliseconds of its owner's clock. */
  readonly bornAtMs: number;
  /** Told when it ends. */
  onEnd: (() => void) | undefined;
  readonly #io: Connection;
  readonly #clock: Clock;
  readonly #parser: ResponseParser;
  /** Ends the exchange that is under way. */
  #finish: ((response: ParsedResponse | undefined) => void) | undefined;
  #isWriting = false;
  #isClosed = false;

  constructor(io: Connection, clock: Clock, maxBodyBytes: number) {
    this.#io = io;
    this.#clock = clock;
    this.bornAtMs = clock.monotonic();
    this.#parser = new ResponseParser({ maxHeadBytes: MAX_HEAD_BYTES, maxBodyBytes });
    this.#readAll();
  }

  /** Whether it takes another request. */
  get isFree(): boolean {
    return !this.#isClosed && !this.#isWriting && this.#finish === undefined;
  }

  /** Makes a request. Undefined when the connection ends, or the signal aborts, without a response. */
  async exchange(parts: readonly Uint8Array[], signal: Cancellation): Promise<ParsedResponse | undefined> {
    if (signal.aborted) this.close();
    if (!this.isFree) return undefined;
    const { promise, resolve } = Promise.withResolvers<ParsedResponse | undefined>();
    this.#finish = resolve;
    this.#parser.begin(false);
    const abort = () => this.close();
    signal.addEventListener("abort", abort);
    const writing = this.#writeAll(parts);
    const response = await promise;
    signal.removeEventListener("abort", abort);
    if (this.#isWriting && !this.#isClosed) {
      // The runtime may tell of the response before it tells of the write. Else the server does not want the rest.
      await Promise.race([writing, new Promise<void>((resolve) => this.#clock.schedule(0, resolve))]);
    }
    return response;
  }

  /** Ends it at once. Of a response under way the status is left, if that has come. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#io.close();
    } catch {
      // It was closed by the other side.
    }
    this.onEnd?.();
    const { head } = this.#parser;
    this.#end(head && { ...head, body: new Uint8Array(), trailers: [] });
  }

  #end(response: ParsedResponse | undefined): void {
    const finish = this.#finish;
    this.#finish = undefined;
    finish?.(response);
  }

  async #writeAll(parts: readonly Uint8Array[]): Promise<void> {
    this.#isWriting = true;
    try {
      for (const part of parts) {
        for (let rest = part; rest.length > 0;) rest = rest.subarray(await this.#io.write(rest));
      }
      this.#isWriting = false;
    } catch {
      // What the server said before it stopped listening is still to be read, and the read side ends the exchange.
    }
  }

  /** Reads all the time, so that the end of a connection that is not in use is seen when it comes. */
  async #readAll(): Promise<void> {
    try {
      while (!this.#isClosed) {
        const into = this.#parser.space;
        const count = await this.#io.read(into);
        if (this.#finish === undefined) break;
        const state = count === null ? this.#parser.end() : this.#parser.advance(count, into);
        if (state === "more") continue;
        if (state !== "done") break;
        const response = this.#parser.take();
        const isLast = count === null || !response.isPersistent;
        this.#end(response);
        if (isLast) break;
      }
    } catch {
      // It is broken, or was closed.
    }
    this.close();
  }
}
