import type { EncodedRecords } from "../spool_port.ts";
import { crc32 } from "./platform.ts";

/** Bytes before each record on disk: its length and its CRC-32, both little-endian. */
export const FRAME_HEADER_BYTES = 8;
/** Largest record. Attributes are cut far below, so that a larger length on disk is a torn write. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** Bytes that records take in their frames. */
export function framedSize({ bytes, ends }: EncodedRecords): number {
  return bytes.length + ends.length * FRAME_HEADER_BYTES;
}

/** Puts each record in a frame of its own. */
export function encodeFrames(encoded: EncodedRecords): Uint8Array {
  const { bytes: records, ends } = encoded;
  const bytes = new Uint8Array(framedSize(encoded));
  const view = new DataView(bytes.buffer);
  let at = 0;
  let start = 0;
  for (const end of ends) {
    const record = records.subarray(start, end);
    view.setUint32(at, record.length, true);
    view.setUint32(at + 4, crc32(record), true);
    bytes.set(record, at + FRAME_HEADER_BYTES);
    at += FRAME_HEADER_BYTES + record.length;
    start = end;
  }
  return bytes;
}

/** The whole and undamaged records at the start of some bytes, and how many bytes they take with their frames. */
export function decodeFrames(
  bytes: Uint8Array,
  maxCount = Infinity,
): { readonly records: EncodedRecords; readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records = new Uint8Array(bytes.length);
  const ends: number[] = [];
  let length = 0;
  let at = 0;
  while (ends.length < maxCount && at + FRAME_HEADER_BYTES <= bytes.length) {
    const recordLength = view.getUint32(at, true);
    const end = at + FRAME_HEADER_BYTES + recordLength;
    // No record is empty: a page of zeros is what a power failure leaves of a write.
    if (recordLength === 0 || recordLength > MAX_RECORD_BYTES || end > bytes.length) break;
    const record = bytes.subarray(at + FRAME_HEADER_BYTES, end);
    if (crc32(record) !== view.getUint32(at + 4, true)) break;
    records.set(record, length);
    length += recordLength;
    ends.push(length);
    at = end;
  }
  return { records: { bytes: records.subarray(0, length), ends }, end: at };
}
