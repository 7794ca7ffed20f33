import type { ApiFacts } from "../domain/relay_request.ts";

/** Each doubling of the latency has this many buckets. */
const STEPS = 4;
/** Upper bound of the first bucket is 2^-2 ms, and of the last 2^18 ms, over four minutes. */
const LOWEST_EXPONENT = -2;
const BUCKETS = (18 - LOWEST_EXPONENT) * STEPS + 1;
/** Fewer answers than this say nothing about a quantile. */
const MIN_SAMPLES = 30;
/** After so many answers those before count half. */
const HALF_LIFE_SAMPLES = 1_000;
/** Calls that cost up to so many compute units are told apart from dearer ones. */
const COST_CLASSES = [10, 20, 50, 100, Infinity];

/** A provider that is late by its own measure so many times in a row has failed. */
const MAX_LATE_IN_A_ROW = 3;

/** How long answers took, by provider and by what calls cost. Bounded by the number of providers. */
export class Latencies {
  readonly #histograms = new Map<string, Histogram[]>();
  readonly #lateInARow = new Map<string, number>();

  /** An answer took this long. */
  add(provider: string, api: ApiFacts, latencyMs: number): void {
    this.#lateInARow.delete(provider);
    this.#count(provider, api, latencyMs);
  }

  /**
   * An answer was late by the provider's own measure, and was not waited for any longer than this. Comes back with
   * whether it has been late so often in a row that it is stuck rather than slow.
   */
  addLate(provider: string, api: ApiFacts, latencyMs: number): boolean {
    // A provider that has become slower is to be known as such, or all its calls would be hedged from now on.
    this.#count(provider, api, latencyMs);
    const late = (this.#lateInARow.get(provider) ?? 0) + 1;
    this.#lateInARow.set(provider, late % MAX_LATE_IN_A_ROW);
    return late >= MAX_LATE_IN_A_ROW;
  }

  #count(provider: string, api: ApiFacts, latencyMs: number): void {
    let classes = this.#histograms.get(provider);
    if (classes === undefined) this.#histograms.set(provider, classes = COST_CLASSES.map(() => new Histogram()));
    classes[classOf(api)]!.add(latencyMs);
  }

  /** What this share of a provider's answers is faster than, in milliseconds; infinite while too little is known. */
  quantile(provider: string, api: ApiFacts, share: number): number {
    return this.#histograms.get(provider)?.[classOf(api)]?.quantile(share) ?? Infinity;
  }
}

function classOf({ computeUnits }: ApiFacts): number {
  return COST_CLASSES.findIndex((most) => computeUnits <= most);
}

/** Counts in buckets that grow by a constant factor, so that a quantile is right to within 19 %. */
class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;

  add(ms: number): void {
    const exponent = Math.ceil(Math.log2(Math.max(ms, 1e-9)) * STEPS) - LOWEST_EXPONENT * STEPS;
    this.#counts[Math.max(0, Math.min(BUCKETS - 1, exponent))]!++;
    this.#total++;
    if (this.#total < HALF_LIFE_SAMPLES) return;
    this.#total = 0;
    for (let i = 0; i < BUCKETS; i++) this.#total += this.#counts[i]! /= 2;
  }

  quantile(share: number): number {
    if (this.#total < MIN_SAMPLES) return Infinity;
    let left = share * this.#total;
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.#counts[i]!;
      if (left <= 0) return 2 ** (i / STEPS + LOWEST_EXPONENT);
    }
    return Infinity;
  }
}
