const encoder = new TextEncoder();

/** Bytes that grow. */
export class ByteBuffer {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** Starts with room for `capacity` bytes. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Bytes for which there is room before it has to grow. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** What was written, as long as nothing more is. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** The bytes from `start` on, as long as nothing more is written. */
  viewFrom(start: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(start, this.#length);
  }

  /** Forgets what was written after `length` bytes. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** Writes one byte. */
  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  /** Writes bytes. */
  raw(bytes: Uint8Array): void {
    this.#grow(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Leaves room for `count` bytes, which are of no meaning until they are written. */
  skip(count: number): void {
    this.#grow(count);
    this.#length += count;
  }

  /** Writes 64 bits over what is at `at`, the lowest first. */
  setUint64(at: number, low: number, high: number): void {
    const bytes = this.#bytes;
    bytes[at] = low;
    bytes[at + 1] = low >>> 8;
    bytes[at + 2] = low >>> 16;
    bytes[at + 3] = low >>> 24;
    bytes[at + 4] = high;
    bytes[at + 5] = high >>> 8;
    bytes[at + 6] = high >>> 16;
    bytes[at + 7] = high >>> 24;
  }

  /** Writes a whole number as a varint over the `size` bytes at `at`, which it has to take exactly. */
  setVarint(at: number, size: number, value: number): void {
    const bytes = this.#bytes;
    for (const last = at + size - 1; at < last; at++, value >>>= 7) bytes[at] = (value & 0x7f) | 0x80;
    bytes[at] = value;
  }

  /** Writes a whole number in decimal digits over those at `at`, of which there are `count`, as it has. */
  setDigits(at: number, count: number, value: number): void {
    const bytes = this.#bytes;
    for (let i = at + count - 1; i >= at; i--) {
      const rest = Math.floor(value / 10);
      bytes[i] = 0x30 + value - rest * 10;
      value = rest;
    }
  }

  /** Writes a text as UTF-8; comes back with the number of bytes. */
  text(text: string): number {
    // UTF-8 takes up to three bytes for each UTF-16 unit.
    this.#grow(text.length * 3);
    const start = this.#length;
    const bytes = this.#bytes;
    if (text.length <= 64) {
      // Short names are the rule, and ASCII; this is twice as fast as asking the platform.
      let at = start;
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (code > 0x7f) return this.#encode(text, start);
        bytes[at++] = code;
      }
      this.#length = at;
      return at - start;
    }
    return this.#encode(text, start);
  }

  /** Writes a whole number from 0 to 2^31 - 1 as Protobuf does, seven bits a byte. */
  varint(value: number): void {
    this.#grow(5);
    for (; value > 0x7f; value >>>= 7) this.#bytes[this.#length++] = (value & 0x7f) | 0x80;
    this.#bytes[this.#length++] = value;
  }

  /** Leaves room for the length of what is written next; comes back with a mark for `close`. */
  open(): number {
    this.byte(0);
    return this.#length;
  }

  /** Writes the length of what was written since the mark in front of it, as a varint. */
  close(mark: number): void {
    const length = this.#length - mark;
    if (length <= 0x7f) {
      this.#bytes[mark - 1] = length;
      return;
    }
    const size = length < 2 ** 14 ? 2 : length < 2 ** 21 ? 3 : length < 2 ** 28 ? 4 : 5;
    this.#grow(size - 1);
    this.#bytes.copyWithin(mark + size - 1, mark, this.#length);
    this.#length = mark - 1;
    this.varint(length);
    this.#length += length;
  }

  #encode(text: string, start: number): number {
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(start));
    this.#length = start + written;
    return written;
  }

  #grow(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
