import type { Head } from "../../domain/subscription.ts";

/** Heads that are remembered. */
const MAX_HEADS = 256;

/** The chain as clients have been told it: the newest heads that were delivered. */
export class HeadChain {
  readonly #hashes = new Map<number, string>();
  #tip = -1;

  /** The height that was delivered last; -1 before the first. */
  get tip(): number {
    return this.#tip;
  }

  /** The lowest height that is remembered. */
  get floor(): number {
    return Math.max(0, this.#tip - this.#hashes.size + 1);
  }

  has(height: number, hash: string): boolean {
    return this.#hashes.get(height) === hash;
  }

  /** A head was delivered. What stood at its height and above is not of the chain any more. */
  add({ height, hash }: Head): void {
    // Without what is between, what was before says nothing of what comes after.
    if (height > this.#tip + 1 || height < this.floor) this.#hashes.clear();
    else for (let above = height; above <= this.#tip; above++) this.#hashes.delete(above);
    this.#hashes.set(height, hash);
    this.#tip = height;
    if (this.#hashes.size > MAX_HEADS) this.#hashes.delete(this.floor - 1);
  }
}
