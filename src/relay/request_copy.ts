/** Bytes that all calls together keep for being sent again. */
export class CopyBudget {
  readonly maxBytes: number;
  usedBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }
}

/** What has come of a request so far, kept as long as it may have to be sent to another node, and is small. */
export class RequestCopy {
  readonly #budget: CopyBudget;
  readonly #maxBytes: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isComplete = true;

  constructor(budget: CopyBudget, maxBytes: number) {
    this.#budget = budget;
    this.#maxBytes = maxBytes;
  }

  /** Whether it holds all that has come. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  get chunks(): readonly Uint8Array[] {
    return this.#chunks;
  }

  /** Adds bytes. Where a node has them already, the copy is dropped when it would become too large. */
  add(chunk: Uint8Array, isElsewhere: boolean): void {
    if (!this.#isComplete || chunk.length === 0) return;
    const isTooMuch = this.#bytes + chunk.length > this.#maxBytes ||
      this.#budget.usedBytes + chunk.length > this.#budget.maxBytes;
    if (isElsewhere && isTooMuch) return this.drop();
    this.#budget.usedBytes += chunk.length;
    this.#bytes += chunk.length;
    this.#chunks.push(chunk.slice());
  }

  /** It is not needed any more, or too large. */
  drop(): void {
    this.#budget.usedBytes -= this.#bytes;
    this.#isComplete = false;
    this.#chunks = [];
    this.#bytes = 0;
  }
}
