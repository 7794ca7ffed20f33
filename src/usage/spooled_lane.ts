import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { UsageEvent } from "../domain/usage_event.ts";
import { EventQueue, type QueuedEvent } from "./event_queue.ts";
import { Ledger } from "./ledger.ts";
import { UsageLogRecord, type UsageResource } from "./log_record.ts";
import { encodeRecords } from "./otlp/encode_records.ts";
import type { OtlpEncoding } from "./otlp/encoding.ts";
import type { EncodedBatch, EncodedRecords, SpoolBatch, SpoolPort } from "./spool_port.ts";
import type { Lane } from "./usage_lane.ts";
import type { DropReason, LedgerCounts } from "./usage_sink.ts";

/** Options of a spooled lane, resolved. Durations are milliseconds. */
export interface SpooledLaneOptions {
  /** Most events waiting in memory for the disk. */
  readonly queueSize: number;
  /** Most events that are written, or sent, at once. */
  readonly batchSize: number;
  /** Longest that an event waits before it is written and synced: what a crash can lose. */
  readonly syncIntervalMs: number;
  /** Most batches on their way at once. */
  readonly maxBatchesInFlight: number;
  /** How long events that the disk does not take are tried to be sent from memory. */
  readonly retryBudgetMs: number;
}

/** Sends records that are encoded already. */
export interface EncodedExporter {
  /** Tries until the batch is taken or refused, for `retryBudgetMs`, or until it is shut down. Never rejects. */
  exportEncoded(
    batch: EncodedBatch,
    retryBudgetMs: number,
  ): Promise<{ readonly exported: number; readonly rejected: number }>;
}

/** What a spooled lane works with. */
export interface SpooledLaneDeps<Event> {
  readonly spool: SpoolPort;
  readonly exporter: EncodedExporter;
  readonly encoding: OtlpEncoding;
  readonly resource: UsageResource;
  readonly clock: Clock;
  readonly log: Log;
  nameCharsOf(event: Event): number;
  eventIdOf(sequence: number): string;
  onDrop(reason: DropReason, dropped: number): void;
}

/** How often the owner of a spool says that it is alive, milliseconds. */
const HEARTBEAT_MS = 5_000;
/** At most one line about the disk in this time, milliseconds. */
const COMPLAINT_INTERVAL_MS = 10_000;
/** How often what has been acknowledged is written down, milliseconds: a crash sends that much again. */
const TIDY_INTERVAL_MS = 500;

/**
 * A lane over disk: every event is written and synced before it is sent, and leaves the disk once a collector has
 * acknowledged it. A collector that is away, a crash, a restart: none of them loses what has been synced.
 */
export class SpooledLane<Event extends UsageEvent> implements Lane<Event> {
  readonly #deps: SpooledLaneDeps<Event>;
  readonly #options: SpooledLaneOptions;
  readonly #queue: EventQueue<Event>;
  readonly #ledger = new Ledger();
  readonly #sending = new Set<Promise<void>>();
  readonly #timers = new Map<string, () => void>();
  #sequence = 0;
  #syncing: Promise<void> | undefined;
  #isReading = false;
  #isDiskFull = false;
  #isClosed = false;
  #isStopped = false;
  #onDrained: (() => void) | undefined;
  #lastComplaintMs = -Infinity;

  constructor(deps: SpooledLaneDeps<Event>, options: SpooledLaneOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#queue = new EventQueue(options.queueSize, deps.nameCharsOf);
    this.#ledger.adopt(deps.spool.findings.adoptedRecords);
    this.#every("beat", HEARTBEAT_MS, () => deps.spool.beat());
    this.#after("pump", 0, () => this.#pump());
  }

  accept(event: Event): void {
    this.#sequence++;
    if (this.#isClosed) return this.#refuse("timeout");
    if (!this.#queue.push(event, this.#sequence)) return this.#refuse(this.#isDiskFull ? "spool_full" : "queue_full");
    this.#ledger.queue();
    if (this.#queue.length >= this.#options.batchSize) this.#startSync();
    else this.#after("sync", this.#options.syncIntervalMs, () => this.#startSync());
  }

  stats(): LedgerCounts {
    return this.#ledger.stats();
  }

  async drain(): Promise<void> {
    this.#isClosed = true;
    await this.#sync();
    this.#pump();
    if (this.#isDrained) return;
    await new Promise<void>((resolve) => this.#onDrained = resolve);
  }

  /** Gives up nothing: what is held is on disk, or on its way there. */
  giveUp(): void {
    this.#isStopped = true;
  }

  async release(): Promise<void> {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    await this.#syncing;
    await Promise.all(this.#sending);
    const waiting = this.#queue.take(this.#queue.length).length;
    if (waiting > 0) {
      this.#ledger.dropQueued(waiting, "timeout");
      this.#noteDrop("timeout");
    }
    await this.#deps.spool.close().catch((error) => this.#complain(error));
  }

  get #isDrained(): boolean {
    const { queued, inFlight, spooled } = this.#ledger.stats();
    return queued + inFlight + spooled === 0;
  }

  #refuse(reason: DropReason): void {
    this.#ledger.refuse(reason);
    this.#noteDrop(reason);
  }

  #noteDrop(reason: DropReason): void {
    this.#deps.onDrop(reason, this.#ledger.dropped(reason));
  }

  /** Says what is wrong with the disk, at most once in ten seconds. */
  #complain(error: unknown): void {
    const nowMs = this.#deps.clock.monotonic();
    if (nowMs - this.#lastComplaintMs < COMPLAINT_INTERVAL_MS) return;
    this.#lastComplaintMs = nowMs;
    const code = (error as { code?: unknown })?.code;
    this.#deps.log.error("the spool's folder makes trouble", { code: typeof code === "string" ? code : "unknown" });
  }

  #startSync(): void {
    this.#sync().then(() => this.#pump());
  }

  /** Writes what waits in memory to disk. One at a time: a second call waits for the first, which takes all there is. */
  #sync(): Promise<void> {
    this.#cancel("sync");
    this.#syncing ??= this.#writeQueue().finally(() => this.#syncing = undefined);
    return this.#syncing;
  }

  async #writeQueue(): Promise<void> {
    const { spool } = this.#deps;
    while (this.#queue.length > 0 && !(this.#isStopped && this.#isDiskFull)) {
      const taken = this.#queue.take(this.#options.batchSize);
      const records = await this.#encode(taken);
      this.#isDiskFull = !(await spool.append(records));
      if (this.#isDiskFull) {
        await this.#sendFromMemory(records);
      } else {
        this.#ledger.spool(records.ends.length);
        this.#pump();
      }
    }
  }

  #encode(taken: readonly QueuedEvent<Event>[]): Promise<EncodedRecords> {
    const { clock, encoding, resource, eventIdOf } = this.#deps;
    const nowUnixMs = clock.now();
    const records = taken.map(({ event, sequence }) =>
      new UsageLogRecord(event, eventIdOf(sequence), resource, nowUnixMs)
    );
    return encodeRecords(encoding, records, clock);
  }

  /** The disk takes no more: the collector may. What neither takes is lost, and counted. */
  async #sendFromMemory(records: EncodedRecords): Promise<void> {
    const { encoding, resource, exporter } = this.#deps;
    const count = records.ends.length;
    this.#ledger.send(count);
    const batch = { contentType: encoding.contentType, resource: resource.attributes, records };
    const { exported, rejected } = await exporter.exportEncoded(batch, this.#options.retryBudgetMs);
    this.#settle(count, exported, rejected);
    const lost = count - exported - rejected;
    if (lost === 0) return;
    this.#ledger.drop(lost, "spool_full");
    this.#noteDrop("spool_full");
  }

  /** Sends what is on disk, while there is room in flight. */
  async #pump(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#sending.size < this.#options.maxBatchesInFlight && !this.#isStopped) {
        const batch = await this.#deps.spool.read(this.#options.batchSize);
        if (batch === undefined) break;
        this.#ledger.sendSpooled(batch.records.ends.length);
        const sending = this.#send(batch).finally(() => {
          this.#sending.delete(sending);
          this.#pump();
        });
        this.#sending.add(sending);
      }
    } catch (error) {
      this.#complain(error);
    } finally {
      this.#isReading = false;
    }
    if (this.#isDrained) this.#onDrained?.();
  }

  async #send(batch: SpoolBatch): Promise<void> {
    const count = batch.records.ends.length;
    const { exported, rejected } = await this.#deps.exporter.exportEncoded(batch, Infinity);
    this.#settle(count, exported, rejected);
    const rest = count - exported - rejected;
    // Only a shutdown ends it so: the batch stays on disk as a whole.
    if (rest > 0) return this.#ledger.respool(rest);
    batch.acknowledge();
    this.#after("tidy", TIDY_INTERVAL_MS, () => this.#deps.spool.tidy().catch((error) => this.#complain(error)));
  }

  #settle(count: number, exported: number, rejected: number): void {
    if (exported > 0) this.#ledger.acknowledge(Math.min(exported, count));
    if (rejected === 0) return;
    this.#ledger.drop(rejected, "rejected");
    this.#noteDrop("rejected");
  }

  /** Runs something once, a while from now, unless that is planned already. */
  #after(name: string, delayMs: number, run: () => void): void {
    if (this.#timers.has(name)) return;
    const cancel = this.#deps.clock.schedule(delayMs, () => {
      this.#timers.delete(name);
      run();
    });
    this.#timers.set(name, cancel);
  }

  #every(name: string, intervalMs: number, run: () => Promise<void>): void {
    this.#after(name, intervalMs, () => {
      this.#every(name, intervalMs, run);
      run().catch((error) => this.#complain(error));
    });
  }

  #cancel(name: string): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }
}
