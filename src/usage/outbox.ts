import type { Clock } from "../domain/clock.ts";
import type { UsageEvent } from "../domain/usage_event.ts";
import { EventQueue } from "./event_queue.ts";
import type { UsageExportResult, UsageLogExporter } from "./log_exporter.ts";
import { UsageLogRecord, type UsageResource } from "./log_record.ts";

/** What became of an event that was to be put in: there may be no room for it, or it may be none. */
export type PutResult = "waits" | "no_room" | "unencodable";

/** Events that wait, and the way in which they leave. */
export interface Outbox<Event> {
  /** Events that wait. */
  readonly length: number;
  /** Puts in the event that was accepted under that number. Never throws. */
  put(event: Event, sequence: number): PutResult;
  /** Takes out a batch, oldest first; none of it waits any more. */
  take(): Parcel;
  /** Takes out all events to throw them away, and comes back with how many these were. */
  clear(): number;
}

/** A batch that is to be sent. */
export interface Parcel {
  readonly count: number;
  /** Sends it. Calls back once, perhaps at once; may throw instead. */
  send(onEnd: (result: UsageExportResult) => void): void;
}

/** What an outbox of records works with. */
export interface RecordOutboxDeps<Event> {
  readonly exporter: UsageLogExporter;
  readonly resource: UsageResource;
  readonly clock: Clock;
  /** Length of what a client can make long in an event. */
  nameCharsOf(event: Event): number;
  /** The id of the event accepted under that number, empty for events that have none. */
  eventIdOf(sequence: number): string;
}

/** Holds the events themselves, and makes records of them when they leave: for any exporter. */
export class RecordOutbox<Event extends UsageEvent> implements Outbox<Event> {
  readonly #deps: RecordOutboxDeps<Event>;
  readonly #batchSize: number;
  readonly #queue: EventQueue<Event>;

  constructor(deps: RecordOutboxDeps<Event>, queueSize: number, batchSize: number) {
    this.#deps = deps;
    this.#batchSize = batchSize;
    this.#queue = new EventQueue(queueSize, deps.nameCharsOf);
  }

  get length(): number {
    return this.#queue.length;
  }

  put(event: Event, sequence: number): PutResult {
    return this.#queue.push(event, sequence) ? "waits" : "no_room";
  }

  take(): Parcel {
    const { clock, exporter, resource, eventIdOf } = this.#deps;
    const taken = this.#queue.take(this.#batchSize);
    return {
      count: taken.length,
      send(onEnd) {
        const nowUnixMs = clock.now();
        const records = taken.map(({ event, sequence }) =>
          new UsageLogRecord(event, eventIdOf(sequence), resource, nowUnixMs)
        );
        exporter.export(records, onEnd);
      },
    };
  }

  clear(): number {
    return this.#queue.take(this.#queue.length).length;
  }
}
