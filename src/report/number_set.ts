import { type NumberRange, rangesOf } from "../store/number_ranges.ts";

const BITS_PER_PAGE = 65_536;

/** A set of whole numbers that takes a bit for each, where they are dense. */
export class NumberSet {
  readonly #pages = new Map<number, Uint8Array>();
  #size = 0;
  #largest = 0;

  /** How many numbers it holds. */
  get size(): number {
    return this.#size;
  }

  /** The largest of them; 0 for none. */
  get largest(): number {
    return this.#largest;
  }

  /** Takes a number in; false when it is there already. */
  add(number: number): boolean {
    const pageIndex = Math.floor(number / BITS_PER_PAGE);
    let page = this.#pages.get(pageIndex);
    if (page === undefined) this.#pages.set(pageIndex, page = new Uint8Array(BITS_PER_PAGE / 8));
    const bit = number % BITS_PER_PAGE;
    const mask = 1 << (bit & 7);
    if ((page[bit >> 3]! & mask) !== 0) return false;
    page[bit >> 3]! |= mask;
    this.#size++;
    this.#largest = Math.max(this.#largest, number);
    return true;
  }

  /** Its numbers as ranges, in order. */
  ranges(): NumberRange[] {
    return rangesOf(this.#numbers());
  }

  *#numbers(): Generator<number> {
    for (const pageIndex of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const page = this.#pages.get(pageIndex)!;
      for (let bit = 0; bit < BITS_PER_PAGE; bit++) {
        if ((page[bit >> 3]! & (1 << (bit & 7))) !== 0) yield pageIndex * BITS_PER_PAGE + bit;
      }
    }
  }
}
