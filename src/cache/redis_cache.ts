import { Buffer } from "node:buffer";
import { createClient, RESP_TYPES } from "@redis/client";
import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { CachedReply, ReplyCache } from "../domain/reply_cache.ts";
import { decodeEntry, encodeEntry } from "./entry_codec.ts";

/** Options of the cache in Redis. */
export interface RedisCacheOptions {
  /** `redis://` or `rediss://`, with credentials where Redis wants them. Secret. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds after which a look is given up, and a node is asked; default 50. */
  readonly timeoutMs?: number;
}

/** Largest entry in bytes: Redis answers one after the other, and others would wait. */
const MAX_ENTRY_BYTES = 1024 * 1024;
/** Most commands that wait for Redis; beyond it, requests go to the nodes and replies are not kept. */
const MAX_WAITING = 1_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;
const KEY_PREFIX = "relaymeter:";

/**
 * Keeps replies in Redis, for all processes that use it. Its own limit on memory is Redis's (`maxmemory`).
 *
 * A Redis that is away or slow costs each request `timeoutMs` at the most, and is found again when it is back.
 */
export class RedisCache implements ReplyCache, AsyncDisposable {
  readonly #client: ReturnType<typeof connectable>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #timeoutMs: number;
  #cancelRetry = () => {};
  #isClosed = false;
  #wasAway = false;

  constructor({ url, clock, log, timeoutMs = 50 }: RedisCacheOptions) {
    this.#client = connectable(url);
    this.#clock = clock;
    this.#log = log;
    this.#timeoutMs = timeoutMs;
    this.#client.on("error", () => this.#away());
    this.#client.on("ready", () => this.#back());
    this.#connect(FIRST_RETRY_MS);
  }

  async get(key: string): Promise<CachedReply | undefined> {
    if (!this.#client.isReady) return undefined;
    let cancelTimer = () => {};
    const timeUp = new Promise<undefined>((resolve) => {
      cancelTimer = this.#clock.schedule(this.#timeoutMs, () => resolve(undefined));
    });
    try {
      const bytes = await Promise.race([this.#read(key), timeUp]);
      return bytes && decodeEntry(bytes);
    } catch {
      return undefined;
    } finally {
      cancelTimer();
    }
  }

  set(key: string, entry: CachedReply, ttlMs: number): void {
    if (!this.#client.isReady || entry.reply.body.length > MAX_ENTRY_BYTES) return;
    this.#write(key, entry, ttlMs).catch(() => {});
  }

  /** Lets go of Redis. Safe to call twice. */
  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#cancelRetry();
      this.#client.destroy();
    }
    return Promise.resolve();
  }

  async #read(key: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const value = await this.#client.get(await nameOf(key));
    return value === null ? undefined : new Uint8Array(value);
  }

  async #write(key: string, entry: CachedReply, ttlMs: number): Promise<void> {
    const { buffer, byteOffset, length } = encodeEntry(entry);
    const value = Buffer.from(buffer, byteOffset, length);
    await this.#client.set(await nameOf(key), value, {
      expiration: { type: "PX", value: Math.max(1, Math.round(ttlMs)) },
    });
  }

  /** Connects, and tries again later where that fails; once it has worked, the client does so by itself. */
  #connect(retryMs: number): void {
    this.#client.connect().catch(() => {
      if (this.#isClosed) return;
      this.#away();
      this.#cancelRetry = this.#clock.schedule(retryMs, () => this.#connect(Math.min(2 * retryMs, MAX_RETRY_MS)));
    });
  }

  #away(): void {
    if (!this.#wasAway && !this.#isClosed) this.#log.warn("the cache in Redis is away: every request is relayed");
    this.#wasAway = true;
  }

  #back(): void {
    if (this.#wasAway) this.#log.info("the cache in Redis is back");
    this.#wasAway = false;
  }
}

function connectable(url: string) {
  return createClient({
    url,
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_WAITING,
    socket: {
      connectTimeout: 2_000,
      reconnectStrategy: (retries) => Math.min(FIRST_RETRY_MS * 2 ** retries, MAX_RETRY_MS),
    },
  }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
}

/** The key in Redis: a hash, as a request may be long and is nobody else's business. */
async function nameOf(key: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return KEY_PREFIX + Buffer.from(digest).toString("hex");
}
