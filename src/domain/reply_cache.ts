import type { NodeReply } from "./wire.ts";

/** A node's reply as it is kept. */
export interface CachedReply {
  /** As it came: the ids in it are the relay's own, so that it can be read for any caller. */
  readonly reply: NodeReply;
  /** The newest block that was known of the chain when the node replied; 0 when none was. */
  readonly head: number;
}

/**
 * Where replies are kept for a while.
 *
 * @example A cache that forgets what it is told to
 * ```ts
 * import type { CachedReply, ReplyCache } from "@relaymeter/relay";
 *
 * const replies = new Map<string, CachedReply>();
 * const cache: ReplyCache & { clear(): void } = {
 *   get: (key) => replies.get(key),
 *   set(key, entry, ttlMs) {
 *     replies.set(key, entry);
 *     setTimeout(() => replies.delete(key), ttlMs);
 *   },
 *   clear: () => replies.clear(),
 * };
 * cache.clear();
 * if (cache.get("a") !== undefined) throw new Error("it has been emptied");
 * ```
 */
export interface ReplyCache {
  /** The reply under a key; undefined when there is none any more. Never throws, never rejects, and soon gives up. */
  get(key: string): CachedReply | undefined | Promise<CachedReply | undefined>;
  /**
   * Keeps a reply for `ttlMs`, or not at all. Never throws, and nothing is waited for. Its body may be part of a larger
   * piece of memory, which is kept as well unless the body is copied.
   */
  set(key: string, entry: CachedReply, ttlMs: number): void;
}
