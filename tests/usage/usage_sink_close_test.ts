import { assert, assertEquals } from "@std/assert";
import { createOtelUsageSink, type OtelUsageOptions, type UsageSink } from "../../mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { ManualExporter } from "../support/manual_exporter.ts";
import { countsOf, imbalanceOf, qosEvent, relayEvent } from "../support/usage.ts";

async function setUp(options: OtelUsageOptions = {}) {
  const clock = new FakeClock();
  const exporter = new ManualExporter();
  const usage = await createOtelUsageSink({
    exporter,
    clock,
    queueSize: 50,
    batchSize: 10,
    flushIntervalMs: 100,
    maxBatchesInFlight: 2,
    exportTimeoutMs: 1_000,
    ...options,
  });
  return { clock, exporter, usage };
}

function emit(usage: UsageSink, count: number): void {
  for (let i = 0; i < count; i++) usage.emit(relayEvent());
}

/** Whether a promise has come to a good end by now. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let isFulfilled = false;
  promise.then(() => isFulfilled = true, () => {});
  await settle();
  return isFulfilled;
}

const answerAll = async ({ exports }: ManualExporter) => {
  for (let i = 0; i < exports.length; i++) {
    exports[i]!.callback({ code: 0 });
    await settle();
  }
};

Deno.test("close sends what waits at once, in batches, and reports the final ledger", async () => {
  const { exporter, usage, clock } = await setUp();
  emit(usage, 25);
  usage.emitOptimizerQos(qosEvent());
  const closing = usage.close();
  await answerAll(exporter);
  const { relay_usage, optimizer_qos } = await closing;
  assertEquals(exporter.sizes, [10, 10, 1, 5], "both kinds leave, neither batch too large");
  assertEquals(countsOf(relay_usage), { accepted: 25, exported: 25 });
  assertEquals(countsOf(optimizer_qos), { accepted: 1, exported: 1 });
  assertEquals(exporter.calls, ["forceFlush", "shutdown"]);
  assertEquals(clock.pending, 0, "no timer is left");
});

Deno.test("close waits for a flush that is under way", async () => {
  const { clock, exporter, usage } = await setUp();
  emit(usage, 15);
  await clock.advance(0);
  assertEquals(exporter.sizes, [10]);
  const closing = usage.close();
  assertEquals(await isDone(closing), false);
  assertEquals(exporter.calls, ["forceFlush"], "the exporter is open as long as it is needed");
  await answerAll(exporter);
  assertEquals(countsOf((await closing).relay_usage), { accepted: 15, exported: 15 });
});

Deno.test("close twice is one close", async () => {
  const { exporter, usage } = await setUp();
  emit(usage, 5);
  const [first, second] = [usage.close(), usage.close()];
  assertEquals(await isDone(second), false, "the second waits for the first");
  await answerAll(exporter);
  assertEquals(await first, await second);
  assertEquals(await usage.close(), await first);
  assertEquals(exporter.calls, ["forceFlush", "shutdown"]);
});

Deno.test("an event during close and one after it are dropped, and counted", async () => {
  const { exporter, usage, clock } = await setUp();
  emit(usage, 5);
  const closing = usage.close();
  emit(usage, 2);
  assertEquals(countsOf(usage.stats().relay_usage), { accepted: 7, inFlight: 5, timeout: 2 });
  await answerAll(exporter);
  await closing;
  emit(usage, 3);
  usage.emitOptimizerQos(qosEvent());
  await clock.advance(1_000);
  assertEquals(countsOf(usage.stats().relay_usage), { accepted: 10, exported: 5, timeout: 5 });
  assertEquals(countsOf(usage.stats().optimizer_qos), { accepted: 1, timeout: 1 });
  assertEquals(exporter.sizes, [5]);
});

Deno.test("close with nothing held is done at once", async () => {
  const { usage, clock } = await setUp();
  assert(await isDone(usage.close()));
  assertEquals(clock.pending, 0);
});

Deno.test("the drain is bounded as a whole: a full queue and a black hole take one timeout, and all is counted", async () => {
  const { clock, exporter, usage } = await setUp();
  emit(usage, 50);
  for (let i = 0; i < 30; i++) usage.emitOptimizerQos(qosEvent());
  const closing = usage.close();
  await clock.advance(999);
  assertEquals(await isDone(closing), false);
  await clock.advance(1);
  assert(await isDone(closing));
  const { relay_usage, optimizer_qos } = await closing;
  assertEquals([countsOf(relay_usage), countsOf(optimizer_qos)], [
    { accepted: 50, timeout: 50 },
    { accepted: 30, timeout: 30 },
  ]);
  assertEquals(clock.pending, 0);
  for (const { callback } of exporter.exports) callback({ code: 0 });
  assertEquals(usage.stats(), await closing, "what comes after the final ledger does not change it");
});

Deno.test("a drain that gets half of it out counts the other half", async () => {
  const { clock, exporter, usage } = await setUp();
  emit(usage, 50);
  const closing = usage.close();
  await clock.advance(900);
  exporter.exports[0]!.callback({ code: 0 });
  exporter.exports[1]!.callback({ code: 1, counts: { exported: 7, rejected: 1 } });
  await clock.advance(100);
  assertEquals(countsOf((await closing).relay_usage), {
    accepted: 50,
    exported: 17,
    rejected: 1,
    retry_exhausted: 2,
    timeout: 30,
  });
});

/** Exporters that do not let go; close ends all the same, with every event in the ledger. */
const STUBBORN: Readonly<Record<string, (exporter: ManualExporter) => void>> = {
  "whose shutdown never ends": (exporter) => exporter.shutdown = () => new Promise(() => {}),
  "whose shutdown rejects": (exporter) => exporter.shutdown = () => Promise.reject(new Error("no")),
  "whose shutdown throws": (exporter) =>
    exporter.shutdown = () => {
      throw new Error("no");
    },
  "whose forceFlush never ends": (exporter) => exporter.forceFlush = () => new Promise(() => {}),
  "whose forceFlush rejects": (exporter) => exporter.forceFlush = () => Promise.reject(new Error("no")),
  "whose forceFlush throws": (exporter) =>
    exporter.forceFlush = () => {
      throw new Error("no");
    },
  "without forceFlush, as those of older releases": (exporter) => Object.assign(exporter, { forceFlush: undefined }),
};

for (const [name, spoil] of Object.entries(STUBBORN)) {
  Deno.test(`close ends with an exporter ${name}`, async () => {
    const { clock, exporter, usage } = await setUp();
    spoil(exporter);
    emit(usage, 15);
    const closing = usage.close();
    closing.catch(() => {});
    exporter.exports[0]?.callback({ code: 0 });
    await clock.advance(5_000);
    const stats = usage.stats().relay_usage;
    assertEquals(countsOf(stats), { accepted: 15, exported: 10, timeout: 5 });
    assertEquals(imbalanceOf(stats), 0);
    assert(await isDone(closing));
    assertEquals(clock.pending, 0);
  });
}

Deno.test("close ends when the exporter fails every batch within export", async () => {
  const { exporter, usage } = await setUp();
  exporter.onExport = ({ callback }) => callback({ code: 1 });
  emit(usage, 50);
  assertEquals(countsOf((await usage.close()).relay_usage), { accepted: 50, retry_exhausted: 50 });
});
