import type { Cancellation } from "../../domain/cancellation.ts";
import type { SendResult } from "../../providers/transport.ts";
import type { Fault } from "./head.ts";
import type { ParsedResponse } from "./response_parser.ts";

/** How an exchange ended. */
export type ExchangeResult =
  | { readonly kind: "response"; readonly response: ParsedResponse }
  | { readonly kind: "fault"; readonly fault: Fault }
  /** No connection could be made. */
  | { readonly kind: "unreachable"; readonly reason: string; readonly isOtherProtocol: boolean }
  /** The connection broke before the response was complete. */
  | { readonly kind: "disconnected" }
  /** The request was given up. */
  | { readonly kind: "aborted" };

/** Who can be told that a request is no longer wanted. */
export interface Holder {
  abandon(exchange: Exchange): void;
}

/** One request and what comes of it, of which `finish` makes the result: it waits for a connection, then has one for itself. */
export class Exchange {
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
  readonly isHead: boolean;
  /** It has been on a connection that turned out to be closed, and may be on a second one. */
  isRepeated = false;
  /** Who has it: the pool, or a connection. */
  holder: Holder | undefined;
  readonly promise: Promise<SendResult>;
  readonly #resolve: (result: SendResult | Promise<SendResult>) => void;
  readonly #finish: (result: ExchangeResult) => SendResult | Promise<SendResult>;
  #hasEnded = false;
  readonly #signal: Cancellation;

  constructor(
    parts: readonly Uint8Array<ArrayBuffer>[],
    isHead: boolean,
    signal: Cancellation,
    finish: (result: ExchangeResult) => SendResult | Promise<SendResult>,
  ) {
    this.parts = parts;
    this.isHead = isHead;
    this.#signal = signal;
    this.#finish = finish;
    const { promise, resolve } = Promise.withResolvers<SendResult>();
    this.promise = promise;
    this.#resolve = resolve;
    // An object instead of a function: nothing is made for each request.
    signal.addEventListener("abort", this);
  }

  /** The signal has aborted. */
  handleEvent(): void {
    this.holder?.abandon(this);
    this.end({ kind: "aborted" });
  }

  /** Says how it ended; the first word counts. */
  end(result: ExchangeResult): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.holder = undefined;
    this.#signal.removeEventListener("abort", this);
    try {
      this.#resolve(this.#finish(result));
    } catch (mistake) {
      this.#resolve(Promise.reject(mistake));
    }
  }
}
