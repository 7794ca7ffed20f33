import { readString, type Span, startsWith } from "./envelope.ts";

/** Places of the table; a power of two. */
const PLACES = 1_024;
/** Longest name that is kept, in bytes, quotes included. */
const MAX_BYTES = 64;

/**
 * Texts of names that are read again and again, each kept at the one place that its bytes have in a table, where the
 * last comer stays: bounded, whatever callers send.
 */
export class NameTable {
  readonly #bytes: (Uint8Array | undefined)[] = new Array<Uint8Array | undefined>(PLACES).fill(undefined);
  readonly #texts: string[] = new Array<string>(PLACES).fill("");

  /** The text of a JSON string, escapes resolved, without lone surrogates. */
  read(bytes: Uint8Array, span: Span): string {
    const { start, end } = span;
    if (end - start > MAX_BYTES) return readString(bytes, span).toWellFormed();
    let hash = 0;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    const place = (hash ^ (hash >>> 16)) & (PLACES - 1);
    const known = this.#bytes[place];
    if (known?.length === end - start && startsWith(bytes, start, known)) return this.#texts[place]!;
    const text = readString(bytes, span).toWellFormed();
    this.#bytes[place] = bytes.slice(start, end);
    this.#texts[place] = text;
    return text;
  }
}
