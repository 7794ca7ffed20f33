import { latin1Bytes } from "./http1_parse.ts";

/** Ends of lines and of heads, and chunks, whole and spoilt: what frames messages both ways. */
export const FRAMING_PIECES: readonly string[] = [
  "\r\n\r\n",
  "\r\n",
  "\n",
  "0\r\n\r\n",
  "5\r\nhello\r\n",
  "00005\r\n",
  "ffffffffffffffff1\r\n",
  "0x5\r\n",
  "5 ;a\r\n",
  ";a=\r\n",
  " folded\r\n",
];

/** Makes choices at random, and changes bytes so. */
export class ByteMutator {
  readonly #random: () => number;
  readonly #pieces: readonly string[];

  /** Takes numbers from 0 to 1, and texts that mean something where these bytes come from. */
  constructor(random: () => number, pieces: readonly string[]) {
    this.#random = random;
    this.#pieces = pieces;
  }

  /** The same bytes in parts. */
  split(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] {
    const parts = [];
    for (let at = 0; at < bytes.length;) {
      const size = 1 + this.below(this.chance(0.3) ? 3 : bytes.length);
      parts.push(bytes.subarray(at, at + size));
      at += size;
    }
    return parts;
  }

  /** One change of the bytes; rarely none. */
  mutate(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const at = this.below(bytes.length + 1);
    const to = Math.min(bytes.length, at + this.below(12));
    const piece = () => latin1Bytes(this.pick(this.#pieces));
    switch (this.below(7)) {
      case 0: // another byte
        return join(bytes.subarray(0, at), Uint8Array.of(this.below(256)), bytes.subarray(at + 1));
      case 1: // a byte that means something
        return join(
          bytes.subarray(0, at),
          latin1Bytes(this.pick([..."\r\n \t:;,0159afg\0\x80\x0b"])),
          bytes.subarray(at),
        );
      case 2: // a part that is missing
        return join(bytes.subarray(0, at), bytes.subarray(to));
      case 3: // a part that is there twice
        return join(bytes.subarray(0, to), bytes.subarray(at));
      case 4: // a piece of another message
        return join(bytes.subarray(0, at), piece(), bytes.subarray(at));
      case 5: { // a piece in the place of a line's end
        const end = bytes.indexOf(10, at) + 1;
        return join(bytes.subarray(0, end), piece(), bytes.subarray(end));
      }
      default: // an early end
        return this.chance(0.3) ? bytes.slice(0, at) : bytes;
    }
  }

  /** A whole number from 0 and below the bound. */
  below(bound: number): number {
    return Math.floor(this.#random() * bound);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
