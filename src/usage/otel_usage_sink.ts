import type { ExportResult } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { LogRecordExporter } from "@opentelemetry/sdk-logs";
import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { OptimizerQosEvent, RelayUsageEvent, UsageEvent } from "../domain/usage_event.ts";
import { EventQueue } from "./event_queue.ts";
import { Ledger } from "./ledger.ts";
import { toLogRecord } from "./log_record.ts";
import type { DropReason, UsageSink, UsageStats } from "./usage_sink.ts";

/** Options of the sink, resolved. */
export interface OtelUsageSinkOptions {
  /** Most events waiting in memory. A new one that finds no room is dropped, and counted. */
  readonly queueSize: number;
  /** Events that start a flush, and the most in one batch. */
  readonly batchSize: number;
  /** Milliseconds after which waiting events are flushed, however few they are. */
  readonly flushIntervalMs: number;
  /** Milliseconds for one batch, and for all that is left at `close`. */
  readonly exportTimeoutMs: number;
  /** Most batches on their way at once. */
  readonly maxBatchesInFlight: number;
}

/** What the sink works with. */
export interface OtelUsageSinkDeps {
  /** Any log exporter of the OpenTelemetry ecosystem. */
  readonly exporter: LogRecordExporter;
  /** Says whose events these are. */
  readonly resource: Resource;
  /** Times flushes and timeouts. */
  readonly clock: Clock;
  /** Gets a line about drops, at most one in ten seconds. */
  readonly log: Log;
}

/** At most one line about dropped events in this time, milliseconds. */
const DROP_LOG_INTERVAL_MS = 10_000;
/** How long the exporter may take to shut down after the drain, milliseconds. */
const EXPORTER_SHUTDOWN_MS = 1_000;

/** One batch that the exporter has and that is not settled yet. */
interface Batch {
  readonly events: readonly UsageEvent[];
  readonly cancelTimer: () => void;
}

/**
 * Sends usage events to an OpenTelemetry collector.
 *
 * `emit` puts a reference into a bounded queue; batches are built and exported off the caller's path. Every event is
 * in the ledger from `emit` on.
 */
export class OtelUsageSink implements UsageSink {
  readonly #deps: OtelUsageSinkDeps;
  readonly #options: OtelUsageSinkOptions;
  readonly #queue: EventQueue;
  readonly #ledger = new Ledger();
  readonly #batches = new Set<Batch>();
  #cancelFlush: (() => void) | undefined;
  #cancelPump: (() => void) | undefined;
  #closed: Promise<UsageStats> | undefined;
  #onIdle: (() => void) | undefined;
  #lastDropLogMs = -Infinity;

  /** Takes over the exporter: `close` shuts it down. */
  constructor(deps: OtelUsageSinkDeps, options: OtelUsageSinkOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#queue = new EventQueue(options.queueSize);
  }

  /** Takes one relay's event: a push of its reference. */
  emit(event: RelayUsageEvent): void {
    this.#take(event);
  }

  /** Takes one provider's scores: a push of their reference. */
  emitOptimizerQos(event: OptimizerQosEvent): void {
    this.#take(event);
  }

  /** What happened to the events so far. */
  stats(): UsageStats {
    return this.#ledger.stats();
  }

  /** Sends on what is held within the export timeout, counts the rest as dropped, and shuts the exporter down. */
  close(): Promise<UsageStats> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  #take(event: UsageEvent): void {
    if (this.#closed !== undefined) return this.#refuse(event, "timeout");
    if (!this.#queue.push(event)) return this.#refuse(event, "queue_full");
    this.#ledger.queue(event.kind);
    if (this.#queue.length >= this.#options.batchSize) this.#schedulePump();
    else if (this.#cancelFlush === undefined) this.#scheduleFlush();
  }

  #refuse(event: UsageEvent, reason: DropReason): void {
    this.#ledger.refuse(event.kind, reason);
    this.#logDrop(reason);
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
      this.#pump(this.#options.batchSize);
    });
  }

  /** Starts batches while there are `atLeast` events for one and room in flight. */
  #pump(atLeast: number): void {
    const { batchSize, maxBatchesInFlight } = this.#options;
    while (this.#queue.length >= atLeast && this.#batches.size < maxBatchesInFlight) {
      this.#start(this.#queue.take(batchSize));
    }
    if (this.#queue.length === 0) {
      this.#cancelFlush?.();
      this.#cancelFlush = undefined;
      if (this.#batches.size === 0) this.#onIdle?.();
    } else if (this.#cancelFlush === undefined && this.#closed === undefined) {
      this.#scheduleFlush();
    }
  }

  #start(events: readonly UsageEvent[]): void {
    const { clock, exporter, resource } = this.#deps;
    this.#ledger.send(events);
    // The exporter has a timeout of its own; this one holds when it does not keep it.
    const cancelTimer = clock.schedule(2 * this.#options.exportTimeoutMs, () => this.#settle(batch, TIMED_OUT));
    const batch: Batch = { events, cancelTimer };
    this.#batches.add(batch);
    try {
      const observedUnixMs = clock.now();
      const records = events.map((event) => toLogRecord(event, resource, observedUnixMs));
      exporter.export(records, (result) => this.#settle(batch, result));
    } catch (error) {
      this.#settle(batch, { code: FAILED, error: error instanceof Error ? error : new Error(String(error)) });
    }
  }

  /** Books the end of a batch, once; what an exporter says later is not listened to. */
  #settle(batch: Batch, result: ExportResult): void {
    if (!this.#batches.delete(batch)) return;
    batch.cancelTimer();
    if (result.code === FAILED) {
      const reason = reasonOf(result.error);
      this.#ledger.drop(batch.events, reason);
      this.#logDrop(reason);
    } else {
      this.#ledger.acknowledge(batch.events);
    }
    this.#pump(this.#closed === undefined ? this.#options.batchSize : 1);
  }

  async #drain(): Promise<UsageStats> {
    const { clock, exporter } = this.#deps;
    let cancelTimer = () => {};
    await new Promise<void>((resolve) => {
      cancelTimer = clock.schedule(this.#options.exportTimeoutMs, resolve);
      this.#onIdle = resolve;
      // The close is in force before the first batch: what it settles then pumps on to the end.
      queueMicrotask(() => this.#pump(1));
    });
    cancelTimer();
    this.#cancelFlush?.();
    this.#cancelPump?.();
    this.#giveUpTheRest();
    await new Promise<void>((resolve) => {
      cancelTimer = clock.schedule(EXPORTER_SHUTDOWN_MS, resolve);
      exporter.shutdown().then(resolve, resolve);
    });
    cancelTimer();
    return this.stats();
  }

  /** Books everything that is still held as dropped. */
  #giveUpTheRest(): void {
    this.#onIdle = undefined;
    const waiting = this.#queue.take(this.#queue.length);
    this.#ledger.send(waiting);
    this.#ledger.drop(waiting, "timeout");
    for (const { events, cancelTimer } of this.#batches) {
      cancelTimer();
      this.#ledger.drop(events, "timeout");
    }
    if (waiting.length > 0 || this.#batches.size > 0) this.#logDrop("timeout");
    this.#batches.clear();
  }

  #logDrop(reason: DropReason): void {
    const { clock, log } = this.#deps;
    const nowMs = clock.monotonic();
    if (nowMs - this.#lastDropLogMs < DROP_LOG_INTERVAL_MS) return;
    this.#lastDropLogMs = nowMs;
    const { relay_usage, optimizer_qos } = this.stats();
    log.warn("usage events dropped; the counts are totals since start", {
      reason,
      relay_usage_dropped: relay_usage.dropped[reason],
      optimizer_qos_dropped: optimizer_qos.dropped[reason],
    });
  }
}

/** `ExportResultCode.FAILED`; the package itself is not loaded for one number. */
const FAILED = 1;
const TIMED_OUT: ExportResult = { code: FAILED, error: new Error("the exporter did not come back") };

/** An HTTP status that no retry would change means that the collector refused the records. */
function reasonOf(error: unknown): DropReason {
  const status = typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
  const isFinal = typeof status === "number" && status >= 400 && status !== 429 && ![502, 503, 504].includes(status);
  return isFinal ? "rejected" : "retry_exhausted";
}
