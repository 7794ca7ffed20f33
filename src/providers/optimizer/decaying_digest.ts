/** Each bucket's upper bound is this much above its lower one, so that a quantile is right to within 1 %. */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** Weights grow as older ones lose value; beyond 2 to this power all are scaled down. */
const MAX_EXPONENT = 64;

/** Options of a digest. */
export interface DigestOptions {
  /** Samples at or below it are not told apart. */
  readonly min: number;
  /** Samples at or above it are not told apart. */
  readonly max: number;
  /** Milliseconds after which a sample counts half. */
  readonly halfLifeMs: number;
}

/**
 * Quantiles of positive samples that lose weight with age: a histogram whose buckets grow by a constant factor (as in
 * DDSketch), with forward decay. Its memory is given by its bounds.
 */
export class DecayingDigest {
  readonly #min: number;
  readonly #max: number;
  readonly #halfLifeMs: number;
  readonly #buckets: Float64Array;
  #total = 0;
  /** The moment at which a sample weighs what it says. */
  #baseMs = 0;
  #lastMs = -Infinity;

  constructor({ min, max, halfLifeMs }: DigestOptions) {
    this.#min = min;
    this.#max = max;
    this.#halfLifeMs = halfLifeMs;
    this.#buckets = new Float64Array(Math.ceil(Math.log(max / min) / LOG_GROWTH) + 1);
  }

  /** Takes in a sample. One that is older than the last, or no number, is refused. */
  add(value: number, weight: number, atMs: number): boolean {
    if (atMs < this.#lastMs || !Number.isFinite(value)) return false;
    if (this.#total === 0) this.#baseMs = atMs;
    this.#lastMs = atMs;
    let exponent = (atMs - this.#baseMs) / this.#halfLifeMs;
    if (exponent > MAX_EXPONENT) {
      this.#scale(2 ** -exponent);
      this.#baseMs = atMs;
      exponent = 0;
    }
    const scaled = weight * 2 ** exponent;
    this.#buckets[this.#indexOf(value)]! += scaled;
    this.#total += scaled;
    return true;
  }

  /** The value that this share of the samples is at or below; undefined while there are none. */
  quantile(share: number): number | undefined {
    if (this.#total === 0) return undefined;
    let left = share * this.#total;
    for (let i = 0; i < this.#buckets.length; i++) {
      left -= this.#buckets[i]!;
      if (left <= 0) return this.#valueOf(i);
    }
    return this.#max;
  }

  #indexOf(value: number): number {
    if (value <= this.#min) return 0;
    if (value >= this.#max) return this.#buckets.length - 1;
    return Math.ceil(Math.log(value / this.#min) / LOG_GROWTH);
  }

  #valueOf(index: number): number {
    if (index === 0) return this.#min;
    return index === this.#buckets.length - 1 ? this.#max : this.#min * GROWTH ** (index - 0.5);
  }

  #scale(factor: number): void {
    this.#total = 0;
    for (let i = 0; i < this.#buckets.length; i++) this.#total += this.#buckets[i]! *= factor;
  }
}
