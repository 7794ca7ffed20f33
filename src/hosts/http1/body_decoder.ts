import { passingBytes } from "../../domain/bytes.ts";
import { CHUNKED, latin1 } from "./request_head.ts";
import type { BodyLength } from "./request_head.ts";

/** Where a body stands: `bad` when its chunks can't be read. */
export type BodyState = "more" | "done" | "too_large" | "bad";

/** Size and extensions of one chunk, with the end of the line. */
const MAX_CHUNK_LINE_BYTES = 256;
/** One field behind a body. */
const MAX_TRAILER_BYTES = 2_048;
/** Extensions and trailers of one body. Both are dropped. */
const MAX_OVERHEAD_BYTES = 8_192;
/** What is allocated for a body before its bytes have come. */
const FIRST_BODY_BYTES = 64 * 1024;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const EXTENSION = /;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[\t \x21\x23-\x5b\x5d-\x7e]*"))?/;
/** Eight digits of a size are beyond every limit. */
const CHUNK_LINE = new RegExp(`^([0-9A-Fa-f]{1,8})(?:${EXTENSION.source})*$`);
/** What comes too late for some to be heeded, and may be by others. */
const LATE = "connection|content-length|host|proxy-connection|transfer-encoding|upgrade";
/** As in a head: no white space before the colon, no folded lines, no control characters. */
const TRAILER = new RegExp(`^(?!(?:${LATE}):)[!#$%&'*+\\-.^_\`|~0-9a-z]+:[\\t \\x21-\\x7e\\x80-\\xff]*$`, "i");

/** Takes a body out of the bytes of a connection, or sees to it that it is gone by. */
export class BodyDecoder {
  #state: BodyState = "more";
  readonly #maxBytes: number;
  readonly #isKept: boolean;
  readonly #isChunked: boolean;
  #stage: "data" | "size" | "data_end" | "trailers";
  /** Bytes that are missing of the body, or of the chunk. */
  #missing: number;
  #body = new Uint8Array();
  #filled = 0;
  #overheadBytes = 0;

  /** `isKept` is false for a body that nobody wants. */
  constructor(length: BodyLength, maxBytes: number, isKept: boolean) {
    this.#maxBytes = maxBytes;
    this.#isKept = isKept;
    this.#isChunked = length === CHUNKED;
    this.#stage = this.#isChunked ? "size" : "data";
    this.#missing = this.#isChunked ? 0 : length;
    if (this.#missing > maxBytes) this.#state = "too_large";
  }

  get state(): BodyState {
    return this.#state;
  }

  /** All of the body, when it is done. */
  get body(): Uint8Array<ArrayBuffer> {
    return this.#filled === this.#body.length ? this.#body : this.#body.slice(0, this.#filled);
  }

  /** Takes what it can use of the bytes from `start` to `end`, and says where the rest of them begins. */
  push(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
    while (this.#state === "more") {
      const next = this.#step(bytes, start, end);
      if (next === start) break;
      start = next;
    }
    return start;
  }

  #step(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
    switch (this.#stage) {
      case "data":
        return this.#takeData(bytes, start, end);
      case "size":
        return this.#readSize(bytes, start, end);
      case "data_end": {
        if (start < end && bytes[start] !== CARRIAGE_RETURN) return this.#fail("bad", start);
        if (end - start < 2) return start;
        if (bytes[start + 1] !== LINE_FEED) return this.#fail("bad", start);
        this.#stage = "size";
        return start + 2;
      }
      case "trailers":
        return this.#readTrailer(bytes, start, end);
    }
  }

  #takeData(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
    const count = Math.min(this.#missing, end - start);
    if (this.#isKept && count > 0) {
      if (count === this.#missing && this.#filled === 0 && !this.#isChunked) this.#body = passingBytes(count);
      else this.#reserve(this.#filled + count);
      this.#body.set(bytes.subarray(start, start + count), this.#filled);
    }
    this.#filled += count;
    this.#missing -= count;
    if (this.#missing === 0) {
      if (this.#isChunked) this.#stage = "data_end";
      else this.#state = "done";
    }
    return start + count;
  }

  #readSize(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
    const next = this.#lineEnd(bytes, start, end, MAX_CHUNK_LINE_BYTES);
    if (next === undefined) return start;
    const match = CHUNK_LINE.exec(latin1(bytes, start, next - 2));
    if (match === null) return this.#fail("bad", start);
    // A size alone costs its sender a byte of the body; extensions are free, and counted.
    this.#overheadBytes += match[0].length - match[1]!.length;
    if (this.#overheadBytes > MAX_OVERHEAD_BYTES) return this.#fail("bad", start);
    this.#missing = parseInt(match[1]!, 16);
    if (this.#filled + this.#missing > this.#maxBytes) return this.#fail("too_large", start);
    this.#stage = this.#missing === 0 ? "trailers" : "data";
    return next;
  }

  #readTrailer(bytes: Uint8Array<ArrayBuffer>, start: number, end: number): number {
    const next = this.#lineEnd(bytes, start, end, MAX_TRAILER_BYTES);
    if (next === undefined) return start;
    this.#overheadBytes += next - start;
    if (this.#overheadBytes > MAX_OVERHEAD_BYTES) return this.#fail("bad", start);
    if (next - start === 2) this.#state = "done";
    else if (!TRAILER.test(latin1(bytes, start, next - 2))) return this.#fail("bad", start);
    return next;
  }

  /** Where the next line begins; undefined when this one is not complete, or has no good end. */
  #lineEnd(bytes: Uint8Array<ArrayBuffer>, start: number, end: number, maxBytes: number): number | undefined {
    const most = Math.min(end, start + maxBytes);
    let at = start;
    while (at < most && bytes[at] !== LINE_FEED) at++;
    if (at === most) {
      if (most < end || end - start >= maxBytes) this.#state = "bad";
      return undefined;
    }
    if (at > start && bytes[at - 1] === CARRIAGE_RETURN) return at + 1;
    this.#state = "bad";
    return undefined;
  }

  /** Makes the body's place at least this large: half as much again, and not beyond what can come. */
  #reserve(bytes: number): void {
    if (bytes <= this.#body.length) return;
    const most = this.#isChunked ? Infinity : this.#filled + this.#missing;
    const least = this.#isChunked ? 1_024 : FIRST_BODY_BYTES;
    const size = Math.min(Math.max(bytes, Math.ceil(this.#body.length * 1.5), least), most);
    const larger = new Uint8Array(size);
    larger.set(this.#body.subarray(0, this.#filled));
    this.#body = larger;
  }

  #fail(state: BodyState, at: number): number {
    this.#state = state;
    return at;
  }
}
