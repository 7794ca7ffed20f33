/** Where good ends and bad begins on a chain: the 10 % and the 90 % quantile of what its providers do. */
export interface Spread {
  readonly p10: number;
  readonly p90: number;
}

/** What the quantiles are held to, and the value that counts as worst while there are none. */
interface SpreadBounds {
  readonly p10: readonly [min: number, max: number];
  readonly p90: readonly [min: number, max: number];
}

/** In seconds. */
export const LATENCY_BOUNDS: SpreadBounds = { p10: [0.001, 10], p90: [1, 30] };
/** In seconds. */
export const SYNC_BOUNDS: SpreadBounds = { p10: [0.1, 60], p90: [30, 1_200] };

/** An availability that is no better than this has no score. */
const WORST_AVAILABILITY = 0.8;

/** Quantiles held to their bounds; undefined where there are none, or where they don't differ. */
export function spreadOf(
  p10: number | undefined,
  p90: number | undefined,
  bounds: SpreadBounds,
): Spread | undefined {
  if (p10 === undefined || p90 === undefined) return undefined;
  const spread = { p10: clamp(p10, ...bounds.p10), p90: clamp(p90, ...bounds.p90) };
  return spread.p90 > spread.p10 ? spread : undefined;
}

/** The score of an availability, from 0 to 1. */
export function availabilityScore(availability: number): number {
  return clamp((availability - WORST_AVAILABILITY) / (1 - WORST_AVAILABILITY), 0, 1);
}

/** The score of a latency or a lag in seconds, from 0 to 1: 1 for the chain's best, 0 for its worst. */
export function timeScore(seconds: number, spread: Spread | undefined, { p90: [, worst] }: SpreadBounds): number {
  if (spread === undefined) return clamp(1 - seconds / worst, 0, 1);
  return 1 - (clamp(seconds, spread.p10, spread.p90) - spread.p10) / (spread.p90 - spread.p10);
}

/** The score of a stake among all stakes together, from 0 to 1. */
export function stakeScore(stake: number, totalStake: number): number {
  return totalStake > 0 ? Math.sqrt(stake / totalStake) : 0;
}

/** Holds a value to its bounds; what is no number becomes the lower one. */
export function clamp(value: number, min: number, max: number): number {
  return value > max ? max : value > min ? value : min;
}
