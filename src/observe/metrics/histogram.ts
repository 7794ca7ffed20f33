import type { Exposition, Labels } from "./exposition.ts";

/** Upper bounds of the buckets of latencies, in milliseconds. */
export const LATENCY_BOUNDS: readonly number[] = [
  1,
  2,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1_000,
  2_500,
  5_000,
  10_000,
  30_000,
];

/** Counts of latencies by bucket. */
export class Histogram {
  /** One for each bound, and one for what is beyond the last. */
  readonly #counts = new Float64Array(LATENCY_BOUNDS.length + 1);
  #sum = 0;

  /** Takes in one latency. */
  add(ms: number): void {
    let bucket = 0;
    while (bucket < LATENCY_BOUNDS.length && ms > LATENCY_BOUNDS[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sum += ms;
  }

  /** Writes the series of the metric `name`. */
  write(into: Exposition, name: string, labels: Labels): void {
    let total = 0;
    this.#counts.forEach((count, bucket) => {
      total += count;
      into.sample(`${name}_bucket`, [...labels, ["le", String(LATENCY_BOUNDS[bucket] ?? "+Inf")]], total);
    });
    into.sample(`${name}_sum`, labels, this.#sum);
    into.sample(`${name}_count`, labels, total);
  }
}
