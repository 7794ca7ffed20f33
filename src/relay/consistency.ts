import { LATEST, PENDING } from "../domain/block.ts";
import type { Caller } from "../domain/caller.ts";
import type { Clock } from "../domain/clock.ts";
import type { RelayRequest } from "../domain/relay_request.ts";

/** Options of the consistency, resolved. */
export interface ConsistencyOptions {
  /** Milliseconds between two blocks of the chain. */
  readonly averageBlockTimeMs: number;
  /** Blocks that a node may be behind before it counts as lagging. */
  readonly allowedLag: number;
  /** Blocks after which a block is final. */
  readonly finalizedDistance: number;
  /** Most callers that are remembered. */
  readonly maxCallers: number;
}

/** How long a caller is remembered after its last answer. */
const TTL_MS = 5 * 60_000;
/** Fewest blocks that a provider may be behind what a caller was shown. */
const MIN_GAP = 10;
/** Fewest blocks that the chain may have advanced between two answers. */
const MIN_ADVANCE = 16;

interface Seen {
  readonly block: number;
  readonly atMs: number;
}

/**
 * Remembers the newest block that each caller was shown, so that it is not shown a much older one as the newest. A
 * caller is a project at an address. What has not been heard of the longest time makes room.
 */
export class Consistency {
  readonly #clock: Clock;
  readonly #gap: number;
  readonly #maxAdvance: number;
  readonly #maxCallers: number;
  /** In the order of their last answer. */
  readonly #seen = new Map<string, Seen>();

  constructor(clock: Clock, options: ConsistencyOptions) {
    const { averageBlockTimeMs, allowedLag, finalizedDistance, maxCallers } = options;
    this.#clock = clock;
    this.#gap = Math.max(2 * allowedLag, finalizedDistance, MIN_GAP);
    this.#maxAdvance = Math.max(MIN_ADVANCE, averageBlockTimeMs > 0 ? 4 * TTL_MS / averageBlockTimeMs : 0);
    this.#maxCallers = maxCallers;
  }

  /** The block that a provider must have reached to tell the caller what is newest; 0 for any. */
  minBlock({ api: { requestedBlock: { to } }, caller }: RelayRequest): number {
    if (to !== LATEST && to !== PENDING) return 0;
    const seen = this.#seenBy(keyOf(caller));
    return seen === undefined ? 0 : Math.max(0, seen.block - this.#gap);
  }

  /** A caller was shown a block. An advance that the chain can't have made is not believed. */
  show({ caller }: RelayRequest, block: number): void {
    if (block <= 0) return;
    const key = keyOf(caller);
    const seen = this.#seenBy(key);
    if (seen !== undefined && block > seen.block + this.#maxAdvance) return;
    this.#seen.delete(key);
    this.#seen.set(key, { block: Math.max(block, seen?.block ?? 0), atMs: this.#clock.monotonic() });
    if (this.#seen.size <= this.#maxCallers) return;
    const [oldest] = this.#seen.keys();
    this.#seen.delete(oldest!);
  }

  #seenBy(key: string): Seen | undefined {
    const seen = this.#seen.get(key);
    return seen === undefined || seen.atMs + TTL_MS <= this.#clock.monotonic() ? undefined : seen;
  }
}

function keyOf({ project, address }: Caller): string {
  return `${project}\n${address}`;
}
