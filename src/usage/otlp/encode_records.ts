import type { Clock } from "../../domain/clock.ts";
import type { UsageLogRecord } from "../log_record.ts";
import { ByteBuffer } from "./byte_buffer.ts";
import type { OtlpEncoding } from "./encoding.ts";

/** Records that are encoded at a stretch: a fraction of a millisecond. */
const RECORDS_PER_SLICE = 256;

/** Encodes records one by one, with a pause after each slice, so that the relay's requests do not wait for a batch. */
export async function encodeRecords(
  encoding: OtlpEncoding,
  records: readonly UsageLogRecord[],
  clock: Clock,
): Promise<Uint8Array[]> {
  const encoded: Uint8Array[] = [];
  const buffer = new ByteBuffer(4 * 1024);
  for (const record of records) {
    if (encoded.length > 0 && encoded.length % RECORDS_PER_SLICE === 0) {
      await new Promise<void>((resolve) => void clock.schedule(0, resolve));
    }
    buffer.truncate();
    encoding.appendRecord(buffer, record);
    encoded.push(buffer.slice());
  }
  return encoded;
}
