import { assert, assertEquals } from "@std/assert";
import { MemoryCache } from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { seededRandom } from "../support/seeded_random.ts";
import { nodeReply } from "../support/wire.ts";

const entry = (size: number, head = 1) => ({ reply: nodeReply(new Uint8Array(size)), head });

Deno.test("what is kept comes back until its time is up", async () => {
  const clock = new FakeClock();
  const cache = new MemoryCache({ clock });
  const kept = entry(10);
  cache.set("k", kept, 1_000);
  assertEquals([cache.get("k") === kept, cache.get("other")], [true, undefined]);
  await clock.advance(1_000);
  assertEquals([cache.get("k"), cache.bytes], [undefined, 0]);
});

Deno.test("a newer reply takes the place of an older one, and its bytes too", () => {
  const cache = new MemoryCache({ clock: new FakeClock() });
  cache.set("k", entry(1_000), 1_000);
  const bytes = cache.bytes;
  const newer = entry(1_000);
  cache.set("k", newer, 1_000);
  assertEquals([cache.bytes, cache.get("k") === newer], [bytes, true]);
});

Deno.test("what was not asked for the longest time makes room", () => {
  const cache = new MemoryCache({ clock: new FakeClock(), maxBytes: 12_000 });
  for (const key of ["a", "b", "c"]) cache.set(key, entry(1_000), 1e6);
  cache.get("a");
  for (let i = 0; i < 7; i++) cache.set(`x${i}`, entry(1_000), 1e6);
  assertEquals(["a", "b", "c"].map((key) => cache.get(key) !== undefined), [true, false, true]);
});

Deno.test("a reply that would take much of the cache is not kept", () => {
  const cache = new MemoryCache({ clock: new FakeClock(), maxBytes: 8_000 });
  cache.set("k", entry(10), 1e6);
  cache.set("k", entry(2_000), 1e6);
  assertEquals([cache.get("k"), cache.bytes], [undefined, 0]);
});

Deno.test("a body that is part of a larger buffer does not hold all of it", () => {
  const cache = new MemoryCache({ clock: new FakeClock(), maxBytes: 10_000 });
  const body = new Uint8Array(1_000_000).subarray(10, 20).fill(7);
  cache.set("k", { reply: nodeReply(body), head: 1 }, 1e6);
  const kept = cache.get("k")!.reply.body;
  assertEquals([kept, kept.buffer.byteLength], [new Uint8Array(10).fill(7), 10]);
});

Deno.test("it never holds more than its bound, whatever is put in, and books every byte back", async () => {
  const clock = new FakeClock();
  const cache = new MemoryCache({ clock, maxBytes: 100_000 });
  const random = seededRandom(3);
  for (let i = 0; i < 20_000; i++) {
    const key = `k${Math.floor(random() * 500)}`;
    if (random() < 0.5) cache.get(key);
    else cache.set(key, entry(Math.floor(random() * 3_000)), random() * 2_000);
    if (i % 100 === 0) await clock.advance(random() * 100);
    assert(cache.bytes <= 100_000 && cache.bytes >= 0);
  }
  await clock.advance(2_000);
  for (let i = 0; i < 500; i++) cache.get(`k${i}`);
  assertEquals(cache.bytes, 0);
});
