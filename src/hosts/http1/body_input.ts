import { BodyDecoder } from "./body_decoder.ts";
import type { Refusal } from "./refusal.ts";
import { type BodyLength, CHUNKED } from "./request_head.ts";
import type { RequestReader } from "./request_reader.ts";

/** A body that nobody wanted is read up to this size, for the connection to go on. */
const MAX_SKIPPED_BYTES = 64 * 1024;

/** What is to come of the body of a connection's request, and who waits for it. */
export class BodyInput {
  readonly #reader: RequestReader;
  #length: BodyLength = 0;
  #isOpen = false;
  /** Some of it may have been taken. */
  #hasBegun = false;
  #decoder: BodyDecoder | undefined;
  #wanted: PromiseWithResolvers<Uint8Array<ArrayBuffer> | undefined> | undefined;
  #refusal: Refusal | undefined;

  constructor(reader: RequestReader) {
    this.#reader = reader;
  }

  /** Bytes of it are missing. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Somebody takes what comes. */
  get isTaken(): boolean {
    return this.#decoder !== undefined;
  }

  /** What is wrong with it, which no answer can be given for; undefined while nothing is. */
  get refusal(): Refusal | undefined {
    return this.#refusal;
  }

  /** Whether what is missing is worth reading for the connection to go on. */
  get canSkip(): boolean {
    return !this.#isOpen || (!this.#hasBegun && this.#length !== CHUNKED && this.#length <= MAX_SKIPPED_BYTES);
  }

  /** A request has come; `isOpen` when not all of its body has. */
  begin(length: BodyLength, isOpen: boolean): void {
    this.#length = length;
    this.#isOpen = isOpen;
    this.#hasBegun = false;
    this.#refusal = undefined;
  }

  /** The body, once it is here; undefined when it is longer. Rejects when it does not come. */
  read(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (this.#hasBegun || !this.#isOpen) return Promise.reject(GONE);
    const wanted = this.#wanted = Promise.withResolvers();
    this.#hasBegun = true;
    this.#decoder = new BodyDecoder(this.#length, maxBytes, true);
    this.feed();
    return wanted.promise;
  }

  /** Nobody wants it any more. */
  cancel(): void {
    this.#decoder = undefined;
    this.#wanted?.reject(GONE);
    this.#wanted = undefined;
  }

  /** What comes is dropped, until it is complete. */
  skip(): void {
    this.#hasBegun = true;
    this.#decoder = new BodyDecoder(this.#length, MAX_SKIPPED_BYTES, false);
  }

  /** Takes what is here of it. */
  feed(): void {
    const decoder = this.#decoder;
    if (decoder === undefined) return;
    this.#reader.feed(decoder);
    const { state } = decoder;
    if (state === "more") return;
    this.#isOpen = state !== "done";
    if (state === "bad") this.#refusal = 400;
    const wanted = this.#wanted;
    this.#decoder = this.#wanted = undefined;
    if (state === "bad") wanted?.reject(GONE);
    else wanted?.resolve(state === "done" ? decoder.body : undefined);
  }
}

const GONE = new Error("the body does not come");
