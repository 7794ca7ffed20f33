import { type Clock, systemClock } from "../domain/clock.ts";
import type { CachedReply, ReplyCache } from "../domain/reply_cache.ts";

/** Options of the cache in memory. */
export interface MemoryCacheOptions {
  /** Most bytes that it holds, keys and an estimate of the bookkeeping included; default 256 MiB. */
  readonly maxBytes?: number;
  /** Default: the platform's. */
  readonly clock?: Clock;
}

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
/** What an entry takes beside its key and its body. */
const ENTRY_BYTES = 300;
/** No reply may take more than this share of the cache. */
const MAX_SHARE = 1 / 8;

interface Entry {
  readonly value: CachedReply;
  readonly expiresAtMs: number;
  readonly bytes: number;
  /** Whether it was asked for since it was last looked at. */
  isUsed: boolean;
}

/**
 * Keeps replies in memory, within a bound in bytes: what has not been asked for in a long time makes room.
 *
 * @example A relay with a cache
 * ```ts
 * import { createRelay, MemoryCache } from "@relaymeter/relay";
 *
 * const cache = new MemoryCache({ maxBytes: 64 * 1024 * 1024 });
 * await using _relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 *   cache,
 * });
 * if (cache.bytes !== 0) throw new Error("nothing has been asked yet");
 * ```
 */
export class MemoryCache implements ReplyCache {
  readonly #maxBytes: number;
  readonly #clock: Clock;
  /** In the order in which they came, or were found to be in use: to put one at the end at each use would cost more. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  /** An empty one. */
  constructor({ maxBytes = DEFAULT_MAX_BYTES, clock = systemClock }: MemoryCacheOptions = {}) {
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  /** Bytes that it holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The reply under a key; undefined when there is none any more. */
  get(key: string): CachedReply | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs <= this.#clock.monotonic()) {
      this.#remove(key, entry);
      return undefined;
    }
    entry.isUsed = true;
    return entry.value;
  }

  /** Keeps a reply for `ttlMs`, unless it would take too large a share of the cache. */
  set(key: string, value: CachedReply, ttlMs: number): void {
    const known = this.#entries.get(key);
    if (known !== undefined) this.#remove(key, known);
    const bytes = sizeOf(key, value);
    if (bytes > this.#maxBytes * MAX_SHARE) return;
    const nowMs = this.#clock.monotonic();
    this.#add(key, { value: withOwnBody(value), expiresAtMs: nowMs + ttlMs, bytes, isUsed: false });
    for (const [oldest, entry] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) break;
      this.#remove(oldest, entry);
      if (!entry.isUsed || entry.expiresAtMs <= nowMs) continue;
      entry.isUsed = false;
      this.#add(oldest, entry);
    }
  }

  #add(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.bytes;
  }

  #remove(key: string, entry: Entry): void {
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }
}

function sizeOf(key: string, { reply: { body, headers, trailers } }: CachedReply): number {
  let characters = key.length;
  for (const [name, value] of [...headers, ...trailers]) characters += name.length + value.length;
  return ENTRY_BYTES + 2 * characters + body.length;
}

/** The same with a body that is not part of a larger buffer, all of which would be held. */
function withOwnBody(value: CachedReply): CachedReply {
  const { body } = value.reply;
  if (body.length === body.buffer.byteLength) return value;
  return { ...value, reply: { ...value.reply, body: body.slice() } };
}
