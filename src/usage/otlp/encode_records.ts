import type { Clock } from "../../domain/clock.ts";
import type { UsageLogRecord } from "../log_record.ts";
import type { EncodedRecords } from "../spool_port.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import type { OtlpEncoding } from "./encoding.ts";

/** Records that are encoded at a stretch: a fraction of a millisecond. */
const RECORDS_PER_SLICE = 256;
/** What a record takes, roughly: room for a whole batch is made at once. */
const BYTES_PER_RECORD = 1_200;

/** Encodes records, with a pause after each slice, so that the relay's requests do not wait for a batch. */
export async function encodeRecords(
  encoding: OtlpEncoding,
  records: readonly UsageLogRecord[],
  clock: Clock,
): Promise<EncodedRecords> {
  const buffer = new ByteBuffer(records.length * BYTES_PER_RECORD);
  const ends: number[] = [];
  for (const record of records) {
    if (ends.length > 0 && ends.length % RECORDS_PER_SLICE === 0) {
      await new Promise<void>((resolve) => void clock.schedule(0, resolve));
    }
    encoding.appendRecord(buffer, record);
    ends.push(buffer.length);
  }
  return { bytes: buffer.view(), ends };
}
