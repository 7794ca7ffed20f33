import { assertEquals } from "@std/assert";
import { NodeHealth } from "../../src/providers/node_health.ts";

Deno.test("a failure keeps a node out for 3 s, doubling to a minute, until it answers", () => {
  const health = new NodeHealth();
  let nowMs = 0;
  const backoffs: number[] = [];
  for (let i = 0; i < 7; i++) {
    const backoffMs = health.fail(nowMs, "relay");
    backoffs.push(backoffMs);
    assertEquals(health.isAvailable(nowMs + backoffMs - 1), false);
    assertEquals(health.isAvailable(nowMs + backoffMs), true);
    nowMs += backoffMs;
  }
  assertEquals(backoffs, [3_000, 6_000, 12_000, 24_000, 48_000, 60_000, 60_000]);
  assertEquals(health.succeed(0, "relay"), true);
  assertEquals(health.succeed(0, "relay"), false, "it is told once");
  assertEquals(health.fail(nowMs, "relay"), 3_000, "and the count starts over");
});

Deno.test("attempts side by side that all fail count once", () => {
  const health = new NodeHealth();
  assertEquals([health.fail(0, "relay"), health.fail(1, "relay"), health.fail(2, "relay")], [3_000, 0, 0]);
  assertEquals(health.isAvailable(3_000), true);
});

Deno.test("a node that asks for fewer requests is left alone as long as it says, and is not unhealthy", () => {
  const health = new NodeHealth();
  health.holdOff(0, 10_000);
  assertEquals([health.isAvailable(9_999), health.isAvailable(10_000)], [false, true]);
  health.holdOff(10_000, 0);
  assertEquals([health.isAvailable(12_999), health.isAvailable(13_000)], [false, true]);
  health.holdOff(13_000, 86_400_000);
  assertEquals(health.isAvailable(13_000 + 300_000), true, "five minutes at the most");
  assertEquals(health.succeed(0, "relay"), false, "it never failed");
});

Deno.test("more than 15 failures in a row block a node for three minutes, and then there is one more chance", () => {
  const health = new NodeHealth();
  let nowMs = 0;
  for (let failures = 1; failures <= 15; failures++, nowMs += 1_000) {
    health.fail(nowMs, "relay");
    assertEquals(health.isBlocked(nowMs), false, `after ${failures}`);
  }
  assertEquals(health.fail(nowMs, "relay"), 180_000);
  assertEquals([health.isBlocked(nowMs + 179_999), health.isAvailable(nowMs + 179_999)], [true, false]);
  nowMs += 180_000;
  assertEquals([health.isBlocked(nowMs), health.isAvailable(nowMs)], [false, true]);
  assertEquals(health.fail(nowMs, "relay"), 180_000, "and it is blocked again at once");
  assertEquals(health.succeed(0, "relay"), true);
  assertEquals(health.isAvailable(nowMs), true);
  assertEquals(health.fail(nowMs, "relay"), 3_000, "one success clears it");
});

Deno.test("a node that was looked at and found wrong is not available until it is found right", () => {
  const health = new NodeHealth();
  health.verify(new Set([""]));
  assertEquals([health.isAvailable(0), health.isRefuted], [false, true]);
  health.succeed(0, "relay");
  assertEquals(health.isAvailable(0), false, "that it answers does not make it right");
  health.verify(new Set());
  assertEquals([health.isAvailable(0), health.isRefuted], [true, false]);
});
