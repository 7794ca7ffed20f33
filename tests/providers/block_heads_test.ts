import { assertEquals } from "@std/assert";
import { BlockHeads } from "../../src/providers/block_heads.ts";

const BLOCK_MS = 12_000;

Deno.test("the lag of a provider is counted in time from when the head was seen", () => {
  const heads = new BlockHeads(3, BLOCK_MS);
  assertEquals([heads.head, heads.lagMs(0, 0)], [0, undefined]);
  heads.see(0, 100, 0);
  heads.see(1, 99, 0);
  assertEquals([heads.head, heads.lagMs(0, 9_000), heads.lagMs(1, 0), heads.lagMs(1, 9_000)], [100, 0, 0, 9_000]);
  assertEquals(heads.lagMs(1, 60_000), BLOCK_MS, "a block time at the most");
  assertEquals(heads.lagMs(2, 0), undefined);
  heads.see(1, 97, 0);
  assertEquals(heads.lagMs(1, 5_000), 5_000 + 2 * BLOCK_MS);
  assertEquals(heads.lagMs(1, -5_000), 2 * BLOCK_MS, "a clock that goes back");
});

Deno.test("what no block is is not seen", () => {
  const heads = new BlockHeads(1, BLOCK_MS);
  for (const height of [0, -2, 1.5, NaN, Infinity, 2 ** 60]) assertEquals(heads.see(0, height, 0), false);
  assertEquals(heads.head, 0);
});

Deno.test("a provider's own block may go back, the chain's does not", () => {
  const heads = new BlockHeads(2, BLOCK_MS);
  heads.see(0, 100, 0);
  heads.see(1, 100, 0);
  heads.see(0, 90, 0);
  assertEquals([heads.head, heads.headOf(0)], [100, 90]);
});

Deno.test("a provider that lies about the block makes nobody else look stale, however often it says so", () => {
  const heads = new BlockHeads(3, BLOCK_MS);
  for (const index of [0, 1, 2]) heads.see(index, 1_000, 0);
  for (let poll = 1; poll <= 20; poll++) {
    const nowMs = poll * BLOCK_MS;
    heads.see(1, 1_000 + poll, nowMs);
    heads.see(2, 1_000 + poll, nowMs);
    assertEquals(heads.see(0, 9_000_000 + poll, nowMs), false);
  }
  assertEquals([heads.head, heads.headOf(0), heads.lagMs(1, 20 * BLOCK_MS)], [1_020, 1_000, 0]);
});

Deno.test("a jump that a second provider confirms is believed: the first one seen was far behind", () => {
  const heads = new BlockHeads(3, BLOCK_MS);
  heads.see(0, 1_000, 0);
  assertEquals(heads.see(1, 5_000, 100), false);
  assertEquals(heads.see(2, 5_001, 200), true);
  assertEquals(heads.see(1, 5_000, 300), true);
  assertEquals(heads.head, 5_001);
});

Deno.test("a jump of the only provider, or of one of two, is believed when it keeps to it", () => {
  for (const others of [0, 1]) {
    const heads = new BlockHeads(2, BLOCK_MS);
    heads.see(0, 1_000, 0);
    if (others === 1) heads.see(1, 1_000, 0);
    const seen = [1, 2, 3].map((poll) => heads.see(0, 5_000 + poll, poll * 1_000));
    assertEquals([seen, heads.head], [[false, false, true], 5_003]);
  }
});

Deno.test("after a long silence the chain may have come far", () => {
  const heads = new BlockHeads(3, BLOCK_MS);
  for (const index of [0, 1, 2]) heads.see(index, 1_000, 0);
  assertEquals(heads.see(0, 1_000 + 16, 0), true);
  assertEquals(heads.see(0, 1_016 + 300, 3_600_000), true, "an hour of blocks");
});
