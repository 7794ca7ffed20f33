import type { UsageLogRecord, UsageResource } from "../log_record.ts";
import type { ByteBuffer } from "./byte_buffer.ts";

/** A wire format of OTLP/HTTP. */
export interface OtlpEncoding {
  readonly contentType: string;
  /** Appends one record as it stands within a request, behind another one. */
  appendRecord(buffer: ByteBuffer, record: UsageLogRecord): void;
  /** A whole request around the bytes of its records. */
  encodeRequest(resource: UsageResource, records: Uint8Array): Uint8Array<ArrayBuffer>;
  /** Records that a response says were rejected; 0 when it says nothing that can be understood. */
  readRejected(response: Uint8Array): number;
}
