import { copyBytes, passingBytes } from "../../domain/bytes.ts";
import type { BodyDecoder } from "./body_decoder.ts";
import type { Refusal } from "./refusal.ts";
import { canBegin, MAX_TARGET_BYTES, MAX_VERB_BYTES, parseHead, type RequestHead } from "./request_head.ts";

/** What a connection holds while nothing is under way. Most requests fit. */
const SMALL_BUFFER_BYTES = 4 * 1024;
/** Most bytes of a head, and read at once of a body. */
const MAX_BUFFER_BYTES = 64 * 1024;
/** A head of at most this length is remembered. */
const MAX_KNOWN_BYTES = 2 * 1024;
/** Most empty lines before a request. */
const MAX_EMPTY_LINES = 4;
/** Until a line as long as this has ended, its target is too long. */
const MAX_FIRST_LINE_BYTES = MAX_VERB_BYTES + MAX_TARGET_BYTES + 16;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
const NO_BYTES = new Uint8Array();

/**
 * The bytes of a connection that have come and are not used yet, and the requests in them. To be written to `space` and
 * told by `advance`, between which nothing else may ask for `space`.
 */
export class RequestReader {
  #buffer = new Uint8Array(SMALL_BUFFER_BYTES);
  /** What has come and not been used lies from here ... */
  #start = 0;
  /** ... to here. */
  #end = 0;
  /** Where the search for the head's end goes on, and the line begins that it is in. */
  #scanned = 0;
  #lineStart = 0;
  #emptyLines = 0;
  /** A client says nearly the same with each request, and a head that is byte for byte the one before is known. */
  #known: RequestHead | undefined;

  /** Bytes that are not used yet. */
  get waiting(): number {
    return this.#end - this.#start;
  }

  /** Whether more can be taken in: else what is here has to be used first. */
  get hasSpace(): boolean {
    return this.waiting < MAX_BUFFER_BYTES;
  }

  /** Where the next bytes are to be written to; never empty while there is space. `isBody` when many are to come. */
  space(isBody: boolean): Uint8Array<ArrayBuffer> {
    const { waiting } = this;
    const size = isBody || waiting > SMALL_BUFFER_BYTES / 2 ? MAX_BUFFER_BYTES : SMALL_BUFFER_BYTES;
    if (waiting === 0) {
      this.#start =
        this.#end =
        this.#scanned =
        this.#lineStart =
          0;
      if (this.#buffer.length !== size) this.#buffer = new Uint8Array(size);
      return this.#buffer;
    }
    if (this.#end === this.#buffer.length) {
      this.#moveTo(size > this.#buffer.length ? new Uint8Array(size) : this.#buffer);
    }
    return this.#buffer.subarray(this.#end);
  }

  /** `count` bytes have been written to `space`. */
  advance(count: number): void {
    this.#end += count;
  }

  /** The next request's head, once it is complete. */
  readHead(): RequestHead | Refusal | undefined {
    const known = this.#knownHead();
    if (known !== undefined) return known;
    if (this.waiting === 0) return undefined;
    if (this.#scanned === this.#start && !this.#skipEmptyLines()) return undefined;
    if (this.waiting === 0) return undefined;
    if (!canBegin(this.#buffer[this.#start]!)) return 400;
    const end = this.#findEnd();
    if (typeof end !== "object") return end;
    const bytes = this.#buffer.slice(this.#start, end.at);
    this.#use(end.at);
    this.#emptyLines = 0;
    const head = parseHead(bytes);
    if (typeof head === "object" && bytes.length <= MAX_KNOWN_BYTES) this.#known = head;
    return head;
  }

  /** A body of this length, where all of it is here; undefined where it is not. */
  takeWhole(length: number): Uint8Array<ArrayBuffer> | undefined {
    if (length === 0) return NO_BYTES;
    if (length < 0 || length > this.waiting) return undefined;
    const body = passingBytes(length);
    const end = this.#start + length;
    copyBytes(this.#buffer, this.#start, end, body, 0);
    this.#use(end);
    return body;
  }

  /** Has a body take what is here of it. */
  feed(decoder: BodyDecoder): void {
    this.#use(decoder.push(this.#buffer, this.#start, this.#end));
  }

  /** Takes everything that is here. */
  takeRest(): Uint8Array<ArrayBuffer> {
    const rest = this.#buffer.slice(this.#start, this.#end);
    this.#use(this.#end);
    return rest;
  }

  /** What is here is not wanted. */
  drop(): void {
    this.#use(this.#end);
  }

  #use(to: number): void {
    this.#start = this.#scanned = this.#lineStart = to;
  }

  #knownHead(): RequestHead | undefined {
    const known = this.#known;
    if (known === undefined) return undefined;
    const { bytes } = known;
    const { length } = bytes;
    const [buffer, start] = [this.#buffer, this.#start];
    if (this.#end - start < length) return undefined;
    for (let i = 0; i < length; i++) if (buffer[start + i] !== bytes[i]) return undefined;
    this.#use(start + length);
    return known;
  }

  /** Empty lines before a request belong to nothing: old clients end bodies so. False when one is not complete. */
  #skipEmptyLines(): boolean {
    while (this.waiting > 0 && this.#buffer[this.#start] === CARRIAGE_RETURN && this.#emptyLines < MAX_EMPTY_LINES) {
      if (this.waiting === 1) return false;
      if (this.#buffer[this.#start + 1] !== LINE_FEED) return true;
      this.#use(this.#start + 2);
      this.#emptyLines++;
    }
    return true;
  }

  /** Where the head ends, undefined while it has not, or what is wrong with it. */
  #findEnd(): { readonly at: number } | Refusal | undefined {
    const buffer = this.#buffer;
    const end = Math.min(this.#end, this.#start + MAX_BUFFER_BYTES);
    for (let at = this.#scanned; at < end; at++) {
      if (buffer[at] !== LINE_FEED) continue;
      if (at === this.#lineStart || buffer[at - 1] !== CARRIAGE_RETURN) return 400;
      if (at - 1 === this.#lineStart) return { at: at + 1 };
      this.#lineStart = at + 1;
    }
    this.#scanned = end;
    if (this.#lineStart === this.#start && end - this.#start > MAX_FIRST_LINE_BYTES) return 414;
    return end - this.#start >= MAX_BUFFER_BYTES ? 431 : undefined;
  }

  /** Moves what is here to the beginning of a buffer. */
  #moveTo(buffer: Uint8Array<ArrayBuffer>): void {
    const [from, start] = [this.#buffer, this.#start];
    if (buffer === from) buffer.copyWithin(0, start, this.#end);
    else buffer.set(from.subarray(start, this.#end));
    this.#buffer = buffer;
    this.#end -= start;
    this.#scanned -= start;
    this.#lineStart -= start;
    this.#start = 0;
  }
}
