import { assert, assertEquals } from "@std/assert";
import { createOtelUsageSink, type LedgerCounts, type UsageSink } from "../../mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { type ManualExport, ManualExporter } from "../support/manual_exporter.ts";
import { imbalanceOf, qosEvent, relayEvent } from "../support/usage.ts";

const RUNS = 300;
const STEPS = 60;
const INT = { queueSize: 20, batchSize: 6, flushIntervalMs: 100, maxBatchesInFlight: 3, exportTimeoutMs: 1_000 };
const RETRY_BUDGET_MS = 3_000;
/** After that an exporter has lost its chance to call back: its budget, and a little for requests under way. */
const LATE_MS = RETRY_BUDGET_MS + 2 * INT.exportTimeoutMs;

/** Pseudo-random numbers from 0 to 1 that a seed determines (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * What the ledger of one kind of event has to say, from what a caller and an exporter can see: an event is queued when
 * there was room, in flight when the exporter has it, and then what the exporter said first, or what time said for it.
 */
class Model {
  accepted = 0;
  exported = 0;
  readonly dropped = { queue_full: 0, rejected: 0, timeout: 0, retry_exhausted: 0, spool_full: 0 };
  queued = 0;
  inFlight = 0;
  isClosed = false;
  /** What an exporter should never see. Kept, since what is thrown in an exporter is its own failure. */
  readonly mistakes: string[] = [];
  readonly open = new Map<ManualExport, number>();

  emit(): void {
    this.accepted++;
    if (this.isClosed) this.dropped.timeout++;
    else if (this.queued === INT.queueSize) this.dropped.queue_full++;
    else this.queued++;
  }

  send(entry: ManualExport, nowMs: number): void {
    this.giveUpLate(nowMs);
    const count = entry.records.length;
    if (count === 0 || count > INT.batchSize) this.mistakes.push(`a batch of ${count}`);
    this.queued -= count;
    this.inFlight += count;
    this.open.set(entry, nowMs + LATE_MS);
    if (this.open.size > INT.maxBatchesInFlight) this.mistakes.push(`${this.open.size} batches in flight`);
  }

  settle(entry: ManualExport, exported: number, rejected: number): void {
    if (!this.open.delete(entry)) return;
    const count = entry.records.length;
    this.inFlight -= count;
    this.exported += exported;
    this.dropped.rejected += rejected;
    this.dropped.retry_exhausted += count - exported - rejected;
  }

  giveUpLate(nowMs: number): void {
    for (const [entry, atMs] of this.open) if (atMs <= nowMs) this.settle(entry, 0, 0);
  }

  giveUpAll(): void {
    this.dropped.timeout += this.queued + this.inFlight;
    this.queued = this.inFlight = 0;
    this.open.clear();
  }

  get counts(): LedgerCounts {
    const { accepted, exported, dropped, queued, inFlight } = this;
    return { accepted, exported, dropped: { ...dropped }, queued, inFlight, spooled: 0 };
  }
}

const KINDS = ["relay_usage", "optimizer_qos"] as const;

/** Plays one schedule, and looks at the ledger after each of its steps. */
async function play(seed: number): Promise<void> {
  const random = randomFrom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const clock = new FakeClock();
  const exporter = new ManualExporter();
  const models = { relay_usage: new Model(), optimizer_qos: new Model() };
  const modelOf = ({ records }: ManualExport) => models[records[0]!.event.kind];
  /** The exporter's answers, as the model hears them: what is booked first counts. */
  const answer = (entry: ManualExport) => {
    const count = entry.records.length;
    const exported = below(count + 1);
    const rejected = below(count - exported + 1);
    const way = below(5);
    const book = (taken: number, refused: number) => modelOf(entry).settle(entry, taken, refused);
    if (way === 0) return book(count, 0), entry.callback({ code: 0 });
    if (way === 1) return book(0, 0), entry.callback({ code: 1, error: new Error("no") });
    if (way === 2) return book(0, count), entry.callback({ code: 1, error: Object.assign(new Error(), { code: 400 }) });
    if (way === 3) return book(exported, rejected), entry.callback({ code: 1, counts: { exported, rejected } });
    return book(count, 0), entry.callback({ code: 0, counts: { exported: count, rejected: 0 } });
  };
  exporter.onExport = (entry) => {
    modelOf(entry).send(entry, clock.monotonic());
    const mood = below(20);
    if (mood === 0) {
      modelOf(entry).settle(entry, 0, 0);
      throw new Error("no");
    }
    if (mood <= 4) answer(entry);
  };
  const usage = await createOtelUsageSink({
    ...INT,
    exporter,
    clock,
    retryBudgetMs: RETRY_BUDGET_MS,
    resource: { "service.instance.id": String(seed) },
  });
  let before = usage.stats();
  const look = (step: string) => {
    const stats = usage.stats();
    for (const kind of KINDS) {
      assertEquals(imbalanceOf(stats[kind]), 0, `seed ${seed}, ${step}: the equation of ${kind}`);
      assertEquals(stats[kind], models[kind].counts, `seed ${seed}, ${step}`);
      assertEquals(models[kind].mistakes, [], `seed ${seed}, ${step}`);
      assertGrown(before[kind], stats[kind], `seed ${seed}, ${step}`);
    }
    before = stats;
  };
  let closing: ReturnType<UsageSink["close"]> | undefined;
  let closesAtMs = Infinity;
  const advance = async (ms: number) => {
    // In small steps, so that the model's deadlines fall in their order.
    for (let left = ms; left > 0; left -= 50) {
      await clock.advance(Math.min(left, 50));
      for (const kind of KINDS) models[kind].giveUpLate(clock.monotonic());
      if (closesAtMs <= clock.monotonic()) { for (const kind of KINDS) models[kind].giveUpAll(); }
    }
  };
  for (let step = 0; step < STEPS; step++) {
    const action = below(100);
    if (action < 45) {
      const kind = KINDS[below(4) === 0 ? 1 : 0]!;
      for (let left = below(12); left > 0; left--) {
        models[kind].emit();
        if (kind === "relay_usage") usage.emit(relayEvent());
        else usage.emitOptimizerQos(qosEvent());
        look(`emit at step ${step}`);
      }
    } else if (action < 70) {
      await advance([0, 1, 50, 100, 250, 1_000][below(6)]!);
      if (below(2) === 0) await clock.advance(0);
    } else if (action < 96) {
      // An old batch now and then: a second call back, or one that comes too late.
      const entry = exporter.exports[below(exporter.exports.length)];
      const [open] = [...models.relay_usage.open.keys(), ...models.optimizer_qos.open.keys()];
      const chosen = below(4) === 0 ? entry : open;
      if (chosen !== undefined) answer(chosen);
    } else if (action < 98) {
      clock.stepWallClock(-3_600_000);
    } else if (closing === undefined) {
      for (const kind of KINDS) models[kind].isClosed = true;
      closesAtMs = clock.monotonic() + INT.exportTimeoutMs;
      closing = usage.close();
    }
    await settle();
    look(`step ${step}, action ${action}`);
  }
  if (closing === undefined) {
    for (const kind of KINDS) models[kind].isClosed = true;
    closesAtMs = clock.monotonic() + INT.exportTimeoutMs;
    closing = usage.close();
  }
  await advance(INT.exportTimeoutMs);
  const final = await closing;
  for (const kind of KINDS) {
    assertEquals([final[kind].queued, final[kind].inFlight, imbalanceOf(final[kind])], [0, 0, 0], `seed ${seed}`);
    assertGrown(final[kind], usage.stats()[kind], `seed ${seed}: since the final ledger`);
  }
  look("the end");
  for (const kind of KINDS) {
    const { queued, inFlight } = usage.stats()[kind];
    assertEquals([queued, inFlight], [0, 0], `seed ${seed}: nothing is held after close`);
  }
  assertEquals(clock.pending, 0, `seed ${seed}: no timer is left`);
}

function assertGrown(before: LedgerCounts, after: LedgerCounts, message: string): void {
  const monotonic = ({ accepted, exported, dropped }: LedgerCounts) => [accepted, exported, ...Object.values(dropped)];
  const earlier = monotonic(before);
  assert(monotonic(after).every((count, index) => count >= earlier[index]!), `${message}: a counter went back`);
}

Deno.test(`the ledger agrees with a model after every step of ${RUNS} random schedules`, async () => {
  const startedMs = performance.now();
  for (let seed = 1; seed <= RUNS && performance.now() - startedMs < 3_000; seed++) await play(seed);
});
