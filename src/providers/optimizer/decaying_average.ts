/** How old a start value is taken to be: it is a guess, so that the first sample all but takes its place. */
const START_AGE_MS = 24 * 3_600_000;

/** An average in which a sample counts half after each half-life. */
export class DecayingAverage {
  #sum: number;
  #weight = 1;
  #atMs: number;

  constructor(start: number, nowMs: number) {
    this.#sum = start;
    this.#atMs = nowMs - START_AGE_MS;
  }

  get value(): number {
    return this.#sum / this.#weight;
  }

  /** Takes in a sample. One that is older than the last, or no number, is refused. */
  add(value: number, weight: number, atMs: number, halfLifeMs: number): boolean {
    if (atMs < this.#atMs || !Number.isFinite(value)) return false;
    const decay = 2 ** (-(atMs - this.#atMs) / halfLifeMs);
    this.#sum = this.#sum * decay + value * weight;
    this.#weight = this.#weight * decay + weight;
    this.#atMs = atMs;
    return true;
  }
}
