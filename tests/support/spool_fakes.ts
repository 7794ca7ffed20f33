/** A sink over a spool and an exporter that do what a test tells them to. */
import { silentLog } from "../../src/domain/log.ts";
import type { UsageLogExporter } from "../../src/usage/log_exporter.ts";
import { UsageResource } from "../../src/usage/log_record.ts";
import { OtelUsageSink } from "../../src/usage/otel_usage_sink.ts";
import { jsonEncoding } from "../../src/usage/otlp/encode_json.ts";
import type { EncodedBatch, EncodedRecords, SpoolBatch, SpoolFindings, SpoolPort } from "../../src/usage/spool_port.ts";
import type { EncodedExporter } from "../../src/usage/log_exporter.ts";
import type { LedgerCounts } from "../../src/usage/usage_sink.ts";
import { FakeClock } from "./fake_clock.ts";
import { packed, textsOf, unpacked } from "./spool_files.ts";
import { imbalanceOf, relayEvent } from "./usage.ts";

/** Sequence numbers of encoded records, as their event ids have them. */
export function sequencesOf(records: EncodedRecords): number[] {
  return textsOf(records).map((text) => Number(/i\/b\/(\d+)/.exec(text)?.[1]));
}

/** A disk in memory. */
export class FakeSpool implements SpoolPort {
  /** What happens to an append: it succeeds, finds no room, or hangs until the mode is changed. */
  mode: "takes" | "full" | "stuck" = "takes";
  /** Reads that fail before one succeeds. */
  failingReads = 0;
  /** Holds back the answer, not the reading, until it is resolved. */
  readAnswer: Promise<void> | undefined;
  onCall: () => void = () => {};
  /** Names of the calls so far. */
  readonly calls: string[] = [];
  readonly #records: Uint8Array[] = [];
  readonly #acknowledged = new Set<number>();
  #readAt = 0;
  readonly findings: SpoolFindings;

  constructor(adopted: EncodedRecords) {
    this.#records.push(...unpacked(adopted));
    this.findings = { adoptedRecords: this.#records.length, tornBytes: 0 };
  }

  /** What a later process would find. */
  get left(): number[] {
    return sequencesOf(packed(this.#records.filter((_, index) => !this.#acknowledged.has(index))));
  }

  /** Everything that was ever written. */
  get written(): number[] {
    return sequencesOf(packed(this.#records));
  }

  async append(records: EncodedRecords): Promise<number> {
    this.#called("append");
    // As a disk that does not answer: asked again and again, so that no timer of the clock is needed.
    while (this.mode === "stuck") await new Promise((resolve) => this.#waiting.add(resolve as () => void));
    if (this.mode === "full") return 0;
    this.#records.push(...unpacked(records));
    return records.ends.length;
  }

  async read(maxCount: number): Promise<SpoolBatch | undefined> {
    this.#called("read");
    if (this.failingReads > 0) {
      this.failingReads--;
      throw new Error("a disk that could not be read just now");
    }
    const start = this.#readAt;
    const records = this.#records.slice(start, start + maxCount);
    this.#readAt += records.length;
    await this.readAnswer;
    if (records.length === 0) return undefined;
    const acknowledge = () => {
      this.#called("acknowledge");
      records.forEach((_, index) => this.#acknowledged.add(start + index));
    };
    return { contentType: jsonEncoding.contentType, resource: {}, records: packed(records), acknowledge };
  }

  tidy(): Promise<void> {
    this.#called("tidy");
    return Promise.reject(new Error("tidying does not work today"));
  }

  beat(): Promise<void> {
    this.#called("beat");
    return Promise.reject(new Error("the owner's file is gone"));
  }

  close(): Promise<void> {
    this.#called("close");
    return Promise.resolve();
  }

  readonly #waiting = new Set<() => void>();

  /** Changes what happens to appends, those that hang included. */
  turn(mode: FakeSpool["mode"]): void {
    this.mode = mode;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #called(name: string): void {
    this.calls.push(name);
    this.onCall();
  }
}

/** A batch at the exporter, until it is settled. */
export interface HeldBatch {
  readonly sequences: readonly number[];
  /** Ends it with so many exported and rejected; the rest is not delivered. */
  settle(exported: number, rejected: number): void;
}

/** An exporter that keeps to its port: only a shutdown or the end of its budget leaves a batch undelivered. */
export class FakeEncodedExporter implements EncodedExporter, UsageLogExporter {
  /** What the collector does: takes all, refuses all, or is away. */
  mode: "takes" | "refuses" | "away" = "takes";
  readonly held: HeldBatch[] = [];
  /** Sequence numbers that the collector took. */
  readonly taken: number[] = [];
  mostHeld = 0;
  onCall: () => void = () => {};
  readonly #clock: FakeClock;
  #isShutDown = false;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async exportEncoded(
    { records }: EncodedBatch,
    retryBudgetMs: number,
  ): Promise<{ exported: number; rejected: number }> {
    this.onCall();
    const sequences = sequencesOf(records);
    const { promise, resolve } = Promise.withResolvers<{ exported: number; rejected: number }>();
    const cancelTimer = retryBudgetMs === Infinity
      ? () => {}
      : this.#clock.schedule(retryBudgetMs, () => batch.settle(0, 0));
    const batch: HeldBatch = {
      sequences,
      settle: (exported, rejected) => {
        cancelTimer();
        const index = this.held.indexOf(batch);
        if (index >= 0) this.held.splice(index, 1);
        this.taken.push(...sequences.slice(0, exported));
        resolve({ exported, rejected });
      },
    };
    this.held.push(batch);
    this.mostHeld = Math.max(this.mostHeld, this.held.length);
    if (this.#isShutDown) batch.settle(0, 0);
    else this.#settleByMode(batch);
    return await promise;
  }

  /** Changes what the collector does, to what it has not answered yet as well. */
  turn(mode: FakeEncodedExporter["mode"]): void {
    this.mode = mode;
    for (const batch of [...this.held]) this.#settleByMode(batch);
  }

  export(): void {
    throw new Error("relay events go by way of the spool");
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    this.#isShutDown = true;
    for (const batch of [...this.held]) batch.settle(0, 0);
    return Promise.resolve();
  }

  #settleByMode(batch: HeldBatch): void {
    const count = batch.sequences.length;
    if (this.mode === "takes") batch.settle(count, 0);
    if (this.mode === "refuses") batch.settle(0, count);
  }
}

/** Times and sizes of the sinks under test, milliseconds. */
export const LIMITS = { queueSize: 50, batchSize: 10, syncIntervalMs: 100, maxBatchesInFlight: 2 } as const;
export const RETRY_BUDGET_MS = 60_000;
export const DRAIN_TIMEOUT_MS = 1_000;

/** A sink over the fakes, and what a test does with it. */
export interface SpooledSink {
  readonly clock: FakeClock;
  readonly spool: FakeSpool;
  readonly exporter: FakeEncodedExporter;
  readonly usage: OtelUsageSink;
  readonly ledger: () => LedgerCounts;
  readonly emit: (count: number) => void;
  readonly check: () => void;
  readonly violations: readonly string[];
}

/** A sink over both; `violations` says when its ledger was not right, at each call of either and at each `emit`. */
export function createSpooledSink(adopted: EncodedRecords = packed([])): SpooledSink {
  const clock = new FakeClock();
  const spool = new FakeSpool(adopted);
  const exporter = new FakeEncodedExporter(clock);
  const usage = new OtelUsageSink({
    exporter,
    resource: new UsageResource({}),
    clock,
    log: silentLog,
    spooling: {
      spool,
      exporter,
      encoding: jsonEncoding,
      syncIntervalMs: LIMITS.syncIntervalMs,
      retryBudgetMs: RETRY_BUDGET_MS,
    },
  }, {
    ...LIMITS,
    flushIntervalMs: 100,
    exporterTimeoutMs: RETRY_BUDGET_MS,
    drainTimeoutMs: DRAIN_TIMEOUT_MS,
    eventIdPrefix: "i/b/",
  });
  const violations: string[] = [];
  const ledger = () => usage.stats().relay_usage;
  const check = () => {
    const { dropped, ...counts } = ledger();
    const isRight = imbalanceOf(ledger()) === 0 &&
      Object.values({ ...counts, ...dropped }).every((count) => count >= 0);
    if (!isRight) violations.push(JSON.stringify(ledger()));
  };
  spool.onCall = check;
  exporter.onCall = check;
  const emit = (count: number) => {
    for (let i = 0; i < count; i++) {
      usage.emit(relayEvent());
      check();
    }
  };
  return { clock, spool, exporter, usage, ledger, emit, check, violations };
}
