import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { OptimizerQosEvent, RelayUsageEvent, UsageEventKind } from "../domain/usage_event.ts";
import { EncodedOutbox, type EncodedOutboxDeps, type EncodedOutboxOptions } from "./encoded_outbox.ts";
import type { UsageLogExporter } from "./log_exporter.ts";
import type { UsageResource } from "./log_record.ts";
import { RecordOutbox } from "./outbox.ts";
import { SpooledLane, type SpooledLaneDeps } from "./spooled_lane.ts";
import { type Lane, UsageLane, type UsageLaneDeps, type UsageLaneOptions } from "./usage_lane.ts";
import type { DropReason, UsageNumbering, UsageSink, UsageStats } from "./usage_sink.ts";

/** Options of the sink, resolved. */
export interface OtelUsageSinkOptions extends UsageLaneOptions {
  /** Milliseconds for sending all that is left at `close`. */
  readonly drainTimeoutMs: number;
  /** What stands before the sequence number in an event's id; empty for records without ids. */
  readonly eventIdPrefix: string;
}

/** What the sink works with. It takes over the exporter: `close` shuts it down. */
export interface OtelUsageSinkDeps {
  readonly exporter: UsageLogExporter;
  /** Says whose events these are. */
  readonly resource: UsageResource;
  readonly clock: Clock;
  readonly log: Log;
  /** Has `relay_usage` events encoded as they come: for an exporter that takes them so. */
  readonly encoded?: Pick<EncodedOutboxDeps, "exporter" | "encoding"> & Pick<EncodedOutboxOptions, "retryBudgetMs">;
  /** Keeps `relay_usage` events on disk until they are delivered; in memory without it. */
  readonly spooling?: Spooling;
}

/** What a spooled lane needs beyond what a lane in memory does. */
export interface Spooling extends Pick<SpooledLaneDeps<never>, "spool" | "exporter" | "encoding"> {
  readonly syncIntervalMs: number;
  readonly retryBudgetMs: number;
}

/** At most one line about dropped events in this time, milliseconds. */
const DROP_LOG_INTERVAL_MS = 10_000;
/** How long the exporter, and then the disk, may take to be let go after the drain, milliseconds. */
const RELEASE_TIMEOUT_MS = 2_000;

/**
 * Sends usage events to an OpenTelemetry collector.
 *
 * `emit` puts an event, or its record, into a bounded queue, which is exported off the caller's path. Every event is in
 * the ledger from `emit` on. Each kind of event has a lane of its own, so that one can't crowd out the other.
 */
export class OtelUsageSink implements UsageSink {
  readonly #deps: OtelUsageSinkDeps;
  readonly #options: OtelUsageSinkOptions;
  readonly #relayUsage: Lane<RelayUsageEvent>;
  readonly #optimizerQos: Lane<OptimizerQosEvent>;
  /** The prefix of ids without its slash. */
  readonly #boot: string;
  #closed: Promise<UsageStats> | undefined;
  #lastDropLogMs = -Infinity;

  constructor(deps: OtelUsageSinkDeps, options: OtelUsageSinkOptions) {
    this.#deps = deps;
    this.#options = options;
    const { eventIdPrefix } = options;
    this.#boot = eventIdPrefix.slice(0, -1);
    this.#relayUsage = this.#createRelayLane();
    const { exporter, resource, clock } = deps;
    const { queueSize, batchSize } = options;
    const outbox = new RecordOutbox<OptimizerQosEvent>(
      { exporter, resource, clock, nameCharsOf: () => 0, eventIdOf: () => "" },
      queueSize,
      batchSize,
    );
    this.#optimizerQos = new UsageLane({ outbox, clock, onDrop: this.#dropLogger("optimizer_qos") }, options);
  }

  emit(event: RelayUsageEvent): void {
    this.#relayUsage.accept(event);
  }

  emitOptimizerQos(event: OptimizerQosEvent): void {
    this.#optimizerQos.accept(event);
  }

  stats(): UsageStats {
    return { relay_usage: this.#relayUsage.stats(), optimizer_qos: this.#optimizerQos.stats() };
  }

  numbering(): UsageNumbering | undefined {
    return this.#boot === "" ? undefined : { boot: this.#boot, last: this.#relayUsage.lastSequence };
  }

  close(): Promise<UsageStats> {
    this.#closed ??= this.#drain();
    return this.#closed;
  }

  /** On disk, encoded at once, or as events: by what there is to send them with. */
  #createRelayLane(): Lane<RelayUsageEvent> {
    const { exporter, encoded, spooling, resource, clock, log } = this.#deps;
    const options = this.#options;
    const { eventIdPrefix, queueSize, batchSize } = options;
    const nameCharsOf = (event: RelayUsageEvent) => event?.apiMethod?.length ?? 0;
    const eventIdOf = (sequence: number) => eventIdPrefix === "" ? "" : `${eventIdPrefix}${sequence}`;
    const onDrop = this.#dropLogger("relay_usage");
    if (spooling !== undefined) {
      return new SpooledLane({ ...spooling, resource, clock, log, nameCharsOf, eventIdOf, onDrop }, {
        ...options,
        ...spooling,
      });
    }
    const outbox = encoded === undefined
      ? new RecordOutbox({ exporter, resource, clock, nameCharsOf, eventIdOf }, queueSize, batchSize)
      : new EncodedOutbox({ ...encoded, resource, clock, eventIdPrefix }, { queueSize, batchSize, ...encoded });
    return new UsageLane({ outbox, clock, onDrop }, options);
  }

  #dropLogger(kind: UsageEventKind): UsageLaneDeps<never>["onDrop"] {
    return (reason, dropped) => this.#logDrop(kind, reason, dropped);
  }

  /** Sends what is held as long as the drain timeout allows, counts the rest as dropped, and lets go of everything. */
  async #drain(): Promise<UsageStats> {
    const { exporter } = this.#deps;
    const lanes = [this.#relayUsage, this.#optimizerQos];
    const drained = Promise.all(lanes.map((lane) => lane.drain()));
    this.#quietly(() => exporter.forceFlush?.());
    await this.#within(this.#options.drainTimeoutMs, drained);
    for (const lane of lanes) lane.expire();
    await this.#within(RELEASE_TIMEOUT_MS, this.#quietly(() => exporter.shutdown()));
    await this.#within(RELEASE_TIMEOUT_MS, Promise.all(lanes.map((lane) => lane.release())));
    for (const lane of lanes) lane.giveUp();
    return this.stats();
  }

  /** Asks something of an exporter that may be anyone's, and may fail in any way. */
  async #quietly(ask: () => Promise<void> | undefined): Promise<void> {
    try {
      await ask();
    } catch (error) {
      this.#deps.log.warn("the exporter failed to shut down", {
        error: error instanceof Error ? error.name : "unknown",
      });
    }
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    let cancelTimer = () => {};
    const timeUp = new Promise<void>((resolve) => cancelTimer = this.#deps.clock.schedule(ms, resolve));
    await Promise.race([work, timeUp]);
    cancelTimer();
  }

  #logDrop(kind: UsageEventKind, reason: DropReason, dropped: number): void {
    const { clock, log } = this.#deps;
    const nowMs = clock.monotonic();
    if (nowMs - this.#lastDropLogMs < DROP_LOG_INTERVAL_MS) return;
    this.#lastDropLogMs = nowMs;
    log.warn("usage events dropped; the ledger has all counts", { kind, reason, dropped_since_start: dropped });
  }
}
