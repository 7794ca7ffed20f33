/** Messages that are remembered for telling repeats. */
const MAX_REMEMBERED = 256;
/** How long after a new connection was opened what was delivered before may come again. */
const REPEATS_MS = 120_000;

/**
 * Tells what a node sends again after a connection has broken and been made anew: the same message as one of the last
 * that were delivered before. While a connection lasts, nothing is a repeat, nor is the same thing a second time.
 */
export class RecentMessages {
  #current = new Set<number>();
  #before = new Set<number>();
  #untilMs = 0;

  /** The connection has broken: what was delivered on it may come again. */
  expectRepeats(): void {
    this.#before = new Set([...this.#before, ...this.#current].slice(-MAX_REMEMBERED));
    this.#current = new Set();
    this.#untilMs = Infinity;
  }

  /** There is a new connection. */
  reopened(nowMs: number): void {
    this.#untilMs = nowMs + REPEATS_MS;
  }

  /** Whether a message was delivered before the connection broke; remembers it in any case. `text` tells it from others. */
  isRepeated(text: string, nowMs: number): boolean {
    const hash = hashOf(text);
    const isRepeated = this.#before.delete(hash) && nowMs < this.#untilMs;
    this.#current.add(hash);
    if (this.#current.size > MAX_REMEMBERED) this.#current.delete(this.#current.values().next().value!);
    return isRepeated;
  }
}

/** 53 bits of a text (cyrb53), which is enough to tell a few hundred messages apart. */
function hashOf(text: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}
