import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  createOtelUsageSink,
  type Log,
  type LogFields,
  type OtelUsageOptions,
  silentLog,
  type UsageExportResult,
  type UsageSink,
} from "../../mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { ManualExporter } from "../support/manual_exporter.ts";
import { countsOf, imbalanceOf, qosEvent, relayEvent } from "../support/usage.ts";

const OK: UsageExportResult = { code: 0 };
const FAILED: UsageExportResult = { code: 1 };

/** A sink with small numbers: batches of 10, 100 ms, 2 in flight, 50 in the queue, 1 s to drain. */
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
    extended: true,
    resource: { "service.instance.id": "host-1" },
    ...options,
  });
  return { clock, exporter, usage };
}

function emit(usage: UsageSink, count: number): void {
  for (let i = 0; i < count; i++) usage.emit(relayEvent());
}

const relayCounts = (usage: UsageSink) => {
  const counts = usage.stats().relay_usage;
  assertEquals(imbalanceOf(counts), 0, "the equation holds");
  return countsOf(counts);
};

Deno.test("a full batch leaves as soon as the caller is done, and not before", async () => {
  const { clock, exporter, usage } = await setUp();
  emit(usage, 10);
  assertEquals(exporter.sizes, [], "emit does no work of its own");
  await clock.advance(0);
  assertEquals(exporter.sizes, [10]);
});

Deno.test("an event that is alone leaves after the interval, not before, and leaves no timer behind", async () => {
  const { clock, exporter, usage } = await setUp();
  assertEquals(clock.pending, 0, "nothing to do, no timer");
  emit(usage, 1);
  await clock.advance(99);
  assertEquals(exporter.sizes, []);
  await clock.advance(1);
  assertEquals(exporter.sizes, [1]);
  exporter.exports[0]!.callback(OK);
  assertEquals(clock.pending, 0);
  assertEquals(relayCounts(usage), { accepted: 1, exported: 1 });
});

Deno.test("what is left over from a full batch waits no longer than the interval", async () => {
  const { clock, exporter, usage } = await setUp();
  emit(usage, 3);
  await clock.advance(90);
  emit(usage, 10);
  await clock.advance(0);
  assertEquals(exporter.sizes, [10]);
  exporter.exports[0]!.callback(OK);
  await clock.advance(100);
  assertEquals(exporter.sizes, [10, 3]);
});

Deno.test("as many batches as allowed are in flight, and the next one goes when one is done", async () => {
  const { clock, exporter, usage } = await setUp();
  emit(usage, 40);
  await clock.advance(0);
  assertEquals(exporter.sizes, [10, 10]);
  assertEquals(relayCounts(usage), { accepted: 40, queued: 20, inFlight: 20 });
  await clock.advance(500);
  assertEquals(exporter.sizes, [10, 10], "the interval does not break the limit");
  exporter.exports[1]!.callback(OK);
  await clock.advance(0);
  assertEquals(exporter.sizes, [10, 10, 10]);
  assertEquals(relayCounts(usage), { accepted: 40, exported: 10, queued: 10, inFlight: 20 });
});

Deno.test("a full queue drops the new event, and a place that gets free is used", async () => {
  const { clock, exporter, usage } = await setUp();
  emit(usage, 55);
  assertEquals(relayCounts(usage), { accepted: 55, queued: 50, queue_full: 5 });
  await clock.advance(0);
  emit(usage, 21);
  assertEquals(relayCounts(usage), { accepted: 76, queued: 50, inFlight: 20, queue_full: 6 });
  for (let i = 0; i < exporter.exports.length; i++) exporter.exports[i]!.callback(OK);
  await clock.advance(100);
  for (const { callback } of exporter.exports) callback(OK);
  const expected = [...range(1, 50), ...range(56, 75)];
  assertEquals(exporter.sequences, expected, "the numbers of what was dropped are not used again");
});

Deno.test("a queue smaller than a batch is flushed when it is full", async () => {
  const { clock, exporter, usage } = await setUp({ queueSize: 5, flushIntervalMs: 3_600_000 });
  emit(usage, 5);
  await clock.advance(0);
  assertEquals(exporter.sizes, [5], "else it drops everything for an hour");
});

Deno.test("ids are the instance, the boot and a number without gaps from 1, and two boots differ", async () => {
  const boots: string[] = [];
  for (let boot = 0; boot < 2; boot++) {
    const { clock, exporter, usage } = await setUp();
    emit(usage, 10);
    usage.emitOptimizerQos(qosEvent());
    await clock.advance(100);
    const ids = exporter.exports.flatMap(({ records }) => records.map(({ attributes }) => attributes["event_id"]));
    assertMatch(String(ids[0]), /^host-1\/[^/]+\/1$/);
    const prefix = String(ids[0]).slice(0, -1);
    assertEquals(ids, [...range(1, 10).map((number) => `${prefix}${number}`), undefined]);
    boots.push(prefix);
  }
  assert(boots[0] !== boots[1]);
});

Deno.test("a full queue of one kind leaves the other alone", async () => {
  const { clock, exporter, usage } = await setUp();
  emit(usage, 60);
  for (let i = 0; i < 3; i++) usage.emitOptimizerQos(qosEvent());
  await clock.advance(100);
  const kinds = exporter.exports.map(({ records }) => [records[0]!.body, records.length]);
  assertEquals(kinds, [["relay_usage", 10], ["relay_usage", 10], ["optimizer_qos", 3]]);
  const { relay_usage, optimizer_qos } = usage.stats();
  assertEquals(countsOf(relay_usage), { accepted: 60, queued: 30, inFlight: 20, queue_full: 10 });
  assertEquals(countsOf(optimizer_qos), { accepted: 3, inFlight: 3 });
  for (let i = 0; i < 60; i++) usage.emitOptimizerQos(qosEvent());
  assertEquals(countsOf(usage.stats().optimizer_qos), { accepted: 63, inFlight: 3, queued: 50, queue_full: 10 });
  assertEquals(countsOf(usage.stats().relay_usage), countsOf(relay_usage));
});

Deno.test("names of a quarter of a megabyte fill the queue by their length and not by their number", async () => {
  const { usage } = await setUp({ queueSize: 50_000 });
  const apiMethod = "eth_blockNumber&".repeat(16_384);
  for (let i = 0; i < 1_000; i++) usage.emit(relayEvent({ apiMethod }));
  const { queued, dropped } = usage.stats().relay_usage;
  assertEquals(queued + dropped.queue_full, 1_000);
  assert(queued >= 50, "a few are no reason to drop");
  assert(queued * apiMethod.length <= 64 * 1024 * 1024, `${queued} held`);
});

/** Ways in which an exporter does not do what it should; each is given one batch of ten. */
const BAD_EXPORTERS: Readonly<
  Record<string, readonly [onExport: ManualExporter["onExport"], counts: Record<string, number>]>
> = {
  "throws": [() => {
    throw new Error("no");
  }, { retry_exhausted: 10 }],
  "throws what is no error": [() => {
    throw undefined;
  }, { retry_exhausted: 10 }],
  "throws after it has called back": [({ callback }) => {
    callback(OK);
    throw new Error("no");
  }, { exported: 10 }],
  "calls back twice": [({ callback }) => {
    callback(OK);
    callback(FAILED);
  }, { exported: 10 }],
  "calls back within export": [({ callback }) => callback(FAILED), { retry_exhausted: 10 }],
  "counts less than there were": [
    ({ callback }) => callback({ code: 1, counts: { exported: 4, rejected: 3 } }),
    { exported: 4, rejected: 3, retry_exhausted: 3 },
  ],
  "counts more than there were": [
    ({ callback }) => callback({ code: 0, counts: { exported: 12, rejected: 1 } }),
    { exported: 10 },
  ],
  "calls back with nothing": [({ callback }) => callback(undefined as unknown as UsageExportResult), {
    retry_exhausted: 10,
  }],
};

for (const [name, [onExport, counts]] of Object.entries(BAD_EXPORTERS)) {
  Deno.test(`an exporter that ${name} leaves a ledger that is right, and the next batch goes out`, async () => {
    const { clock, exporter, usage } = await setUp();
    exporter.onExport = onExport;
    emit(usage, 10);
    await clock.advance(0);
    assertEquals(relayCounts(usage), { accepted: 10, ...counts });
    exporter.onExport = ({ callback }) => callback(OK);
    emit(usage, 10);
    await clock.advance(0);
    assertEquals(usage.stats().relay_usage.exported, (counts["exported"] ?? 0) + 10);
  });
}

Deno.test("an exporter that never calls back loses its batch after the whole budget; what it says later is not heard", async () => {
  const { clock, exporter, usage } = await setUp({ retryBudgetMs: 5_000 });
  emit(usage, 10);
  await clock.advance(6_900);
  assertEquals(relayCounts(usage), { accepted: 10, inFlight: 10 });
  await clock.advance(1_000);
  assertEquals(relayCounts(usage), { accepted: 10, retry_exhausted: 10 });
  exporter.exports[0]!.callback(OK);
  assertEquals(relayCounts(usage), { accepted: 10, retry_exhausted: 10 });
});

Deno.test("an exporter that calls back at once takes a whole queue of small batches", async () => {
  const { clock, exporter, usage } = await setUp({ queueSize: 50_000, batchSize: 1 });
  exporter.onExport = ({ callback }) => callback(OK);
  emit(usage, 50_000);
  await clock.advance(0);
  assertEquals(relayCounts(usage), { accepted: 50_000, exported: 50_000 });
});

Deno.test("drops are logged when they begin, and then at most every ten seconds, with their number", async () => {
  const lines: LogFields[] = [];
  const log: Log = { ...silentLog, warn: (_message, fields = {}) => void lines.push(fields) };
  const { clock, usage } = await setUp({ log, queueSize: 1, batchSize: 100, flushIntervalMs: 3_600_000 });
  for (let second = 0; second < 25; second++) {
    emit(usage, 5);
    usage.emitOptimizerQos(qosEvent());
    await clock.advance(1_000);
  }
  const dropped = { kind: "relay_usage", reason: "queue_full" };
  assertEquals(lines.map(({ kind, reason }) => ({ kind, reason })), [dropped, dropped, dropped]);
  assertEquals(lines[0]!["dropped_since_start"], 1);
  await settle();
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
