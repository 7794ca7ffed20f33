import { copyBytes } from "../../domain/bytes.ts";
import type { Head } from "./head.ts";

/** Longest head that is remembered. */
const MAX_BYTES = 2 * 1024;

/** The head of the response before: most heads of a node are byte for byte the one before, and need not be read again. */
export class HeadMemory {
  readonly #bytes = new Uint8Array(MAX_BYTES);
  #length = 0;
  #head: Head | undefined;
  #isHead = false;

  /** Bytes of the head that is remembered; 0 for none. */
  get length(): number {
    return this.#length;
  }

  /** The head that lies in a buffer from `start` on, where it is the one before, and answers the same kind of request. */
  find(buffer: Uint8Array, start: number, end: number, isHead: boolean): Head | undefined {
    const bytes = this.#bytes;
    const length = this.#length;
    if (length === 0 || end - start < length || this.#isHead !== isHead) return undefined;
    for (let i = 0; i < length; i++) if (buffer[start + i] !== bytes[i]) return undefined;
    return this.#head;
  }

  /** Remembers a head that was read from a part of a buffer. */
  keep(head: Head, buffer: Uint8Array, start: number, end: number, isHead: boolean): void {
    this.#length = 0;
    if (end - start > MAX_BYTES) return;
    copyBytes(buffer, start, end, this.#bytes, 0);
    this.#length = end - start;
    this.#head = head;
    this.#isHead = isHead;
  }
}
