import { assert, assertEquals } from "@std/assert";
import { createCoarseClock } from "../../src/domain/coarse_clock.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { seededRandom } from "../support/seeded_random.ts";

Deno.test("timers are never early, and late by a step at most", async () => {
  const base = new FakeClock();
  const clock = createCoarseClock(base);
  const random = seededRandom(7);
  const lateness: number[] = [];
  let left = 500;
  for (let i = 0; i < 500; i++) {
    await base.advance(random() * 20);
    const delayMs = 100 + random() * 2_000;
    const dueMs = base.monotonic() + delayMs;
    clock.schedule(delayMs, () => {
      left--;
      lateness.push(base.monotonic() - dueMs);
    });
  }
  await base.advance(3_000);
  assertEquals(left, 0);
  assert(Math.min(...lateness) >= 0, String(Math.min(...lateness)));
  // The platform's timers may take a millisecond more.
  assert(Math.max(...lateness) <= 26, String(Math.max(...lateness)));
});

Deno.test("the platform has one timer for all, and none when there are none", async () => {
  const base = new FakeClock();
  const clock = createCoarseClock(base);
  const cancels = Array.from({ length: 1_000 }, (_, i) => clock.schedule(100 + i, () => {}));
  assertEquals(base.pending, 1);
  for (const cancel of cancels) cancel();
  await base.advance(25);
  assertEquals(base.pending, 0);
});

Deno.test("short timers are the platform's own", async () => {
  const base = new FakeClock();
  const clock = createCoarseClock(base);
  const ran: number[] = [];
  for (const delayMs of [0, 3, 99]) clock.schedule(delayMs, () => ran.push(base.monotonic()));
  const cancel = clock.schedule(50, () => ran.push(-1));
  cancel();
  await base.advance(100);
  assertEquals(ran, [0, 3, 99]);
});

Deno.test("a timer that was cancelled does not run, whenever that was, and cancelling twice does no harm", async () => {
  const base = new FakeClock();
  const clock = createCoarseClock(base);
  const ran: string[] = [];
  const cancelA = clock.schedule(200, () => {
    ran.push("a");
    // Of the same step, and not run yet.
    cancelB();
    clock.schedule(200, () => ran.push("d"));
  });
  const cancelB = clock.schedule(200, () => ran.push("b"));
  clock.schedule(200, () => ran.push("c"));
  await base.advance(300);
  cancelA();
  cancelB();
  assertEquals(ran, ["a", "c"]);
  await base.advance(300);
  assertEquals(ran, ["a", "c", "d"]);
  await base.advance(25);
  assertEquals(base.pending, 0);
});

Deno.test("a loop that was held up makes up for the steps that it missed, in their order", async () => {
  let nowMs = 0;
  let tick: (() => void) | undefined;
  const held = {
    now: () => nowMs,
    monotonic: () => nowMs,
    schedule: (_delayMs: number, callback: () => void) => {
      tick = callback;
      return () => {};
    },
  };
  const clock = createCoarseClock(held);
  const ran: number[] = [];
  for (const delayMs of [400, 150, 300, 150]) clock.schedule(delayMs, () => ran.push(delayMs));
  nowMs = 10_000;
  tick!();
  assertEquals(ran, [150, 150, 300, 400]);
  await Promise.resolve();
});
