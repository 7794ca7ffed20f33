import type { Clock } from "../../domain/clock.ts";
import type { RelayUsageEvent } from "../../domain/usage_event.ts";
import type { UsageLogRecord, UsageResource } from "../log_record.ts";
import type { ByteBuffer } from "./byte_buffer.ts";

/** A wire format of OTLP/HTTP. */
export interface OtlpEncoding {
  readonly contentType: string;
  /** Appends one record as it stands within a request, behind another one. */
  appendRecord(buffer: ByteBuffer, record: UsageLogRecord): void;
  /** What appends the same bytes for events of relays. An `eventIdPrefix` that is not empty makes extended records. */
  relayEncoder(eventIdPrefix: string, resource: UsageResource, clock: Clock): RelayEncoder;
  /** A whole request around the bytes of its records. */
  encodeRequest(resource: UsageResource, records: Uint8Array): Uint8Array<ArrayBuffer>;
  /** What stands before that many bytes of records, in a format in which nothing stands behind them. */
  encodeHead?(resource: UsageResource, recordBytes: number): Uint8Array<ArrayBuffer>;
  /** Records that a response says were rejected; 0 when it says nothing that can be understood. */
  readRejected(response: Uint8Array): number;
}

/** Encodes the events of relays as they come. */
export interface RelayEncoder {
  /** Appends the record of one event. Throws when it is none, and may leave a part of it then. */
  append(buffer: ByteBuffer, event: RelayUsageEvent, sequence: number): void;
  /**
   * Writes into records that end at `ends`, the first of which starts at `start`, that they were made now. To be called
   * before they leave; where it is left out, `append` has done so.
   */
  stamp?(buffer: ByteBuffer, start: number, ends: readonly number[]): void;
}
