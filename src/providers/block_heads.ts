/** Fewest blocks that the chain may have advanced between two sightings. */
const MIN_ADVANCE = 16;
/** How often a provider has to say what the chain can't have done, with nobody to contradict it, to be believed. */
const INSISTENCE = 3;

interface Claim {
  readonly height: number;
  readonly times: number;
}

/**
 * The newest block of each provider and of the chain. Providers are known by their position.
 *
 * A block that the chain can't have reached by now is not believed at first: it is once a second provider says about
 * the same, or when the provider keeps to it and no two others agree on less. So one that lies makes nobody else look
 * stale, and a chain that had stood still, or a relay that had slept, gets on.
 */
export class BlockHeads {
  readonly #blockTimeMs: number;
  readonly #heights: number[];
  readonly #claims: (Claim | undefined)[];
  #head = 0;
  #headAtMs = 0;

  constructor(providers: number, blockTimeMs: number) {
    this.#blockTimeMs = blockTimeMs;
    this.#heights = new Array<number>(providers).fill(0);
    this.#claims = new Array<Claim | undefined>(providers).fill(undefined);
  }

  /** Takes over what is known of another list of providers; `from` says for each where it stood there, or -1. */
  adopt(previous: BlockHeads, from: readonly number[]): void {
    this.#head = previous.#head;
    this.#headAtMs = previous.#headAtMs;
    from.forEach((old, index) => {
      this.#heights[index] = previous.#heights[old] ?? 0;
      this.#claims[index] = previous.#claims[old];
    });
  }

  /** The newest block of the chain; 0 while none is known. */
  get head(): number {
    return this.#head;
  }

  /** The newest block of a provider; 0 while none is known. */
  headOf(index: number): number {
    return this.#heights[index] ?? 0;
  }

  /** A provider has said that this block is its newest. False when that is not believed. */
  see(index: number, height: number, nowMs: number): boolean {
    if (!Number.isSafeInteger(height) || height <= 0) return false;
    if (this.#head > 0 && height > this.#head + this.#maxAdvance(nowMs) && !this.#isCredible(index, height, nowMs)) {
      return false;
    }
    this.#claims[index] = undefined;
    this.#heights[index] = height;
    if (height <= this.#head) return true;
    this.#head = height;
    this.#headAtMs = nowMs;
    return true;
  }

  /**
   * Milliseconds that a provider is behind the chain: none at the head, else how long the head has been known (a block
   * time at the most) and a block time for each block before that. Undefined while it has shown no block.
   */
  lagMs(index: number, nowMs: number): number | undefined {
    const height = this.headOf(index);
    if (height === 0) return undefined;
    const gap = this.#head - height;
    if (gap <= 0) return 0;
    return Math.min(this.#blockTimeMs, Math.max(0, nowMs - this.#headAtMs)) + (gap - 1) * this.#blockTimeMs;
  }

  #maxAdvance(nowMs: number): number {
    const blocks = this.#blockTimeMs > 0 ? 4 * (nowMs - this.#headAtMs) / this.#blockTimeMs : 0;
    return Math.max(MIN_ADVANCE, blocks);
  }

  #isCredible(index: number, height: number, nowMs: number): boolean {
    const near = this.#maxAdvance(nowMs);
    const times = (this.#claims[index]?.times ?? 0) + 1;
    this.#claims[index] = { height, times };
    const isConfirmed = this.#claims.some((claim, other) =>
      other !== index && claim !== undefined && Math.abs(claim.height - height) <= near
    );
    if (isConfirmed) return true;
    const others = this.#heights.filter((known, other) => other !== index && known > 0 && this.#head - known <= near);
    return times >= INSISTENCE && others.length < 2;
  }
}
