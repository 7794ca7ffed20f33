/** Moments that are kept; when there are as many, every other one goes, and only half of the later ones come in. */
const MAX_TIMES = 64;
const MIN_HALF_LIFE_MS = 3_600_000;
const MAX_HALF_LIFE_MS = 3 * MIN_HALF_LIFE_MS;

/** When relays were made, thinned out evenly: enough to know how old the median one is, in bounded memory. */
export class RelayTimes {
  readonly #times: number[] = [];
  #stride = 1;
  #skipped = 0;

  /** A relay was made, no earlier than the last one. */
  add(atMs: number): void {
    if (++this.#skipped < this.#stride) return;
    this.#skipped = 0;
    this.#times.push(atMs);
    if (this.#times.length < MAX_TIMES) return;
    for (let i = 0; i < MAX_TIMES / 2; i++) this.#times[i] = this.#times[2 * i + 1]!;
    this.#times.length = MAX_TIMES / 2;
    this.#stride *= 2;
  }

  /** The half-life that samples should have: the age of the median relay, from one hour to three. */
  halfLifeMs(nowMs: number): number {
    const median = this.#times[(this.#times.length - 1) >> 1] ?? nowMs;
    return Math.min(MAX_HALF_LIFE_MS, Math.max(MIN_HALF_LIFE_MS, nowMs - median));
  }
}
