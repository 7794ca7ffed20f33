import { MemoryCache, type ReplyCache } from "../../mod.ts";
import type { RelayFlags } from "../config/flags.ts";
import { systemClock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";

/** What is wrong with the flags of the cache, if anything. The URL may hold a password: it is not shown. */
export function cacheMistakes(flags: RelayFlags): string[] {
  const url = flags["cache-redis-url"];
  if (url === "") return [];
  if (!flags.cache) return ["--cache-redis-url: needs --cache"];
  const isRedis = URL.canParse(url) && /^rediss?:$/.test(new URL(url).protocol);
  return isRedis ? [] : ["--cache-redis-url: must be written redis://host:port or rediss://host:port"];
}

/** The cache that the flags ask for. Redis is not waited for, and its client is loaded where it is wanted only. */
export async function createCache(
  flags: RelayFlags,
  log: Log,
): Promise<ReplyCache & Partial<AsyncDisposable> | undefined> {
  if (!flags.cache) return undefined;
  const url = flags["cache-redis-url"];
  if (url === "") return new MemoryCache({ maxBytes: flags["cache-max-bytes"] });
  const { RedisCache } = await import("../cache/redis_cache.ts");
  return new RedisCache({ url, clock: systemClock, log });
}
