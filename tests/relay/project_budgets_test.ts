import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ProjectBudgets, type ProjectLimit } from "../../src/relay/project_budgets.ts";
import { FakeClock } from "../support/fake_clock.ts";

function setUp(limits: readonly ProjectLimit[], nowMs?: number) {
  const clock = new FakeClock(nowMs);
  const budgets = new ProjectBudgets(limits, clock);
  /** How long a call has to wait, milliseconds; 0 for one that may go on. */
  const take = (project: string, units: number) => budgets.take(project, units)?.retryAfterMs ?? 0;
  return { clock, budgets, take };
}

Deno.test("units of a second come back with time, and an expensive call is waited for afterwards", async () => {
  const { clock, take } = setUp([{ project: "acme", unitsPerSecond: 100 }]);
  assertEquals([take("acme", 60), take("acme", 60)], [0, 0], "the second one may start with 40 left");
  assertEquals(take("acme", 10), 210, "20 too many were taken: until there is one");
  await clock.advance(209);
  assert(take("acme", 10) > 0);
  await clock.advance(2);
  assertEquals(take("acme", 10), 0);
  await clock.advance(60_000);
  assertEquals([take("acme", 1_000), take("acme", 1)], [0, 9_010], "what was not used is not saved up");
  assertEquals(take("acme", 0), 0, "what costs nothing is not limited");
});

Deno.test("over any minute the average keeps to the limit", async () => {
  const { clock, take } = setUp([{ project: "acme", unitsPerSecond: 100 }]);
  let units = 0;
  for (let ms = 0; ms < 60_000; ms += 7) {
    if (take("acme", 30) === 0) units += 30;
    await clock.advance(7);
  }
  assert(units >= 5_950 && units <= 6_000 + 100 + 30, `${units} units`);
});

Deno.test("units of a day are never exceeded, and are there again at midnight UTC", async () => {
  const { clock, take, budgets } = setUp([{ project: "acme", unitsPerDay: 100 }], Date.UTC(2026, 10, 24, 23, 59, 50));
  assertEquals([take("acme", 90), take("acme", 20)], [0, 10_000]);
  assertEquals(take("acme", 10), 0);
  assertStringIncludes(budgets.take("acme", 1)!.message, "project acme has used the 100 compute units of this day");
  clock.stepWallClock(-86_400_000);
  assert(take("acme", 1) > 0, "a clock that steps back gives no day twice");
  clock.stepWallClock(86_400_000);
  await clock.advance(10_000);
  assertEquals(take("acme", 100), 0);
});

Deno.test("what is given back can be used again", () => {
  const { budgets, take } = setUp([{ project: "acme", unitsPerSecond: 100, unitsPerDay: 100 }]);
  assertEquals(take("acme", 100), 0);
  assert(take("acme", 50) > 0);
  budgets.giveBack("acme", 60);
  assertEquals(take("acme", 50), 0);
  budgets.giveBack("acme", -20);
  assert(take("acme", 1) > 0);
});

Deno.test("projects without a budget are free, or share one that no choice of a name gets around", () => {
  const free = setUp([{ project: "acme", unitsPerDay: 1 }]);
  assertEquals([free.take("globex", 1e9), free.take("*", 1e9)], [0, 0]);
  const shared = setUp([{ project: "acme", unitsPerDay: 5 }, { project: "*", unitsPerDay: 10 }]);
  assertEquals([shared.take("globex", 6), shared.take("*", 4), shared.take("acme", 5)], [0, 0, 0]);
  assert(shared.take("a-new-name", 1) > 0 && shared.take("*", 1) > 0 && shared.take("acme", 1) > 0);
  assertStringIncludes(shared.budgets.take("x", 1)!.message, "projects without a budget of their own have");
});

Deno.test("limits change, and what was used stays counted where there is still one", async () => {
  const { clock, budgets, take } = setUp([{ project: "acme", unitsPerDay: 100 }, { project: "gone", unitsPerDay: 1 }]);
  assertEquals([take("acme", 60), take("gone", 2) > 0], [0, true]);
  budgets.setLimits([{ project: "acme", unitsPerDay: 80, unitsPerSecond: 10 }, { project: "new", unitsPerDay: 5 }]);
  assertEquals([take("acme", 30) > 0, take("acme", 20), take("gone", 99), take("new", 6) > 0], [true, 0, 0, true]);
  assert(take("acme", 0) === 0 && take("acme", 1) > 0, "the day is used up");
  budgets.setLimits([{ project: "acme", unitsPerSecond: 100 }]);
  await clock.advance(1_000);
  assertEquals([take("acme", 100), take("acme", 1) > 0], [0, true]);
  budgets.setLimits([]);
  assertEquals([budgets.hasLimits, take("acme", 1_000_000)], [false, 0]);
});
