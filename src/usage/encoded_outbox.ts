import type { Clock } from "../domain/clock.ts";
import type { RelayUsageEvent } from "../domain/usage_event.ts";
import type { EncodedExporter } from "./log_exporter.ts";
import type { UsageResource } from "./log_record.ts";
import { ByteBuffer } from "./otlp/byte_buffer.ts";
import type { OtlpEncoding, RelayEncoder } from "./otlp/encoding.ts";
import type { Outbox, Parcel, PutResult } from "./outbox.ts";

/** What an outbox of encoded records works with. */
export interface EncodedOutboxDeps {
  readonly exporter: EncodedExporter;
  readonly encoding: OtlpEncoding;
  readonly resource: UsageResource;
  readonly clock: Clock;
  /** What stands before the sequence number in an event's id; empty for records without ids. */
  readonly eventIdPrefix: string;
}

/** Options of an outbox of encoded records, resolved. */
export interface EncodedOutboxOptions {
  /** Most events that wait. */
  readonly queueSize: number;
  /** Most events in one batch. */
  readonly batchSize: number;
  /** How long a batch is tried to be sent, milliseconds. */
  readonly retryBudgetMs: number;
}

/** A batch that is being filled, or waits for its turn. */
interface Chunk {
  readonly buffer: ByteBuffer;
  /** Where each record ends, counted from the first one's start. */
  readonly ends: number[];
}

/** Free bytes in front of the records of a batch, for what a request has before them; smaller batches have none. */
const HEADROOM = 2048;
const MIN_BATCH_WITH_HEADROOM = 16;
/** Room of the first batch; later ones have what the one before took. */
const FIRST_BYTES = 64 * 1024;
/** Memory of batches that is kept for the next, and the largest piece of it. */
const MAX_SPARE = 4;
const MAX_SPARE_BYTES = 4 * 1024 * 1024;
/** Most bytes that wait, where that is more than what ordinary records take: clients can make theirs long. */
const MAX_BYTES = 64 * 1024 * 1024;
const ORDINARY_BYTES = 1536;

/**
 * Encodes events as they come, into memory that is used again: nothing is left of them for the collector of garbage,
 * and a batch needs nothing more to be done before it leaves.
 */
export class EncodedOutbox implements Outbox<RelayUsageEvent> {
  readonly #deps: EncodedOutboxDeps;
  readonly #options: EncodedOutboxOptions;
  readonly #encoder: RelayEncoder;
  readonly #maxBytes: number;
  readonly #headroom: number;
  /** Full batches, oldest first, and how many at its beginning have been taken. */
  #full: (Chunk | undefined)[] = [];
  #taken = 0;
  #open: Chunk | undefined;
  #length = 0;
  /** Bytes of the records in full batches. */
  #fullBytes = 0;
  #usualBytes = FIRST_BYTES;
  readonly #spare: ByteBuffer[] = [];

  constructor(deps: EncodedOutboxDeps, options: EncodedOutboxOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#encoder = deps.encoding.relayEncoder(deps.eventIdPrefix, deps.resource, deps.clock);
    this.#headroom = options.batchSize < MIN_BATCH_WITH_HEADROOM ? 0 : HEADROOM;
    this.#maxBytes = Math.max(MAX_BYTES, options.queueSize * ORDINARY_BYTES);
  }

  get length(): number {
    return this.#length;
  }

  put(event: RelayUsageEvent, sequence: number): PutResult {
    if (this.#length >= this.#options.queueSize || this.#fullBytes >= this.#maxBytes) return "no_room";
    const chunk = this.#open ??= this.#newChunk();
    const { buffer, ends } = chunk;
    const start = buffer.length;
    try {
      this.#encoder.append(buffer, event, sequence);
    } catch {
      buffer.truncate(start);
      return "unencodable";
    }
    if (this.#fullBytes + buffer.length - this.#headroom > this.#maxBytes) {
      buffer.truncate(start);
      return "no_room";
    }
    ends.push(buffer.length - this.#headroom);
    this.#length++;
    if (ends.length >= this.#options.batchSize) this.#seal(chunk);
    return "waits";
  }

  take(): Parcel {
    const headroom = this.#headroom;
    const chunk = this.#takeChunk();
    this.#fullBytes -= chunk.buffer.length - headroom;
    const count = chunk.ends.length;
    this.#length -= count;
    return {
      count,
      send: (onEnd) => {
        const { encoding, resource, exporter } = this.#deps;
        this.#encoder.stamp?.(chunk.buffer, headroom, chunk.ends);
        const records = { bytes: chunk.buffer.viewFrom(headroom), ends: chunk.ends, headroom };
        const batch = { contentType: encoding.contentType, resource: resource.attributes, records };
        exporter.exportEncoded(batch, this.#options.retryBudgetMs).then(
          ({ exported, rejected, isDone }) => {
            if (isDone) this.#keep(chunk.buffer);
            onEnd({ code: exported === count ? 0 : 1, counts: { exported, rejected } });
          },
          (error) => onEnd({ code: 1, error }),
        );
      },
    };
  }

  clear(): number {
    const count = this.#length;
    this.#full = [];
    this.#taken = 0;
    this.#open = undefined;
    this.#length = this.#fullBytes = 0;
    return count;
  }

  #newChunk(): Chunk {
    const buffer = this.#spare.pop() ?? new ByteBuffer(this.#usualBytes);
    buffer.truncate(0);
    buffer.skip(this.#headroom);
    return { buffer, ends: [] };
  }

  /** The oldest batch, full or not. */
  #takeChunk(): Chunk {
    if (this.#taken === this.#full.length) this.#seal(this.#open ?? this.#newChunk());
    const chunk = this.#full[this.#taken]!;
    this.#full[this.#taken++] = undefined;
    // Moving the rest up is put off until it is the smaller part.
    if (this.#taken * 2 >= this.#full.length) {
      this.#full.splice(0, this.#taken);
      this.#taken = 0;
    }
    return chunk;
  }

  #seal(chunk: Chunk): void {
    this.#full.push(chunk);
    this.#open = undefined;
    this.#fullBytes += chunk.buffer.length - this.#headroom;
    // A little more, as batches differ.
    this.#usualBytes = Math.min(Math.ceil(chunk.buffer.length * 1.125), MAX_SPARE_BYTES);
  }

  /** Keeps the memory of a batch that nobody reads any more. */
  #keep(buffer: ByteBuffer): void {
    if (this.#spare.length < MAX_SPARE && buffer.capacity <= MAX_SPARE_BYTES) this.#spare.push(buffer);
  }
}
