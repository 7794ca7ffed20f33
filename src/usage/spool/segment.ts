import type { FileHandle } from "node:fs/promises";
import type { EncodedRecords } from "../spool_port.ts";
import { decodeFrames, encodeFrames, FRAME_HEADER_BYTES } from "./frame.ts";
import { fileSystem } from "./platform.ts";

const { open, readFile, rm, writeFile } = fileSystem;

/** What every record of a segment has in common: how it is encoded, and whose it is. */
export interface SegmentHeader {
  readonly contentType: string;
  readonly resource: Readonly<Record<string, string>>;
}

/** Records read from a segment, and the place that they end at. */
export interface SegmentRead {
  readonly records: EncodedRecords;
  readonly start: number;
  readonly end: number;
}

/** Bytes that are read at a stretch. */
const READ_BYTES = 1024 * 1024;

/**
 * One append-only file of records, and beside it a file with the place up to which they have been delivered.
 *
 * Reading and appending go on side by side; what is read is what has been synced.
 */
export class Segment {
  readonly path: string;
  readonly header: SegmentHeader;
  readonly #file: FileHandle;
  #size: number;
  #readAt: number;
  #ackedAt: number;
  #savedAckAt: number;
  #isBroken = false;
  /** Ranges delivered out of order, by their start. */
  readonly #delivered = new Map<number, number>();

  private constructor(path: string, header: SegmentHeader, file: FileHandle, size: number, ackedAt: number) {
    this.path = path;
    this.header = header;
    this.#file = file;
    this.#size = size;
    this.#readAt = ackedAt;
    this.#ackedAt = ackedAt;
    this.#savedAckAt = ackedAt;
  }

  /** Starts a new segment. */
  static async create(path: string, header: SegmentHeader): Promise<Segment> {
    const file = await open(path, "wx+");
    try {
      const text = new TextEncoder().encode(JSON.stringify(header));
      const bytes = encodeFrames({ bytes: text, ends: [text.length] });
      await writeAll(file, bytes, 0);
      await file.datasync();
      return new Segment(path, header, file, bytes.length, bytes.length);
    } catch (error) {
      await file.close().catch(() => {});
      await rm(path, { force: true }).catch(() => {});
      throw error;
    }
  }

  /**
   * Opens what another process has left. Counts the records that are still to be delivered, and the bytes that were cut
   * off because a write had not been completed. A file without a whole header holds nothing: it is removed, and undefined.
   */
  static async open(path: string): Promise<{ segment: Segment; pending: number; tornBytes: number } | undefined> {
    const bytes = await readFile(path);
    const head = decodeFrames(bytes, 1);
    const header = parseHeader(head.records.bytes);
    if (header === undefined) {
      await rm(path, { force: true });
      await rm(ackPath(path), { force: true });
      return undefined;
    }
    const { records, end } = decodeFrames(bytes.subarray(head.end));
    const size = head.end + end;
    // A place that is none, as a torn write of it leaves, would lose records: then all are sent again.
    const noted = (await readAck(path)) - head.end;
    const delivered = noted === 0 ? 0 : recordsBefore(records, noted);
    const file = await open(path, "r+");
    const tornBytes = bytes.length - size;
    if (tornBytes > 0) await file.truncate(size);
    const segment = new Segment(path, header, file, size, delivered === 0 ? head.end : head.end + noted);
    return { segment, pending: records.ends.length - delivered, tornBytes };
  }

  /** Bytes on disk. */
  get size(): number {
    return this.#size;
  }

  /** Whether a failed write could not be undone, so that nothing may be appended any more. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** Whether everything in it has been delivered. */
  get isDelivered(): boolean {
    return this.#ackedAt === this.#size;
  }

  /** Whether everything in it has been read. */
  get isRead(): boolean {
    return this.#readAt === this.#size;
  }

  /** Appends records and waits until they are on disk. After an error, none of them is in the segment. */
  async append(records: EncodedRecords): Promise<void> {
    const bytes = encodeFrames(records);
    try {
      await writeAll(this.#file, bytes, this.#size);
      await this.#file.datasync();
    } catch (error) {
      await this.#file.truncate(this.#size).catch(() => this.#isBroken = true);
      throw error;
    }
    this.#size += bytes.length;
  }

  /** Reads the next records, up to `maxCount`; none when everything has been read. */
  async read(maxCount: number): Promise<SegmentRead> {
    const start = this.#readAt;
    for (let length = READ_BYTES;; length *= 4) {
      const bytes = new Uint8Array(Math.min(length, this.#size - start));
      const { bytesRead } = await this.#file.read(bytes, 0, bytes.length, start);
      const { records, end } = decodeFrames(bytes.subarray(0, bytesRead), maxCount);
      // A record that is larger than what was read is read again, with more.
      if (records.ends.length === 0 && bytesRead > 0 && length < this.#size - start) continue;
      if (records.ends.length === 0 && start < this.#size) {
        // Left on disk as it is, for someone to look at; what stands behind it is not held up.
        this.#readAt = this.#size;
        throw new Error("a file of the spool is damaged");
      }
      this.#readAt = start + end;
      return { records, start, end: this.#readAt };
    }
  }

  /** Notes that what was read from `start` to `end` has been delivered. */
  acknowledge(start: number, end: number): void {
    this.#delivered.set(start, end);
    for (let next = this.#delivered.get(this.#ackedAt); next !== undefined; next = this.#delivered.get(this.#ackedAt)) {
      this.#delivered.delete(this.#ackedAt);
      this.#ackedAt = next;
    }
  }

  /** Writes down how far has been delivered, so that a later process does not deliver it again. */
  async saveAck(): Promise<void> {
    if (this.#savedAckAt === this.#ackedAt) return;
    const ackedAt = this.#ackedAt;
    await writeFile(ackPath(this.path), String(ackedAt));
    this.#savedAckAt = ackedAt;
  }

  /** Lets go of the file. */
  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Removes it from disk. */
  async remove(): Promise<void> {
    await this.close();
    await rm(this.path, { force: true });
    await rm(ackPath(this.path), { force: true });
  }
}

/** Records that end at or before a place that is the end of one; 0 when it is not. */
function recordsBefore({ ends }: EncodedRecords, framedEnd: number): number {
  for (const [index, end] of ends.entries()) {
    if (end + (index + 1) * FRAME_HEADER_BYTES === framedEnd) return index + 1;
  }
  return 0;
}

function ackPath(path: string): string {
  return `${path}.ack`;
}

async function readAck(path: string): Promise<number> {
  try {
    const ackedAt = Number(await readFile(ackPath(path), "utf8"));
    return Number.isSafeInteger(ackedAt) && ackedAt > 0 ? ackedAt : 0;
  } catch {
    return 0;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position + at);
    if (bytesWritten === 0) throw new Error("the file system takes no more");
    at += bytesWritten;
  }
}

function parseHeader(bytes: Uint8Array): SegmentHeader | undefined {
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes));
    const isHeader = typeof header?.contentType === "string" && typeof header?.resource === "object";
    return isHeader ? header : undefined;
  } catch {
    return undefined;
  }
}
