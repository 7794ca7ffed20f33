const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3, // micro sign
  "μs": 1e-3, // Greek mu
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const NUMBER = String.raw`(\d+\.?\d*|\.\d+)`;
const UNIT = "(ns|us|µs|μs|ms|s|m|h)";
/** How a duration is written. */
export const DURATION_PATTERN = new RegExp(`^(?:0|\\+?(?:${NUMBER}${UNIT})+)$`);
const PART = new RegExp(NUMBER + UNIT, "g");

/**
 * Milliseconds of a duration as Go writes it: `500ms`, `10s`, `1m30s`, `0`. Undefined for anything else, and for
 * negative durations, which have no use here.
 */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (text.length > 64 || !DURATION_PATTERN.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * UNIT_MS[unit!]!;
  return total;
}
