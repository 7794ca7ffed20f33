import { failure, type RelayError } from "../../domain/relay_error.ts";

const PREFIX_BYTES = 5;

/**
 * Follows the messages of one direction without keeping them: each is a flag, four bytes of length, and so many bytes.
 */
export class MessageScanner {
  readonly #maxBytes: number;
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #prefixBytes = 0;
  #bytesLeft = 0;
  #messages = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Messages that are complete. */
  get messages(): number {
    return this.#messages;
  }

  /** Whether a stream may end here. */
  get isAtBoundary(): boolean {
    return this.#prefixBytes === 0;
  }

  /** Takes in the next bytes; comes back with what is wrong with them, if anything. */
  push(chunk: Uint8Array): RelayError | undefined {
    let at = 0;
    while (at < chunk.length) {
      if (this.#prefixBytes < PREFIX_BYTES) {
        this.#prefix[this.#prefixBytes++] = chunk[at++]!;
        if (this.#prefixBytes < PREFIX_BYTES) continue;
        const error = this.#begin();
        if (error !== undefined) return error;
      } else {
        const taken = Math.min(this.#bytesLeft, chunk.length - at);
        this.#bytesLeft -= taken;
        at += taken;
      }
      if (this.#bytesLeft > 0) continue;
      this.#messages++;
      this.#prefixBytes = 0;
    }
    return undefined;
  }

  #begin(): RelayError | undefined {
    const [flag, a, b, c, d] = this.#prefix as unknown as [number, number, number, number, number];
    if (flag > 1) return failure("invalid_request", "a message has a flag that gRPC does not know").error;
    this.#bytesLeft = (a << 24 | b << 16 | c << 8 | d) >>> 0;
    if (this.#bytesLeft <= this.#maxBytes) return undefined;
    const message = `a message of ${this.#bytesLeft} bytes is larger than ${this.#maxBytes} bytes`;
    return failure("body_too_large", message).error;
  }
}
