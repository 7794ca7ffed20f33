/**
 * Bits of each byte's code, and of the end of string, as RFC 7541, appendix B, has them. The codes themselves follow
 * from that: they are handed out in the order of length and then of the byte.
 */
// deno-fmt-ignore
const CODE_BITS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
  28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15,
  6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20,
  20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23,
  24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22,
  22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27,
  24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26,
  26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const END_OF_STRING = 256;

const CODES = assignCodes();

function assignCodes(): Uint32Array {
  const codes = new Uint32Array(CODE_BITS.length);
  const symbols = CODE_BITS.map((_, symbol) => symbol).sort((a, b) => CODE_BITS[a]! - CODE_BITS[b]! || a - b);
  let code = 0;
  let bits = CODE_BITS[symbols[0]!]!;
  for (const symbol of symbols) {
    code <<= CODE_BITS[symbol]! - bits;
    bits = CODE_BITS[symbol]!;
    codes[symbol] = code++;
  }
  return codes;
}

/** What four bits do to the decoder: where it stands afterwards, and the byte that is complete, -1 for none. */
const NEXT = new Int16Array(256 * 16);
const EMIT = new Int16Array(256 * 16);
/** Whether a string may end there: at a symbol's end, or within padding of at most seven ones. */
const MAY_END = new Uint8Array(256);
const INVALID = -1;

buildDecoder();

/** The codes as a tree whose inner nodes are the decoder's states, walked four bits at a time. */
function buildDecoder(): void {
  const children: [number, number][] = [[0, 0]]; // positive: an inner node; negative: a symbol, as -1 - symbol
  CODE_BITS.forEach((bits, symbol) => {
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit--) {
      const side = (CODES[symbol]! >>> bit) & 1;
      if (children[node]![side] === 0) children[node]![side] = children.push([0, 0]) - 1;
      node = children[node]![side]!;
    }
    children[node]![CODES[symbol]! & 1] = -1 - symbol;
  });
  for (let state = 0; state < children.length; state++) {
    for (let nibble = 0; nibble < 16; nibble++) {
      let node = state;
      let emit = -1;
      for (let bit = 3; bit >= 0 && node !== INVALID; bit--) {
        const child = children[node]![(nibble >>> bit) & 1]!;
        if (child >= 0) node = child;
        else if (-1 - child === END_OF_STRING) node = INVALID;
        else {
          emit = -1 - child;
          node = 0;
        }
      }
      NEXT[state * 16 + nibble] = node;
      EMIT[state * 16 + nibble] = emit;
    }
  }
  let node = 0;
  for (let ones = 0; ones <= 7; ones++) {
    MAY_END[node] = 1;
    node = children[node]![1]!;
  }
}

/** Decodes a string; undefined for one that is not properly coded. */
export function huffmanDecode(bytes: Uint8Array, from: number, to: number): string | undefined {
  let text = "";
  let state = 0;
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    let at = state * 16 + (byte >>> 4);
    if (EMIT[at]! >= 0) text += String.fromCharCode(EMIT[at]!);
    state = NEXT[at]!;
    if (state < 0) return undefined;
    at = state * 16 + (byte & 15);
    if (EMIT[at]! >= 0) text += String.fromCharCode(EMIT[at]!);
    state = NEXT[at]!;
    if (state < 0) return undefined;
  }
  return MAY_END[state] === 1 ? text : undefined;
}

/** Bytes that a string takes when it is coded. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += CODE_BITS[text.charCodeAt(i)]!;
  return (bits + 7) >>> 3;
}

/** Writes the coded string and comes back with the position behind it. */
export function huffmanEncode(text: string, into: Uint8Array, at: number): number {
  let held = 0;
  let heldBits = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    let code = CODES[byte]!;
    let bits = CODE_BITS[byte]!;
    // No more than 7 bits are held, so that up to 24 fit beside them.
    if (bits > 24) {
      held = (held << (bits - 24)) | (code >>> 24);
      heldBits += bits - 24;
      code &= 0xffffff;
      bits = 24;
      while (heldBits >= 8) into[at++] = held >>> (heldBits -= 8);
      held &= (1 << heldBits) - 1;
    }
    held = (held << bits) | code;
    heldBits += bits;
    while (heldBits >= 8) into[at++] = held >>> (heldBits -= 8);
    held &= (1 << heldBits) - 1;
  }
  if (heldBits > 0) into[at++] = (held << (8 - heldBits)) | (0xff >>> heldBits);
  return at;
}
