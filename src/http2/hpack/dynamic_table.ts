import type { Field } from "../port.ts";

/** Bytes that each entry counts for beside its name and value. */
const ENTRY_OVERHEAD = 32;

/** Size of a field as HPACK and the limit on header lists count it. */
export function fieldSize(name: string, value: string): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}

/** The table that both sides of a connection grow alike. The newest entry stands at 0. */
export class DynamicTable {
  /** Oldest first; those before `#first` are gone. */
  #entries: (Field | undefined)[] = [];
  #first = 0;
  #size = 0;
  #maxSize: number;
  readonly #onEvict: ((entry: Field) => void) | undefined;

  constructor(maxSize: number, onEvict?: (entry: Field) => void) {
    this.#maxSize = maxSize;
    this.#onEvict = onEvict;
  }

  get length(): number {
    return this.#entries.length - this.#first;
  }

  get maxSize(): number {
    return this.#maxSize;
  }

  at(index: number): Field | undefined {
    return index < this.length ? this.#entries[this.#entries.length - 1 - index] : undefined;
  }

  /** An entry larger than the table empties it and is not kept. Comes back with whether it was. */
  add(field: Field): boolean {
    const size = fieldSize(field[0], field[1]);
    this.#shrinkTo(this.#maxSize - size);
    if (size > this.#maxSize) return false;
    this.#entries.push(field);
    this.#size += size;
    return true;
  }

  resize(maxSize: number): void {
    this.#maxSize = maxSize;
    this.#shrinkTo(maxSize);
  }

  #shrinkTo(size: number): void {
    while (this.#size > size && this.length > 0) {
      const entry = this.#entries[this.#first]!;
      this.#entries[this.#first++] = undefined;
      this.#size -= fieldSize(entry[0], entry[1]);
      this.#onEvict?.(entry);
    }
    if (this.#first > 64 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
  }
}
