import type { ByteDuplex } from "./byte_duplex.ts";
import { FLAG, FRAME, FRAME_HEAD_BYTES, writeUint32 } from "./frame.ts";

/** Bytes that wait for the socket from which on streams hold their data back. */
const CONGESTED_BYTES = 262_144;
/** Bytes that wait at the most. Data stops long before; what gets here is a peer that asks and does not read. */
const MAX_BYTES = 4 * 1024 * 1024;
const FIRST_BUFFER_BYTES = 4_096;
/** Larger buffers are not kept for another time. */
const MAX_KEPT_BYTES = 65_536;

/** Who hears of what becomes of the output. */
export interface OutputEvents {
  /** There is room again after a congestion. */
  onDrain(): void;
  /** Nothing more can be written. */
  onBroken(): void;
}

/**
 * Collects frames and writes them in one go: all that one turn of the event loop produced, or that came up while the
 * write before was under way.
 */
export class Output {
  readonly #duplex: ByteDuplex;
  readonly #events: OutputEvents;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(FIRST_BUFFER_BYTES);
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  #isFlushing = false;
  #isBroken = false;
  #flushed: PromiseWithResolvers<void> | undefined;

  constructor(duplex: ByteDuplex, events: OutputEvents) {
    this.#duplex = duplex;
    this.#events = events;
  }

  /** Whether the socket does not keep up. */
  get isCongested(): boolean {
    return this.#length > CONGESTED_BYTES;
  }

  /** Adds a frame. The payload is copied. */
  frame(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    const at = this.#reserve(FRAME_HEAD_BYTES + payload.length);
    if (at < 0) return;
    this.#head(at, payload.length, type, flags, streamId);
    this.#buffer.set(payload, at + FRAME_HEAD_BYTES);
  }

  /** Adds a header block, in as many frames as it takes. */
  headers(streamId: number, block: Uint8Array, isEnd: boolean, maxFrame: number): void {
    const endFlag = isEnd ? FLAG.END_STREAM : 0;
    if (block.length <= maxFrame) return this.frame(FRAME.HEADERS, endFlag | FLAG.END_HEADERS, streamId, block);
    this.frame(FRAME.HEADERS, endFlag, streamId, block.subarray(0, maxFrame));
    for (let at = maxFrame; at < block.length; at += maxFrame) {
      const isLast = at + maxFrame >= block.length;
      this.frame(FRAME.CONTINUATION, isLast ? FLAG.END_HEADERS : 0, streamId, block.subarray(at, at + maxFrame));
    }
  }

  /** Adds a frame whose payload is one or two numbers. */
  numberFrame(type: number, flags: number, streamId: number, first: number, second?: number): void {
    const length = second === undefined ? 4 : 8;
    const at = this.#reserve(FRAME_HEAD_BYTES + length);
    if (at < 0) return;
    this.#head(at, length, type, flags, streamId);
    writeUint32(this.#buffer, at + FRAME_HEAD_BYTES, first);
    if (second !== undefined) writeUint32(this.#buffer, at + FRAME_HEAD_BYTES + 4, second);
  }

  /** Adds bytes as they are. */
  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    if (at >= 0) this.#buffer.set(bytes, at);
  }

  /** Settles when everything that was added has been written, or can't be. */
  async flushed(): Promise<void> {
    if (this.#isBroken || !this.#isFlushing) return;
    this.#flushed ??= Promise.withResolvers<void>();
    await this.#flushed.promise;
  }

  /** Nothing more is written. */
  stop(): void {
    this.#isBroken = true;
    this.#length = 0;
    this.#flushed?.resolve();
  }

  #head(at: number, length: number, type: number, flags: number, streamId: number): void {
    const bytes = this.#buffer;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    writeUint32(bytes, at + 5, streamId);
  }

  /** The position of so many new bytes; -1 when nothing can be written any more. */
  #reserve(bytes: number): number {
    if (this.#isBroken) return -1;
    const at = this.#length;
    const needed = at + bytes;
    if (needed > MAX_BYTES) {
      this.#break();
      return -1;
    }
    if (needed > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, at));
      this.#buffer = larger;
    }
    this.#length = needed;
    if (!this.#isFlushing) {
      this.#isFlushing = true;
      queueMicrotask(() => this.#flush());
    }
    return at;
  }

  async #flush(): Promise<void> {
    try {
      while (this.#length > 0) {
        const wasCongested = this.isCongested;
        const full = this.#buffer.subarray(0, this.#length);
        const used = this.#buffer;
        this.#buffer = this.#spare ?? new Uint8Array(FIRST_BUFFER_BYTES);
        this.#spare = undefined;
        this.#length = 0;
        for (let at = 0; at < full.length;) at += await this.#duplex.write(at === 0 ? full : full.subarray(at));
        if (used.length <= MAX_KEPT_BYTES) this.#spare = used;
        if (wasCongested && !this.#isBroken) this.#events.onDrain();
      }
      this.#isFlushing = false;
      this.#flushed?.resolve();
      this.#flushed = undefined;
    } catch {
      this.#break();
    }
  }

  #break(): void {
    if (this.#isBroken) return;
    this.stop();
    this.#events.onBroken();
  }
}
