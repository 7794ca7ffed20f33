import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { UsageEvent } from "../domain/usage_event.ts";
import { EventQueue } from "./event_queue.ts";
import { Ledger } from "./ledger.ts";
import { UsageLogRecord, type UsageResource } from "./log_record.ts";
import { ByteBuffer } from "./otlp/byte_buffer.ts";
import { encodeRecords } from "./otlp/encode_records.ts";
import type { EncodedExporter } from "./log_exporter.ts";
import type { OtlpEncoding } from "./otlp/encoding.ts";
import { type EncodedRecords, splitRecords, type SpoolBatch, type SpoolPort } from "./spool_port.ts";
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
/** How long an exporter that was shut down may take to say what became of its batches, milliseconds. */
const SETTLE_TIMEOUT_MS = 1_000;
/** Room for the records of an ordinary sync. */
const BUFFER_BYTES = 256 * 1024;
/** When a disk that failed is tried again although nothing new has come, milliseconds. */
const DISK_RETRY_MS = 1_000;
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
  /** Batches on their way, from disk and from memory. */
  readonly #sending = new Set<Promise<void>>();
  readonly #timers = new Map<string, () => void>();
  #sequence = 0;
  #inFlightFromDisk = 0;
  #syncing: Promise<void> | undefined;
  /** Taken from the queue, and not yet on disk or on its way. */
  #unwritten: EncodedRecords | undefined;
  #unwrittenCount = 0;
  #isSendingFromMemory = false;
  #isDiskFull = false;
  #isReading = false;
  #isReadDue = false;
  #isClosed = false;
  #isExpired = false;
  #isOver = false;
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
    // A batch that the disk does not take waits with the others.
    const waiting = this.#queue.length + (this.#isDiskFull ? this.#unwrittenCount : 0);
    const hasRoom = waiting < this.#options.queueSize;
    if (!hasRoom || !this.#queue.push(event, this.#sequence)) {
      return this.#refuse(this.#isDiskFull ? "spool_full" : "queue_full");
    }
    this.#ledger.queue();
    if (this.#queue.length >= this.#options.batchSize && !this.#isDiskFull) this.#startSync();
    else this.#after("sync", this.#options.syncIntervalMs, () => this.#startSync());
  }

  stats(): LedgerCounts {
    return this.#ledger.stats();
  }

  get lastSequence(): number {
    return this.#sequence;
  }

  async drain(): Promise<void> {
    this.#isClosed = true;
    await this.#sync();
    this.#pump();
    if (this.#isDrained) return;
    await new Promise<void>((resolve) => this.#onDrained = resolve);
  }

  /** Sends nothing more: what is held is on disk, or on its way there. */
  expire(): void {
    this.#isExpired = true;
  }

  async release(): Promise<void> {
    // An exporter that does not come back from its shutdown must not keep the disk from being let go.
    let cancelTimer = () => {};
    const timeUp = new Promise<void>((resolve) => cancelTimer = this.#deps.clock.schedule(SETTLE_TIMEOUT_MS, resolve));
    await Promise.race([Promise.all(this.#sending), timeUp]);
    cancelTimer();
    await this.#sync();
    this.#cancelAll();
    await this.#deps.spool.close().catch((error) => this.#complain(error));
  }

  giveUp(): void {
    this.#isOver = true;
    this.#cancelAll();
    this.#queue.take(this.#queue.length);
    const { queued, inFlight } = this.#ledger.stats();
    const fromMemory = inFlight - this.#inFlightFromDisk;
    this.#ledger.respool(this.#inFlightFromDisk);
    this.#ledger.dropQueued(queued, "timeout");
    this.#ledger.drop(fromMemory, "timeout");
    if (queued + fromMemory > 0) this.#noteDrop("timeout");
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

  /**
   * Batch by batch, until nothing waits. What the disk does not take goes out from memory, one batch at a time; while
   * that one is on its way the disk is tried again.
   */
  async #writeQueue(): Promise<void> {
    const { spool } = this.#deps;
    while (!this.#isOver) {
      this.#unwritten ??= await this.#encodeNext();
      const records = this.#unwritten;
      if (records === undefined || this.#isOver) return;
      const written = await spool.append(records);
      if (this.#isOver) return;
      this.#isDiskFull = written === 0;
      if (written > 0) {
        this.#ledger.spool(written);
        this.#keepUnwritten(written < records.ends.length ? splitRecords(records, written)[1] : undefined);
        this.#pump();
      } else if (this.#isSendingFromMemory || this.#isExpired) {
        return this.#after("sync", DISK_RETRY_MS, () => this.#startSync());
      } else {
        this.#keepUnwritten(undefined);
        this.#ledger.send(records.ends.length);
        this.#track(this.#sendFromMemory(records));
      }
    }
  }

  #keepUnwritten(rest: EncodedRecords | undefined): void {
    this.#unwritten = rest;
    this.#unwrittenCount = rest?.ends.length ?? 0;
  }

  /** The next batch of the queue; undefined when it is empty. */
  async #encodeNext(): Promise<EncodedRecords | undefined> {
    const { clock, encoding, resource, eventIdOf } = this.#deps;
    while (this.#queue.length > 0) {
      const taken = this.#queue.take(this.#options.batchSize);
      this.#unwrittenCount = taken.length;
      const nowUnixMs = clock.now();
      const records = taken.map(({ event, sequence }) =>
        new UsageLogRecord(event, eventIdOf(sequence), resource, nowUnixMs)
      );
      const { unencodable, ...encoded } = await encodeRecords(encoding, records, clock, new ByteBuffer(BUFFER_BYTES));
      if (unencodable > 0) {
        this.#ledger.dropQueued(unencodable, "rejected");
        this.#noteDrop("rejected");
      }
      this.#unwrittenCount = encoded.ends.length;
      if (encoded.ends.length > 0) return encoded;
    }
    return undefined;
  }

  /** The disk takes no more: the collector may. What neither takes, the disk asked once more, is lost and counted. */
  async #sendFromMemory(records: EncodedRecords): Promise<void> {
    this.#isSendingFromMemory = true;
    const { encoding, resource, exporter, spool } = this.#deps;
    const batch = { contentType: encoding.contentType, resource: resource.attributes, records };
    const { exported, rejected } = await exporter.exportEncoded(batch, this.#options.retryBudgetMs);
    this.#isSendingFromMemory = false;
    const lost = this.#settle(records.ends.length, exported, rejected);
    if (lost === 0 || this.#isOver) return;
    const written = exported + rejected === 0 ? await spool.append(records) : 0;
    if (this.#isOver) return;
    if (written > 0) this.#ledger.respool(written);
    if (written === lost) return;
    this.#ledger.drop(lost - written, "spool_full");
    this.#noteDrop("spool_full");
  }

  /** Sends what is on disk, while there is room in flight. */
  async #pump(): Promise<void> {
    // Whoever reads now may have missed what has just come.
    this.#isReadDue = true;
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#isReadDue && this.#sending.size < this.#options.maxBatchesInFlight && !this.#isExpired) {
        this.#isReadDue = false;
        const batch = await this.#deps.spool.read(this.#options.batchSize);
        if (batch === undefined || this.#isOver) continue;
        this.#isReadDue = true;
        this.#inFlightFromDisk += batch.records.ends.length;
        this.#ledger.sendSpooled(batch.records.ends.length);
        this.#track(this.#send(batch));
      }
    } catch (error) {
      this.#complain(error);
      this.#after("pump", DISK_RETRY_MS, () => this.#pump());
    } finally {
      this.#isReading = false;
    }
    if (this.#isDrained) this.#onDrained?.();
  }

  /** Keeps a batch that is on its way; when it has ended, the next one is read, and what waits for the disk is tried. */
  #track(sending: Promise<void>): void {
    const tracked = sending.catch((error) => this.#complain(error)).finally(() => {
      this.#sending.delete(tracked);
      if (this.#unwritten !== undefined && !this.#isExpired) this.#startSync();
      else this.#pump();
    });
    this.#sending.add(tracked);
  }

  async #send(batch: SpoolBatch): Promise<void> {
    const { exported, rejected } = await this.#deps.exporter.exportEncoded(batch, Infinity);
    if (this.#isOver) return;
    this.#inFlightFromDisk -= batch.records.ends.length;
    const rest = this.#settle(batch.records.ends.length, exported, rejected);
    // Only a shutdown ends it so: the batch stays on disk as a whole.
    if (rest > 0) return this.#ledger.respool(rest);
    batch.acknowledge();
    this.#after("tidy", TIDY_INTERVAL_MS, () => this.#deps.spool.tidy().catch((error) => this.#complain(error)));
  }

  /** Books how a batch ended; comes back with how many of it were neither taken nor refused. */
  #settle(count: number, exported: number, rejected: number): number {
    if (this.#isOver) return 0;
    if (exported > 0) this.#ledger.acknowledge(exported);
    if (rejected > 0) {
      this.#ledger.drop(rejected, "rejected");
      this.#noteDrop("rejected");
    }
    return count - exported - rejected;
  }

  /** Runs something once, a while from now, unless that is planned already. */
  #after(name: string, delayMs: number, run: () => void): void {
    if (this.#isExpired || this.#timers.has(name)) return;
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

  #cancelAll(): void {
    for (const name of [...this.#timers.keys()]) this.#cancel(name);
  }

  #cancel(name: string): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }
}
