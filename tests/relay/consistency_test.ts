import { assert, assertEquals } from "@std/assert";
import { EARLIEST, FINALIZED, LATEST, PENDING } from "../../src/domain/block.ts";
import type { RelayRequest } from "../../src/domain/relay_request.ts";
import { Consistency } from "../../src/relay/consistency.ts";
import { Engine, ok } from "../support/engine.ts";
import { FakeClock } from "../support/fake_clock.ts";

const OPTIONS = { averageBlockTimeMs: 12_000, allowedLag: 2, finalizedDistance: 8, maxCallers: 3 };

function requestBy(project: string, to = LATEST, address = "192.0.2.1"): RelayRequest {
  const api = { requestedBlock: { from: to, to } };
  return { caller: { project, origin: "", address }, api } as unknown as RelayRequest;
}

Deno.test("a caller is not shown a block far behind what it has seen, and others are not held to it", () => {
  const consistency = new Consistency(new FakeClock(), OPTIONS);
  assertEquals(consistency.minBlock(requestBy("a")), 0);
  consistency.show(requestBy("a"), 1_000);
  assertEquals(consistency.minBlock(requestBy("a")), 990);
  assertEquals(consistency.minBlock(requestBy("a", PENDING)), 990);
  for (const other of [requestBy("b"), requestBy("a", LATEST, "192.0.2.2")]) {
    assertEquals(consistency.minBlock(other), 0);
  }
  for (const block of [0, 5, EARLIEST, FINALIZED]) assertEquals(consistency.minBlock(requestBy("a", block)), 0);
});

Deno.test("the gap is twice the lag, or the distance to final blocks, and never under ten", () => {
  for (const [allowedLag, finalizedDistance, gap] of [[0, 0, 10], [8, 1, 16], [1, 64, 64]] as const) {
    const consistency = new Consistency(new FakeClock(), { ...OPTIONS, allowedLag, finalizedDistance });
    consistency.show(requestBy("a"), 1_000);
    assertEquals(consistency.minBlock(requestBy("a")), 1_000 - gap);
  }
});

Deno.test("what a caller has seen does not go back, and is forgotten after five minutes without an answer", async () => {
  const clock = new FakeClock();
  const consistency = new Consistency(clock, OPTIONS);
  consistency.show(requestBy("a"), 1_000);
  await clock.advance(299_999);
  consistency.show(requestBy("a"), 995);
  assertEquals(consistency.minBlock(requestBy("a")), 990);
  await clock.advance(299_999);
  assertEquals(consistency.minBlock(requestBy("a")), 990);
  await clock.advance(1);
  assertEquals(consistency.minBlock(requestBy("a")), 0);
});

Deno.test("an advance that the chain can't have made is not believed", () => {
  const consistency = new Consistency(new FakeClock(), OPTIONS);
  consistency.show(requestBy("a"), 1_000);
  consistency.show(requestBy("a"), 1_101);
  assertEquals(consistency.minBlock(requestBy("a")), 990, "four times what fits into five minutes is 100 blocks");
  consistency.show(requestBy("a"), 1_100);
  assertEquals(consistency.minBlock(requestBy("a")), 1_090);
  const slow = new Consistency(new FakeClock(), { ...OPTIONS, averageBlockTimeMs: 600_000 });
  slow.show(requestBy("a"), 100);
  slow.show(requestBy("a"), 117);
  assertEquals(slow.minBlock(requestBy("a")), 90);
  slow.show(requestBy("a"), 116);
  assertEquals(slow.minBlock(requestBy("a")), 106);
});

Deno.test("of more callers than fit, the one that was away the longest is forgotten", () => {
  const consistency = new Consistency(new FakeClock(), OPTIONS);
  for (const project of ["a", "b", "c"]) consistency.show(requestBy(project), 100);
  consistency.show(requestBy("a"), 101);
  consistency.show(requestBy("d"), 100);
  const known = ["a", "b", "c", "d"].filter((project) => consistency.minBlock(requestBy(project)) > 0);
  assertEquals(known, ["a", "c", "d"]);
});

Deno.test("the relay holds requests for the newest block to what the caller has seen, where anyone has it", async () => {
  const engine = new Engine({ a: ok(), b: ok() });
  engine.selector.heads.set("a", 500).set("b", 400);
  await engine.finish(engine.run());
  await engine.finish(engine.run());
  assertEquals(engine.selector.selections.map(({ minBlock }) => minBlock), [0, 490]);
  await engine.finish(engine.run({ requestedBlock: { from: 450, to: 450 } }));
  await engine.finish(engine.run({ requestedBlock: { from: 501, to: 501 } }));
  assertEquals(engine.selector.selections.slice(2).map(({ minBlock }) => minBlock), [450, 0]);
});

Deno.test("where nobody has it, an older answer beats none", async () => {
  const engine = new Engine({ a: ok(), b: ok() }, { refusesMinBlock: true });
  engine.selector.heads.set("a", 500);
  await engine.finish(engine.run());
  const outcome = await engine.finish(engine.run());
  assert(outcome.kind === "answer");
  assertEquals(engine.selector.selections.map(({ minBlock }) => minBlock), [0, 490, 0]);
});
