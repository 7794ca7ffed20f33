import { crc32 } from "node:zlib";

/** Bytes before each record on disk: its length and its CRC-32, both little-endian. */
export const FRAME_HEADER_BYTES = 8;
/** Largest record. Attributes are cut far below, so that a larger length on disk is a torn write. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;

/** Records, each in a frame of its own. */
export function encodeFrames(records: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const record of records) size += FRAME_HEADER_BYTES + record.length;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const record of records) {
    view.setUint32(at, record.length, true);
    view.setUint32(at + 4, crc32(record), true);
    bytes.set(record, at + FRAME_HEADER_BYTES);
    at += FRAME_HEADER_BYTES + record.length;
  }
  return bytes;
}

/** The whole and undamaged records at the start of some bytes, and how many bytes they take with their frames. */
export function decodeFrames(
  bytes: Uint8Array,
  maxCount = Infinity,
): { readonly records: readonly Uint8Array[]; readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  let at = 0;
  while (records.length < maxCount && at + FRAME_HEADER_BYTES <= bytes.length) {
    const length = view.getUint32(at, true);
    const end = at + FRAME_HEADER_BYTES + length;
    if (length > MAX_RECORD_BYTES || end > bytes.length) break;
    const record = bytes.subarray(at + FRAME_HEADER_BYTES, end);
    if (crc32(record) !== view.getUint32(at + 4, true)) break;
    records.push(record);
    at = end;
  }
  return { records, end: at };
}
