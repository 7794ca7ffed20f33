import { assert, assertEquals } from "@std/assert";
import { type Log, silentLog, systemClock } from "../../mod.ts";
import { decodeEntry, encodeEntry } from "../../src/cache/entry_codec.ts";
import { RedisCache } from "../../src/cache/redis_cache.ts";
import { until } from "../support/prometheus.ts";
import { startRedis } from "../support/redis.ts";
import { nodeReply } from "../support/wire.ts";

const ENTRY = {
  head: 1_234,
  reply: nodeReply(Uint8Array.of(0, 255, 10, 13), {
    status: 200,
    headers: [["x-a", "ü"]],
    trailers: [["grpc-status", "0"]],
  }),
};

function open(url: string, log: Log = silentLog): RedisCache {
  return new RedisCache({ url, clock: systemClock, log });
}

/** Comes back once the cache keeps and finds. */
async function untilWorks(cache: RedisCache): Promise<void> {
  await until(async () => {
    cache.set("probe", ENTRY, 60_000);
    return await cache.get("probe") !== undefined;
  });
}

Deno.test("an entry comes back from its bytes as it was", () => {
  assertEquals(decodeEntry(encodeEntry(ENTRY)), ENTRY);
});

Deno.test("bytes that are no entry are none", () => {
  const bytes = encodeEntry(ENTRY);
  for (let length = 0; length < bytes.length - ENTRY.reply.body.length; length++) {
    assertEquals(decodeEntry(bytes.slice(0, length)), undefined);
  }
  for (const head of ["{}", "[1]", '[1,200,[["a"]],[]]', "[null,200,[],[]]", '[1,"200",[],[]]']) {
    const text = new TextEncoder().encode(head);
    assertEquals(decodeEntry(Uint8Array.of(1, 0, 0, 0, text.length, ...text)), undefined, head);
  }
  assertEquals(decodeEntry(Uint8Array.of(2, ...bytes.slice(1))), undefined, "another version");
});

Deno.test("what one process keeps another one finds, until its time is up", async () => {
  await using redis = await startRedis();
  if (redis === undefined) return;
  await using one = open(redis.url);
  await using other = open(redis.url);
  await Promise.all([untilWorks(one), untilWorks(other)]);
  one.set("k", ENTRY, 60_000);
  one.set("short", ENTRY, 20);
  await until(async () => await other.get("k") !== undefined);
  assertEquals(await other.get("k"), ENTRY);
  await until(async () => await other.get("short") === undefined);
  assertEquals(await other.get("never"), undefined);
});

Deno.test("a Redis that is away, stuck or back: no look takes long, and it is found again", async () => {
  const first = await startRedis();
  if (first === undefined) return;
  const told: string[] = [];
  const log = {
    ...silentLog,
    warn: (message: string) => told.push(message),
    info: (message: string) => told.push(message),
  };
  await using cache = open(first.url, log);
  await untilWorks(cache);

  Deno.kill(first.pid, "SIGSTOP");
  const startedAt = performance.now();
  assertEquals(await cache.get("probe"), undefined);
  assert(performance.now() - startedAt < 1_000, "a stuck one is given up");
  Deno.kill(first.pid, "SIGCONT");
  await until(async () => await cache.get("probe") !== undefined);

  await first[Symbol.asyncDispose]();
  await until(async () => await cache.get("probe") === undefined);
  cache.set("lost", ENTRY, 60_000);
  await using _second = await startRedis(Number(new URL(first.url).port));
  await untilWorks(cache);
  // Before Redis goes: the client would wait to try again.
  await cache[Symbol.asyncDispose]();
  assertEquals(told, ["the cache in Redis is away: every request is relayed", "the cache in Redis is back"]);
});

Deno.test("a Redis that was never there does not hold anything up", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using cache = open(`redis://127.0.0.1:${port}`);
  cache.set("k", ENTRY, 60_000);
  assertEquals(await cache.get("k"), undefined);
});
