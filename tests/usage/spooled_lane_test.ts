import { assert, assertEquals } from "@std/assert";
import { settle } from "../support/fake_clock.ts";
import { close } from "../support/spool_close.ts";
import { createSpooledSink, LIMITS, RETRY_BUDGET_MS } from "../support/spool_fakes.ts";
import { numbered, recordsOf } from "../support/spool_files.ts";
import { countsOf } from "../support/usage.ts";

const { syncIntervalMs: SYNC_MS, queueSize: QUEUE, batchSize: BATCH, maxBatchesInFlight: IN_FLIGHT } = LIMITS;
function upTo(count: number, first = 1): number[] {
  return Array.from({ length: count }, (_, index) => first + index);
}

Deno.test("an event is queued, on disk within the sync interval, on its way, and gone from disk once it is taken", async () => {
  const sink = createSpooledSink();
  sink.exporter.mode = "away";
  sink.emit(3);
  assertEquals(countsOf(sink.ledger()), { accepted: 3, queued: 3 });
  await sink.clock.advance(SYNC_MS - 1);
  assertEquals(sink.spool.written, []);
  await sink.clock.advance(1);
  assertEquals(sink.spool.left, [1, 2, 3]);
  assertEquals(countsOf(sink.ledger()), { accepted: 3, inFlight: 3 });
  sink.exporter.turn("takes");
  await settle();
  assertEquals(sink.spool.left, []);
  assertEquals(await close(sink), { accepted: 3, exported: 3 });
});

Deno.test("a full batch does not wait for the interval, and no more batches are on their way than allowed", async () => {
  const sink = createSpooledSink();
  sink.exporter.mode = "away";
  sink.emit(QUEUE);
  await settle();
  assertEquals(sink.spool.written, upTo(QUEUE));
  assertEquals(countsOf(sink.ledger()), {
    accepted: QUEUE,
    inFlight: IN_FLIGHT * BATCH,
    spooled: QUEUE - IN_FLIGHT * BATCH,
  });
  sink.exporter.turn("takes");
  await sink.clock.advance(0);
  assertEquals([sink.exporter.taken, sink.exporter.mostHeld], [upTo(QUEUE), IN_FLIGHT]);
  assertEquals(await close(sink), { accepted: QUEUE, exported: QUEUE });
});

Deno.test("100,000 events in one burst: those that find room are delivered, the others are counted queue_full", async () => {
  const sink = createSpooledSink();
  sink.emit(100_000);
  await sink.clock.advance(SYNC_MS);
  const { exported = 0, queue_full = 0 } = await close(sink);
  assert(exported >= QUEUE && exported <= QUEUE + BATCH, `${exported} exported`);
  assertEquals([exported + queue_full, sink.exporter.taken], [100_000, upTo(exported)]);
});

Deno.test("records of an earlier process are counted, and sent without waiting for an event", async () => {
  const sink = createSpooledSink(recordsOf(...numbered(5).map((_, index) => `{"i/b/${index + 1}"}`)));
  assertEquals(countsOf(sink.ledger()), { accepted: 5, spooled: 5 });
  await sink.clock.advance(1);
  assertEquals(sink.exporter.taken, upTo(5));
  assertEquals(await close(sink), { accepted: 5, exported: 5 });
});

Deno.test("a full disk: events go out from memory, and none is lost while the collector takes them", async () => {
  const sink = createSpooledSink();
  sink.spool.turn("full");
  for (let round = 0; round < 3; round++) {
    sink.emit(QUEUE);
    await sink.clock.advance(SYNC_MS);
  }
  assertEquals([sink.exporter.taken, sink.spool.written], [upTo(3 * QUEUE), []]);
  sink.spool.turn("takes");
  sink.emit(5);
  await sink.clock.advance(SYNC_MS);
  assertEquals(sink.spool.written, upTo(5, 3 * QUEUE + 1), "the disk is used again");
  assertEquals(await close(sink), { accepted: 3 * QUEUE + 5, exported: 3 * QUEUE + 5 });
});

Deno.test("a full disk and a collector that is away: what is lost is counted spool_full, at once or after the budget", async () => {
  const sink = createSpooledSink();
  sink.exporter.mode = "away";
  sink.spool.turn("full");
  sink.emit(QUEUE);
  await sink.clock.advance(SYNC_MS);
  sink.emit(QUEUE);
  const { queued, inFlight, dropped } = sink.ledger();
  assertEquals([queued + inFlight, dropped.spool_full], [QUEUE + BATCH, QUEUE - BATCH]);
  await sink.clock.advance(RETRY_BUDGET_MS * 10);
  assertEquals(countsOf(sink.ledger()), { accepted: 2 * QUEUE, spool_full: 2 * QUEUE });
  assertEquals(await close(sink), { accepted: 2 * QUEUE, spool_full: 2 * QUEUE });
});

Deno.test("once the disk has room again events go there, although a batch from memory still waits for the collector", async () => {
  const sink = createSpooledSink();
  sink.exporter.mode = "away";
  sink.spool.turn("full");
  sink.emit(BATCH);
  await sink.clock.advance(SYNC_MS);
  sink.spool.turn("takes");
  sink.emit(2 * QUEUE);
  await sink.clock.advance(SYNC_MS * 10);
  assertEquals(sink.spool.written.slice(-QUEUE), upTo(QUEUE, BATCH + 1));
  await close(sink);
});

Deno.test("a close while the disk is full and the collector away ends in time, with every event counted as lost", async () => {
  const sink = createSpooledSink();
  sink.exporter.mode = "away";
  sink.spool.turn("full");
  sink.emit(QUEUE);
  const { accepted, spool_full = 0, timeout = 0, ...rest } = await close(sink);
  assertEquals([accepted, spool_full + timeout, rest], [QUEUE, QUEUE, {}]);
});

Deno.test("a close finds the disk with room again: what waits in memory goes there", async () => {
  const sink = createSpooledSink();
  sink.exporter.mode = "away";
  sink.spool.turn("full");
  sink.emit(3 * BATCH);
  await sink.clock.advance(SYNC_MS);
  sink.spool.turn("takes");
  const { spooled } = await close(sink);
  assert(spooled !== undefined && spooled >= 2 * BATCH, `${spooled} of ${3 * BATCH} on disk`);
});

Deno.test("a disk that is stuck: a full queue is counted queue_full, and all goes on when the disk does", async () => {
  const sink = createSpooledSink();
  sink.spool.turn("stuck");
  sink.emit(BATCH);
  await sink.clock.advance(SYNC_MS);
  sink.emit(QUEUE + 7);
  assertEquals(countsOf(sink.ledger()), { accepted: QUEUE + BATCH + 7, queued: QUEUE + BATCH, queue_full: 7 });
  sink.spool.turn("takes");
  await sink.clock.advance(SYNC_MS);
  assertEquals(await close(sink), { accepted: QUEUE + BATCH + 7, exported: QUEUE + BATCH, queue_full: 7 });
});

Deno.test("a disk that never answers: close ends in time, and what was in memory is counted as lost", async () => {
  const sink = createSpooledSink();
  sink.spool.turn("stuck");
  sink.emit(BATCH + 5);
  assertEquals(await close(sink), { accepted: BATCH + 5, timeout: BATCH + 5 });
});

Deno.test("what the collector refuses is counted rejected, and leaves the disk", async () => {
  const sink = createSpooledSink();
  sink.exporter.mode = "away";
  sink.emit(2 * BATCH);
  await settle();
  sink.exporter.held[0]!.settle(BATCH - 3, 3);
  sink.exporter.turn("refuses");
  await settle();
  assertEquals([sink.spool.left, sink.spool.calls.filter((name) => name === "acknowledge").length], [[], 2]);
  assertEquals(await close(sink), { accepted: 2 * BATCH, exported: BATCH - 3, rejected: BATCH + 3 });
});

Deno.test("a close with the collector away: all is back on disk for the next process, nothing is on its way", async () => {
  const sink = createSpooledSink();
  sink.exporter.mode = "away";
  sink.emit(QUEUE);
  await sink.clock.advance(SYNC_MS);
  sink.emit(7);
  assertEquals(await close(sink), { accepted: QUEUE + 7, spooled: QUEUE + 7 });
  assertEquals([sink.spool.left, sink.spool.calls.at(-1)], [upTo(QUEUE + 7), "close"]);
});

Deno.test("a batch that does not come back from an exporter that was shut down is still on disk, and counted there", async () => {
  const sink = createSpooledSink();
  sink.exporter.mode = "away";
  sink.exporter.shutdown = () => Promise.resolve();
  sink.emit(5);
  await sink.clock.advance(SYNC_MS);
  assertEquals(await close(sink), { accepted: 5, spooled: 5 });
});

Deno.test("an event after the close is counted as timeout, and goes nowhere", async () => {
  const sink = createSpooledSink();
  sink.emit(1);
  assertEquals(await close(sink), { accepted: 1, exported: 1 });
  sink.emit(2);
  await sink.clock.advance(SYNC_MS);
  assertEquals(countsOf(sink.ledger()), { accepted: 3, exported: 1, timeout: 2 });
  assertEquals([sink.spool.written, sink.clock.pending], [[1], 0]);
});

Deno.test("a batch that is taken at the last moment leaves no timer, and nothing touches the disk after it was let go", async () => {
  const sink = createSpooledSink();
  sink.exporter.mode = "away";
  sink.emit(2);
  await sink.clock.advance(SYNC_MS);
  sink.exporter.shutdown = () => Promise.resolve(void sink.clock.schedule(10, () => sink.exporter.turn("takes")));
  assertEquals(await close(sink), { accepted: 2, exported: 2 });
  await sink.clock.advance(60_000);
  assertEquals(sink.spool.calls.at(-1), "close");
});

Deno.test("a disk that can't be read for a moment holds nothing up for longer, although no further event comes", async () => {
  const sink = createSpooledSink();
  await sink.clock.advance(1);
  sink.spool.failingReads = 4;
  sink.emit(3);
  await sink.clock.advance(60_000);
  assertEquals(sink.exporter.taken, [1, 2, 3]);
  await close(sink);
});

Deno.test("an event that reaches the disk while a read comes back empty is sent, although no further event comes", async () => {
  const sink = createSpooledSink();
  const { promise, resolve } = Promise.withResolvers<void>();
  sink.spool.readAnswer = promise;
  await sink.clock.advance(1);
  sink.emit(3);
  await sink.clock.advance(SYNC_MS);
  assertEquals(sink.spool.written, [1, 2, 3]);
  resolve();
  await sink.clock.advance(60_000);
  assertEquals(sink.exporter.taken, [1, 2, 3]);
  await close(sink);
});

Deno.test("whatever disk and collector do, the ledger is right and no event is lost without a count", async () => {
  for (let seed = 1; seed <= 100; seed++) {
    let state = seed;
    const random = (below: number) => (state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff) % 8_191 % below;
    const sink = createSpooledSink();
    const { spool, exporter, clock } = sink;
    const steps: readonly (() => unknown)[] = [
      () => sink.emit(random(30)),
      () => clock.advance(random(300)),
      () => spool.turn((["takes", "takes", "full", "stuck"] as const)[random(4)]!),
      () => exporter.turn((["takes", "refuses", "away"] as const)[random(3)]!),
      () => exporter.held[0]?.settle(exporter.held[0].sequences.length, 0),
      settle,
    ];
    for (let step = 0; step < 80; step++) {
      await steps[random(steps.length)]!();
      sink.check();
    }
    if (spool.mode === "stuck") spool.turn("takes");
    const { accepted, exported = 0, spooled = 0, ...rest } = await close(sink);
    assertEquals([rest["queued"], rest["inFlight"]], [undefined, undefined], `seed ${seed}`);
    assertEquals([new Set(exporter.taken).size, spool.left.length], [exported, spooled], `each once: seed ${seed}`);
    const lost = Object.values(rest).reduce((sum, count) => sum + count, 0);
    assertEquals(accepted, exported + spooled + lost, `seed ${seed}`);
  }
});
