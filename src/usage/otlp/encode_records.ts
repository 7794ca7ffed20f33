import type { Clock } from "../../domain/clock.ts";
import type { UsageLogRecord } from "../log_record.ts";
import type { EncodedRecords } from "../spool_port.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import type { OtlpEncoding } from "./encoding.ts";

/** Records, and bytes of them, that are encoded at a stretch: a fraction of a millisecond. */
const RECORDS_PER_SLICE = 256;
const BYTES_PER_SLICE = 512 * 1024;

/** Encoded records, and how many could not be: their events are none, and cost no other its place. */
export interface Encoded extends EncodedRecords {
  readonly unencodable: number;
}

/**
 * Encodes records, with a pause after each slice, so that the relay's requests do not wait for a batch. What comes back
 * stands in `buffer`, which may be used again when it is not needed any more.
 */
export async function encodeRecords(
  encoding: OtlpEncoding,
  records: readonly UsageLogRecord[],
  clock: Clock,
  buffer: ByteBuffer,
): Promise<Encoded> {
  buffer.truncate(0);
  const ends: number[] = [];
  let inSlice = 0;
  let sliceStart = 0;
  for (const record of records) {
    if (inSlice === RECORDS_PER_SLICE || buffer.length - sliceStart > BYTES_PER_SLICE) {
      await new Promise<void>((resolve) => void clock.schedule(0, resolve));
      inSlice = 0;
      sliceStart = buffer.length;
    }
    inSlice++;
    const start = buffer.length;
    try {
      encoding.appendRecord(buffer, record);
      ends.push(buffer.length);
    } catch {
      buffer.truncate(start);
    }
  }
  return { bytes: buffer.view(), ends, unencodable: records.length - ends.length };
}
