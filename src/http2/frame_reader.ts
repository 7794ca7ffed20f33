import type { ByteDuplex } from "./byte_duplex.ts";
import { ConnectionError, ERROR_CODE } from "./error_code.ts";
import { DEFAULT_MAX_FRAME, type Frame, FRAME_HEAD_BYTES, MAX_31_BITS, PREFACE, readUint32 } from "./frame.ts";

/** Room for the largest frame, and for some small ones. */
const FIRST_BUFFER_BYTES = 20_480;
const MAX_BUFFER_BYTES = 262_144;

/** Cuts what comes in on a connection into frames. All memory is one buffer, used again and again. */
export class FrameReader {
  readonly #duplex: ByteDuplex;
  #buffer = new Uint8Array(FIRST_BUFFER_BYTES);
  #start = 0;
  #end = 0;
  #expectsPreface: boolean;

  constructor(duplex: ByteDuplex, expectsPreface: boolean) {
    this.#duplex = duplex;
    this.#expectsPreface = expectsPreface;
  }

  /** Waits for more bytes; false at the end of the connection. Frames that were read before are no longer valid. */
  async fill(): Promise<boolean> {
    this.#makeRoom();
    const room = this.#buffer.subarray(this.#end);
    const count = await this.#duplex.read(room);
    if (count === null) return false;
    this.#end += count;
    if (count === room.length) this.#grow();
    return true;
  }

  /** The next whole frame of what has been read; undefined when there is none. */
  next(): Frame | undefined {
    if (this.#expectsPreface && !this.#takePreface()) return undefined;
    if (this.#end - this.#start < FRAME_HEAD_BYTES) return undefined;
    const bytes = this.#buffer;
    const at = this.#start;
    const length = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
    if (length > DEFAULT_MAX_FRAME) {
      throw new ConnectionError(ERROR_CODE.FRAME_SIZE_ERROR, "a frame is larger than allowed");
    }
    const end = at + FRAME_HEAD_BYTES + length;
    if (end > this.#end) return undefined;
    this.#start = end;
    return {
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      streamId: readUint32(bytes, at + 5) & MAX_31_BITS,
      payload: bytes.subarray(at + FRAME_HEAD_BYTES, end),
    };
  }

  /** Passes over all that has been read. */
  discard(): void {
    this.#start = this.#end;
  }

  #takePreface(): boolean {
    const count = Math.min(this.#end - this.#start, PREFACE.length);
    for (let i = 0; i < count; i++) {
      if (this.#buffer[this.#start + i] !== PREFACE[i]) {
        throw new ConnectionError(ERROR_CODE.PROTOCOL_ERROR, "the client does not speak HTTP/2");
      }
    }
    if (count < PREFACE.length) return false;
    this.#start += PREFACE.length;
    this.#expectsPreface = false;
    return true;
  }

  /** Moves what is left of an incomplete frame to the front. */
  #makeRoom(): void {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    else if (this.#start > 0 && this.#buffer.length - this.#start < DEFAULT_MAX_FRAME + FRAME_HEAD_BYTES) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
  }

  /** The peer sends faster than is read: more at once means fewer reads. */
  #grow(): void {
    if (this.#buffer.length >= MAX_BUFFER_BYTES) return;
    const larger = new Uint8Array(this.#buffer.length * 2);
    larger.set(this.#buffer.subarray(0, this.#end));
    this.#buffer = larger;
  }
}
