import type { Clock } from "../domain/clock.ts";
import { Ledger } from "./ledger.ts";
import type { UsageExportResult } from "./log_exporter.ts";
import type { Outbox } from "./outbox.ts";
import type { DropReason, LedgerCounts } from "./usage_sink.ts";

/** Options of a lane, resolved. Durations are milliseconds. */
export interface UsageLaneOptions {
  /** Most events waiting in memory. A new one that finds no room is dropped, and counted. */
  readonly queueSize: number;
  /** Events that start a flush, and the most in one batch. */
  readonly batchSize: number;
  /** Longest that an event waits for its batch. */
  readonly flushIntervalMs: number;
  /** Most batches on their way at once. */
  readonly maxBatchesInFlight: number;
  /** After which a batch is given up although its exporter has not called back; Infinity for one that always does. */
  readonly exporterTimeoutMs: number;
}

/** What a lane works with. */
export interface UsageLaneDeps<Event> {
  readonly outbox: Outbox<Event>;
  readonly clock: Clock;
  /** Told when events were given up. */
  onDrop(reason: DropReason, dropped: number): void;
}

/** A batch that the exporter has and that is not settled yet. */
interface Batch {
  readonly count: number;
  readonly cancelTimer: () => void;
}

/** The way of one kind of event, from `emit` to the exporter. */
export interface Lane<Event> {
  /** Takes an event. */
  accept(event: Event): void;
  /** The counts at this moment. */
  stats(): LedgerCounts;
  /** The number of the last event; 0 before the first. */
  readonly lastSequence: number;
  /** Takes no more events, and comes back when all have been delivered. */
  drain(): Promise<void>;
  /** Time is up: starts nothing more, and counts what waits for a start as dropped. */
  expire(): void;
  /** Lets go of what is held on disk, once the exporter has been shut down. */
  release(): Promise<void>;
  /** Counts everything that is held in memory still as dropped. The end. */
  giveUp(): void;
}

/** A lane in memory: outbox, batches, ledger. */
export class UsageLane<Event> implements Lane<Event> {
  readonly #deps: UsageLaneDeps<Event>;
  readonly #options: UsageLaneOptions;
  readonly #outbox: Outbox<Event>;
  readonly #ledger = new Ledger();
  readonly #batches = new Set<Batch>();
  #sequence = 0;
  #cancelFlush: (() => void) | undefined;
  #cancelPump: (() => void) | undefined;
  #isClosed = false;
  #isExpired = false;
  #isPumping = false;
  #onIdle: (() => void) | undefined;

  constructor(deps: UsageLaneDeps<Event>, options: UsageLaneOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#outbox = deps.outbox;
  }

  accept(event: Event): void {
    this.#sequence++;
    if (this.#isClosed) return this.#refuse("timeout");
    const result = this.#outbox.put(event, this.#sequence);
    if (result !== "waits") return this.#refuse(result === "no_room" ? "queue_full" : "rejected");
    this.#ledger.queue();
    if (this.#outbox.length >= this.#fullBatch) this.#schedulePump();
    else if (this.#cancelFlush === undefined) this.#scheduleFlush();
  }

  stats(): LedgerCounts {
    return this.#ledger.stats();
  }

  get lastSequence(): number {
    return this.#sequence;
  }

  async drain(): Promise<void> {
    this.#isClosed = true;
    this.#pump(1);
    if (this.#isIdle) return;
    await new Promise<void>((resolve) => this.#onIdle = resolve);
  }

  expire(): void {
    this.#isExpired = true;
    this.#cancelFlush?.();
    this.#cancelPump?.();
    const waiting = this.#outbox.clear();
    this.#ledger.send(waiting);
    if (waiting > 0) this.#drop(waiting, "timeout");
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  giveUp(): void {
    let held = 0;
    for (const { count, cancelTimer } of this.#batches) {
      cancelTimer();
      held += count;
    }
    this.#batches.clear();
    if (held > 0) this.#drop(held, "timeout");
  }

  /** Events that start a flush: a batch, or all that the queue holds where that is less. */
  get #fullBatch(): number {
    return Math.min(this.#options.batchSize, this.#options.queueSize);
  }

  get #isIdle(): boolean {
    return this.#outbox.length === 0 && this.#batches.size === 0;
  }

  #refuse(reason: DropReason): void {
    this.#ledger.refuse(reason);
    this.#deps.onDrop(reason, this.#ledger.dropped(reason));
  }

  #drop(count: number, reason: DropReason): void {
    this.#ledger.drop(count, reason);
    this.#deps.onDrop(reason, this.#ledger.dropped(reason));
  }

  /** Flushes what waits once the interval is over: one timer, however many events come. */
  #scheduleFlush(): void {
    this.#cancelFlush = this.#deps.clock.schedule(this.#options.flushIntervalMs, () => {
      this.#cancelFlush = undefined;
      this.#pump(1);
    });
  }

  /** Builds full batches once the caller is done. */
  #schedulePump(): void {
    this.#cancelPump ??= this.#deps.clock.schedule(0, () => {
      this.#cancelPump = undefined;
      this.#pump(this.#fullBatch);
    });
  }

  /** Starts batches while there are `atLeast` events for one and room in flight. */
  #pump(atLeast: number): void {
    // An exporter that calls back at once comes by here from within: the loop below goes on for it.
    if (this.#isPumping) return;
    this.#isPumping = true;
    while (this.#outbox.length >= atLeast && this.#batches.size < this.#options.maxBatchesInFlight) this.#start();
    this.#isPumping = false;
    if (this.#outbox.length === 0) {
      this.#cancelFlush?.();
      this.#cancelFlush = undefined;
    } else if (this.#cancelFlush === undefined && !this.#isClosed) {
      this.#scheduleFlush();
    }
    if (this.#isIdle) this.#onIdle?.();
  }

  #start(): void {
    const { outbox, clock } = this.#deps;
    const { exporterTimeoutMs } = this.#options;
    const parcel = outbox.take();
    const { count } = parcel;
    this.#ledger.send(count);
    const cancelTimer = exporterTimeoutMs === Infinity
      ? () => {}
      : clock.schedule(exporterTimeoutMs, () => this.#settle(batch, { code: 1 }));
    const batch: Batch = { count, cancelTimer };
    this.#batches.add(batch);
    try {
      parcel.send((result) => this.#settle(batch, result));
    } catch (error) {
      this.#settle(batch, { code: 1, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  /** Books the end of a batch, once; what an exporter says later is not listened to. */
  #settle(batch: Batch, { code, error, counts }: UsageExportResult): void {
    if (!this.#batches.delete(batch)) return;
    batch.cancelTimer();
    const { count } = batch;
    const exported = Math.min(counts?.exported ?? (code === 0 ? count : 0), count);
    const rejected = Math.min(counts?.rejected ?? (code !== 0 && isRefusal(error) ? count : 0), count - exported);
    if (exported > 0) this.#ledger.acknowledge(exported);
    if (rejected > 0) this.#drop(rejected, "rejected");
    const rest = count - exported - rejected;
    if (rest > 0) this.#drop(rest, this.#isExpired ? "timeout" : "retry_exhausted");
    this.#pump(this.#isClosed ? 1 : this.#fullBatch);
  }
}

/** Whether an exporter that says only yes or no has met an HTTP status that no retry would change. */
function isRefusal(error: unknown): boolean {
  const status = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  return typeof status === "number" && status >= 400 && ![429, 502, 503, 504].includes(status);
}
