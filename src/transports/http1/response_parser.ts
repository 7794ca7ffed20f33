import { copyBytes, passingBytes } from "../../domain/bytes.ts";
import type { HeaderFields } from "../../domain/wire.ts";
import { type Fault, type Head, type HeadLine, isTrailerAllowed, readFields, readHead } from "./head.ts";
import { HeadMemory } from "./head_memory.ts";
import { LineMemory } from "./line_memory.ts";

/** Limits of the parser. */
export interface ParserLimits {
  /** Most bytes of a head and of trailers, interim responses and chunk extensions with them. */
  readonly maxHeadBytes: number;
  readonly maxBodyBytes: number;
}

/** A whole response. */
export interface ParsedResponse extends Head {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly trailers: HeaderFields;
}

/** Where the parser stands: `idle` when no response is expected. */
export type ParserState = "idle" | "more" | "done" | Fault;

type Stage = "head" | "length" | "until_close" | "chunk_size" | "chunk" | "chunk_end" | "trailers";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** Bytes that are read at once. */
const BUFFER_BYTES = 16 * 1024;
/** What is allocated for a body before its bytes have come. */
const FIRST_BODY_BYTES = 1024 * 1024;
const EMPTY = new Uint8Array();
/** Most `100 Continue` and the like before the response. */
const MAX_INTERIM = 16;
/** Size and extensions of one chunk. Eleven digits of a size are beyond every limit. */
const MAX_CHUNK_LINE_BYTES = 256;
const CHUNK_LINE =
  /^([0-9A-Fa-f]{1,11})(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[\t \x21\x23-\x5b\x5d-\x7e]*"))?)*$/;

/**
 * Reads responses of HTTP/1.1 as their bytes come in, one at a time: write to `space`, then say how much by `advance`.
 *
 * Strict: a response that two readers could take differently is a fault, and after one the connection is of no use.
 */
export class ResponseParser {
  readonly #limits: ParserLimits;
  #state: ParserState = "idle";
  #stage: Stage = "head";
  #isHead = false;
  #buffer = new Uint8Array(BUFFER_BYTES);
  /** What has come and not been read lies from here ... */
  #start = 0;
  /** ... to here. */
  #end = 0;
  /** Where the search for the next line's end goes on. */
  #scanned = 0;
  #lines: HeadLine[] = [];
  readonly #headMemory = new HeadMemory();
  readonly #memory = new LineMemory();
  /** Bytes of heads, chunk lines and trailers so far. */
  #headBytes = 0;
  #interim = 0;
  #head: Head | undefined;
  #body = EMPTY;
  #filled = 0;
  /** Bytes that are missing of the body, or of the chunk. */
  #missing = 0;
  #trailers: HeaderFields = [];
  #hasStarted = false;

  constructor(limits: ParserLimits) {
    this.#limits = limits;
  }

  get state(): ParserState {
    return this.#state;
  }

  /** Whether any byte of the response has come. */
  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** The head of the response, once it has come. */
  get head(): Head | undefined {
    return this.#head;
  }

  /** A response is expected from now on. */
  begin(isHead: boolean): void {
    this.#state = "more";
    this.#stage = "head";
    this.#isHead = isHead;
    this.#lines = [];
    this.#headBytes = 0;
    this.#interim = 0;
    this.#head = undefined;
    this.#trailers = [];
    this.#filled = 0;
    this.#hasStarted = false;
  }

  /** The response, once; then the parser is idle. */
  take(): ParsedResponse {
    const body = this.#filled === this.#body.length ? this.#body : this.#body.slice(0, this.#filled);
    const { status, headers, framing, isPersistent, keepAliveSeconds, retryAfter, contentEncoding } = this.#head!;
    const response = {
      status,
      headers,
      framing,
      isPersistent,
      keepAliveSeconds,
      retryAfter,
      contentEncoding,
      body,
      trailers: this.#trailers,
    };
    this.#head = undefined;
    this.#body = EMPTY;
    this.#filled = 0;
    this.#state = "idle";
    return response;
  }

  /** Where the next bytes are to be written to: never empty. */
  get space(): Uint8Array<ArrayBuffer> {
    const isBody = this.#stage === "length" || this.#stage === "chunk" || this.#stage === "until_close";
    if (this.#state === "more" && isBody && this.#start === this.#end) {
      // A large body is read to its place, all but its last byte: what came behind that is seen in the same read, and is
      // not left to be taken for the next answer. A small body is not worth the shape.
      const limit = this.#stage === "until_close" ? Infinity : this.#missing - 1;
      if (limit >= BUFFER_BYTES && this.#filled < this.#body.length) {
        return this.#body.subarray(this.#filled, Math.min(this.#body.length, this.#filled + limit));
      }
    }
    if (this.#start === this.#end) this.#start = this.#end = this.#scanned = 0;
    if (this.#end === 0) return this.#buffer;
    if (this.#end === this.#buffer.length) this.#makeRoom();
    return this.#buffer.subarray(this.#end);
  }

  /** Takes in `count` bytes that were written to `space`. */
  advance(count: number, into: Uint8Array): ParserState {
    if (count > 0) this.#hasStarted = true;
    if (into.buffer !== this.#buffer.buffer) {
      this.#filled += count;
      this.#missing -= count;
    } else {
      this.#end += count;
    }
    return this.#run();
  }

  /** The node has ended the connection. */
  end(): ParserState {
    if (this.#state !== "more") return this.#state;
    return this.#state = this.#stage === "until_close" ? "done" : "cut_off";
  }

  #run(): ParserState {
    if (this.#state !== "more") return this.#state;
    let isGoingOn = true;
    while (isGoingOn && this.#state === "more") isGoingOn = this.#step();
    return this.state === "done" && this.#start < this.#end ? this.#state = "excess_bytes" : this.state;
  }

  /** Does one thing; false when more bytes are needed for the next. */
  #step(): boolean {
    switch (this.#stage) {
      case "head": {
        const known = this.#knownHead();
        if (known !== undefined) return this.#takeHead(known), true;
        const start = this.#lines.length === 0 ? this.#start : undefined;
        const lines = this.#readLines();
        if (lines !== undefined) this.#readHead(lines, start);
        return lines !== undefined;
      }
      case "length":
      case "until_close":
        if (!this.#takeBody()) return false;
        this.#state = "done";
        return true;
      case "chunk_size":
        return this.#readChunkSize();
      case "chunk":
        if (!this.#takeBody()) return false;
        this.#stage = "chunk_end";
        return true;
      case "chunk_end":
        return this.#readChunkEnd();
      case "trailers": {
        const lines = this.#readLines();
        if (lines !== undefined) this.#readTrailers(lines);
        return lines !== undefined;
      }
    }
  }

  /** Reads a head; where it starts, if all of it is still in the buffer. */
  #readHead(lines: readonly HeadLine[], start: number | undefined): void {
    if (lines.length === 0) return this.#fail("bad_status_line");
    const head = readHead(lines, this.#isHead);
    if (typeof head === "string") return this.#fail(head);
    if (start !== undefined && head.status >= 200) {
      this.#headMemory.keep(head, this.#buffer, start, this.#start, this.#isHead);
    }
    if (head.status >= 200) return this.#takeHead(head);
    // Nothing can follow on a connection that ends here.
    if (!head.isPersistent) this.#fail("unexpected_status");
    if (++this.#interim > MAX_INTERIM) this.#fail("too_many_interim");
  }

  /** The head, where it is the one before. */
  #knownHead(): Head | undefined {
    const { length } = this.#headMemory;
    if (this.#lines.length > 0 || this.#headBytes + length > this.#limits.maxHeadBytes) return undefined;
    const head = this.#headMemory.find(this.#buffer, this.#start, this.#end, this.#isHead);
    if (head === undefined) return undefined;
    this.#headBytes += length;
    this.#start = this.#scanned = this.#start + length;
    return head;
  }

  /** Goes on to the body that a head announces. */
  #takeHead(head: Head): void {
    this.#head = head;
    this.#body = EMPTY;
    switch (head.framing.kind) {
      case "length":
        if (head.framing.bytes > this.#limits.maxBodyBytes) return this.#fail("body_too_large");
        this.#missing = head.framing.bytes;
        this.#stage = "length";
        return;
      case "chunked":
        this.#stage = "chunk_size";
        return;
      case "until_close":
        this.#missing = Infinity;
        this.#stage = "until_close";
    }
  }

  #readChunkSize(): boolean {
    const line = this.#line();
    if (line === undefined) {
      if (this.#end - this.#start > MAX_CHUNK_LINE_BYTES) this.#fail("bad_chunk");
      return false;
    }
    const match = line.length > MAX_CHUNK_LINE_BYTES ? null : CHUNK_LINE.exec(line);
    if (match === null) return this.#fail("bad_chunk"), false;
    // A size alone costs its sender a byte of the body; extensions are free, and counted.
    this.#headBytes += line.length - match[1]!.length;
    if (this.#headBytes > this.#limits.maxHeadBytes) return this.#fail("head_too_large"), false;
    this.#missing = parseInt(match[1]!, 16);
    if (this.#filled + this.#missing > this.#limits.maxBodyBytes) return this.#fail("body_too_large"), false;
    this.#stage = this.#missing === 0 ? "trailers" : "chunk";
    return true;
  }

  #readChunkEnd(): boolean {
    if (this.#end - this.#start < 2) {
      if (this.#end > this.#start && this.#buffer[this.#start] !== CARRIAGE_RETURN) this.#fail("bad_chunk");
      return false;
    }
    const isEnd = this.#buffer[this.#start] === CARRIAGE_RETURN && this.#buffer[this.#start + 1] === LINE_FEED;
    if (!isEnd) return this.#fail("bad_chunk"), false;
    this.#start += 2;
    this.#scanned = this.#start;
    this.#stage = "chunk_size";
    return true;
  }

  #readTrailers(lines: readonly HeadLine[]): void {
    const fields = readFields(lines, 0);
    if (typeof fields === "string") return this.#fail(fields);
    if (!fields.every(([name]) => isTrailerAllowed(name))) return this.#fail("bad_header");
    this.#trailers = fields;
    this.#state = "done";
  }

  /** Collects lines up to an empty one; undefined when they are not complete, or can't be. */
  #readLines(): readonly HeadLine[] | undefined {
    for (;;) {
      const line = this.#headLine();
      const waiting = line === undefined ? this.#end - this.#start : 0;
      if (line !== undefined) this.#headBytes += line.text.length + 2;
      if (this.#state === "more" && this.#headBytes + waiting > this.#limits.maxHeadBytes) this.#fail("head_too_large");
      if (this.#state !== "more" || line === undefined) return undefined;
      if (line.text === "") break;
      this.#lines.push(line);
    }
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }

  /** The next line of a head or of trailers; undefined when it is not complete. */
  #headLine(): HeadLine | undefined {
    const start = this.#start;
    const place = this.#lines.length;
    const isHead = this.#stage === "head";
    const known = isHead ? this.#memory.find(place, this.#buffer, start, this.#end) : undefined;
    if (known !== undefined) {
      this.#start = this.#scanned = start + known.text.length + 2;
      return known;
    }
    const text = this.#line();
    if (text === undefined) return undefined;
    const line = { text };
    if (isHead) this.#memory.learn(place, line, this.#buffer, start, this.#start);
    return line;
  }

  /** The next line without its end; undefined when it is not complete. */
  #line(): string | undefined {
    const at = this.#buffer.subarray(0, this.#end).indexOf(LINE_FEED, this.#scanned);
    if (at < 0) {
      this.#scanned = this.#end;
      return undefined;
    }
    // A CR before that would be the end of a line to some.
    if (at === this.#start || this.#buffer.indexOf(CARRIAGE_RETURN, this.#start) !== at - 1) {
      this.#fail(this.#stage === "chunk_size" ? "bad_chunk" : "bad_header");
      return undefined;
    }
    const line = latin1(this.#buffer.subarray(this.#start, at - 1));
    this.#start = this.#scanned = at + 1;
    return line;
  }

  /** Moves what has come of the body to its place; whether that is all of it. */
  #takeBody(): boolean {
    const count = Math.min(this.#missing, this.#end - this.#start);
    if (this.#filled + count > this.#limits.maxBodyBytes) return this.#fail("body_too_large"), false;
    if (count > 0) {
      const end = this.#start + count;
      if (this.#filled === 0 && count === this.#missing && this.#stage === "length") {
        // Nearly always all of it has come with the head.
        this.#body = passingBytes(count);
        copyBytes(this.#buffer, this.#start, end, this.#body, 0);
      } else {
        this.#reserve(this.#filled + count);
        this.#body.set(this.#buffer.subarray(this.#start, end), this.#filled);
      }
      this.#filled += count;
      this.#missing -= count;
      this.#start += count;
      this.#scanned = this.#start;
    }
    if (this.#missing === 0) return true;
    this.#reserve(this.#filled + 1);
    return false;
  }

  /** Makes the body's place at least this large: half as much again, and not beyond what can come. */
  #reserve(bytes: number): void {
    if (bytes <= this.#body.length) return;
    const [least, most] = this.#stage === "length"
      ? [FIRST_BODY_BYTES, this.#filled + this.#missing]
      : [1024, Infinity];
    const size = Math.min(Math.max(bytes, Math.ceil(this.#body.length * 1.5), least), most);
    const larger = new Uint8Array(size);
    larger.set(this.#body.subarray(0, this.#filled));
    this.#body = larger;
  }

  #makeRoom(): void {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
    } else {
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer);
      this.#buffer = larger;
    }
    this.#end -= this.#start;
    this.#scanned -= this.#start;
    this.#start = 0;
  }

  #fail(fault: Fault): void {
    this.#state = fault;
  }
}

function latin1(bytes: Uint8Array): string {
  // A line is at most as long as a head, for which the stack is large enough.
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}
