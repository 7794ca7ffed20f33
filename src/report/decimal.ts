/** An exact decimal number, `digits` / 10^`scale`, not negative. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** Nothing. */
export const ZERO: Decimal = { digits: 0n, scale: 0 };

/** Reads a number such as `12`, `0.0004` or `.5`. Undefined for anything else. */
export function parseDecimal(text: string): Decimal | undefined {
  const match = /^(?:(\d{1,30})(?:\.(\d{0,30}))?|\.(\d{1,30}))$/.exec(text);
  if (match === null) return undefined;
  const fraction = match[2] ?? match[3] ?? "";
  return { digits: BigInt((match[1] ?? "0") + fraction), scale: fraction.length };
}

/** The product with a whole number. */
export function times({ digits, scale }: Decimal, factor: bigint): Decimal {
  return { digits: digits * factor, scale };
}

/** A millionth. */
export function perMillion({ digits, scale }: Decimal): Decimal {
  return { digits, scale: scale + 6 };
}

/** The sum. */
export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { digits: withScale(a, scale) + withScale(b, scale), scale };
}

/** All digits of the fraction, and at least two. */
export function decimalText({ digits, scale }: Decimal): string {
  const text = digits.toString().padStart(scale + 1, "0");
  const fraction = text.slice(text.length - scale).replace(/0+$/, "").padEnd(2, "0");
  return `${text.slice(0, text.length - scale)}.${scale === 0 ? "00" : fraction}`;
}

function withScale({ digits, scale }: Decimal, wanted: number): bigint {
  return digits * 10n ** BigInt(wanted - scale);
}
