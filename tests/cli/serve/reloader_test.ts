import { assertEquals } from "@std/assert";
import { silentLog } from "../../../mod.ts";
import { Reloader } from "../../../src/cli/serve/reloader.ts";
import { settle } from "../../support/fake_clock.ts";

const READY = { change: { kind: "ready", needsRestart: [] } as const, warnings: [] };

function setUp() {
  const gates: (() => void)[] = [];
  let applied = 0;
  let isStopping = false;
  const reloader = new Reloader<typeof READY.change>({
    prepare: () => new Promise((resolve) => gates.push(() => resolve(READY))),
    apply: () => applied++,
    isStopping: () => isStopping,
    now: () => 7,
    log: silentLog,
  });
  return { reloader, gates, applied: () => applied, stop: () => isStopping = true };
}

Deno.test("while one reload is under way, all that are asked for are one more, which begins afterwards", async () => {
  const { reloader, gates, applied } = setUp();
  const first = reloader.reload("a");
  const others = Array.from({ length: 100 }, () => reloader.reload("b"));
  await settle();
  assertEquals([gates.length, applied()], [1, 0]);
  gates[0]!();
  assertEquals((await first).kind, "applied");
  await settle();
  assertEquals(gates.length, 2);
  const third = reloader.reload("c");
  gates[1]!();
  assertEquals((await Promise.all(others)).every(({ kind }) => kind === "applied"), true);
  await settle();
  gates[2]!();
  await third;
  assertEquals([gates.length, applied(), reloader.counts], [3, 3, { applied: 3, refused: 0, lastAppliedUnixMs: 7 }]);
});

Deno.test("a reload that is under way when the relay is told to stop changes nothing", async () => {
  const { reloader, gates, applied, stop } = setUp();
  const first = reloader.reload("a");
  const next = reloader.reload("b");
  stop();
  gates[0]!();
  assertEquals([(await first).kind, (await next).kind, applied()], ["stopping", "stopping", 0]);
});

Deno.test("a mistake of the relay's own refuses, and does not stand in the way of the next", async () => {
  let turn = 0;
  const reloader = new Reloader<typeof READY.change>({
    prepare: () => ++turn === 1 ? Promise.reject(new TypeError("oh")) : Promise.resolve(READY),
    apply() {},
    isStopping: () => false,
    now: () => 0,
    log: silentLog,
  });
  assertEquals((await reloader.reload("a")).kind, "refused");
  assertEquals((await reloader.reload("a")).kind, "applied");
});
