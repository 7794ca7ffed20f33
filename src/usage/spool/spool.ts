import type { Log } from "../../domain/log.ts";
import {
  type EncodedRecords,
  splitRecords,
  type SpoolBatch,
  type SpoolFindings,
  type SpoolPort,
} from "../spool_port.ts";
import { SpoolFolder } from "./folder.ts";
import { FRAME_HEADER_BYTES, framedSize } from "./frame.ts";
import { Segment, type SegmentHeader } from "./segment.ts";

/** Options of the spool, resolved. */
export interface SpoolOptions {
  /** Directory that the processes of a host may share; each has a folder of its own in it. */
  readonly directory: string;
  /** Most bytes on disk, of this process and of what it has taken over. */
  readonly maxBytes: number;
  readonly hostname: string;
  /** Name of the folder, unlike that of any other process's life. */
  readonly folderName: string;
  readonly header: SegmentHeader;
  readonly log: Log;
}

/** Bytes after which a segment is full: what is delivered leaves the disk in pieces of this size. */
const SEGMENT_BYTES = 8 * 1024 * 1024;

/** Room for a new segment's header: what its records have in common, generously. */
const HEADER_BYTES = 4 * 1024;

/** Records on disk: appended by one, read and acknowledged by another, oldest first. */
export class Spool implements SpoolPort {
  readonly #options: SpoolOptions;
  readonly #folder: SpoolFolder;
  /** Oldest first; the last one is written to, when it is one of ours. */
  readonly #segments: Segment[];
  #writing: Segment | undefined;
  #nextNumber = 0;
  #appending: Promise<unknown> = Promise.resolve();
  #tidying: Promise<void> = Promise.resolve();
  readonly findings: SpoolFindings;

  private constructor(options: SpoolOptions, folder: SpoolFolder, adopted: Segment[], findings: SpoolFindings) {
    this.#options = options;
    this.#folder = folder;
    this.#segments = adopted;
    this.findings = findings;
  }

  /** Opens the spool and takes over what dead processes have left. Throws when the directory can't be written to. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const folder = await SpoolFolder.create(options.directory, options.hostname, options.folderName);
    const adopted: Segment[] = [];
    let records = 0;
    let tornBytes = 0;
    for (const path of await folder.adoptOrphans()) {
      try {
        const opened = await Segment.open(path);
        if (opened === undefined) continue;
        records += opened.pending;
        tornBytes += opened.tornBytes;
        if (opened.segment.isDelivered) await opened.segment.remove();
        else adopted.push(opened.segment);
      } catch {
        // Left on disk for someone to look at; the others are not held up by it.
        options.log.error("a file of the spool can't be opened");
      }
    }
    if (records > 0 || tornBytes > 0) {
      options.log.info("usage events of an earlier process were found on disk", { records, torn_bytes: tornBytes });
    }
    return new Spool(options, folder, adopted, { adoptedRecords: records, tornBytes });
  }

  /** One at a time: each starts where the one before it has ended. */
  append(records: EncodedRecords): Promise<number> {
    const appending = this.#appending.then(() => this.#append(records));
    this.#appending = appending;
    return appending;
  }

  async #append(records: EncodedRecords): Promise<number> {
    try {
      await this.#folder.ensure();
      const isWhole = this.#room >= framedSize(records);
      if (this.#writing !== undefined && (this.#writing.size >= SEGMENT_BYTES || this.#writing.isBroken || !isWhole)) {
        // What has been delivered of it leaves the disk once it is no longer written to.
        this.#writing = undefined;
        await this.tidy();
      }
      const fitting = countFitting(records, this.#room - (this.#writing === undefined ? HEADER_BYTES : 0));
      if (fitting === 0) return 0;
      if (this.#writing === undefined) await this.#startSegment();
      await this.#writing!.append(fitting === records.ends.length ? records : splitRecords(records, fitting)[0]);
      return fitting;
    } catch {
      // A full disk, most likely: it is tried again with the next records.
      return 0;
    }
  }

  /** Bytes that may still be written. */
  get #room(): number {
    let room = this.#options.maxBytes;
    for (const { size } of this.#segments) room -= size;
    return room;
  }

  async read(maxCount: number): Promise<SpoolBatch | undefined> {
    const segment = this.#segments.find((candidate) => !candidate.isRead);
    if (segment === undefined) return undefined;
    const { records, start, end } = await segment.read(maxCount);
    return { ...segment.header, records, acknowledge: () => segment.acknowledge(start, end) };
  }

  tidy(): Promise<void> {
    this.#tidying = this.#tidying.then(() => this.#tidy());
    return this.#tidying;
  }

  async #tidy(): Promise<void> {
    for (const segment of [...this.#segments]) {
      try {
        if (segment.isDelivered && segment !== this.#writing) {
          this.#segments.splice(this.#segments.indexOf(segment), 1);
          await segment.remove();
        } else {
          await segment.saveAck();
        }
      } catch {
        // At worst, a later process sends its records again.
      }
    }
  }

  async beat(): Promise<void> {
    await this.#folder.beat();
  }

  async close(): Promise<void> {
    this.#writing = undefined;
    await this.tidy();
    for (const segment of this.#segments) await segment.close();
    await this.#folder.release();
  }

  async #startSegment(): Promise<void> {
    // Names sort by age, also among segments of different processes.
    const time = String(Date.now()).padStart(15, "0");
    const number = String(this.#nextNumber++).padStart(6, "0");
    const name = `${time}-${number}-${crypto.randomUUID().slice(0, 8)}.seg`;
    this.#writing = await Segment.create(`${this.#folder.path}/${name}`, this.#options.header);
    this.#segments.push(this.#writing);
  }
}

/** How many of the first records fit into that many bytes, their frames included. */
function countFitting({ ends }: EncodedRecords, room: number): number {
  let count = 0;
  while (count < ends.length && ends[count]! + (count + 1) * FRAME_HEADER_BYTES <= room) count++;
  return count;
}
