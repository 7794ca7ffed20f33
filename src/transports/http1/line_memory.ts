import type { HeadLine } from "./head.ts";

/** Most lines, and bytes of a line, that are remembered. */
const MAX_LINES = 32;
const MAX_LINE_BYTES = 512;

interface Known {
  readonly line: HeadLine;
  /** The line with its end. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The lines of the head before, by their place in it. A node says nearly the same with each answer, and a line that is
 * byte for byte the one before has been read already.
 */
export class LineMemory {
  readonly #known: Known[] = [];

  /** The line that starts at `start`, where it is the one that stood at this place before. */
  find(place: number, buffer: Uint8Array, start: number, end: number): HeadLine | undefined {
    const known = this.#known[place];
    if (known === undefined) return undefined;
    const { bytes } = known;
    if (end - start < bytes.length) return undefined;
    for (let i = 0; i < bytes.length; i++) if (buffer[start + i] !== bytes[i]) return undefined;
    return known.line;
  }

  /** A line was read at this place, which takes these bytes, its end included. */
  learn(place: number, line: HeadLine, buffer: Uint8Array<ArrayBuffer>, start: number, end: number): void {
    if (place >= MAX_LINES || place > this.#known.length || end - start > MAX_LINE_BYTES) return;
    const before = this.#known[place]?.bytes;
    if (before?.length !== end - start) {
      this.#known[place] = { line, bytes: buffer.slice(start, end) };
      return;
    }
    for (let i = 0; i < before.length; i++) before[i] = buffer[start + i]!;
    this.#known[place] = { line, bytes: before };
  }
}
