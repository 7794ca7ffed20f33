/** Encoded records, one behind the other. */
export interface EncodedRecords {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where each record ends; it starts where the one before it ends. */
  readonly ends: readonly number[];
  /** Bytes in front of them in their memory that may be written over; none where it is not said. */
  readonly headroom?: number;
}

/** The first `count` records, and the others. */
export function splitRecords({ bytes, ends }: EncodedRecords, count: number): [EncodedRecords, EncodedRecords] {
  const at = count === 0 ? 0 : ends[count - 1]!;
  const rest = ends.slice(count).map((end) => end - at);
  return [{ bytes: bytes.subarray(0, at), ends: ends.slice(0, count) }, { bytes: bytes.subarray(at), ends: rest }];
}

/** Encoded records, and what they have in common. */
export interface EncodedBatch {
  /** Media type of the encoding that they are in. */
  readonly contentType: string;
  /** Resource attributes of the process that they come from. */
  readonly resource: Readonly<Record<string, string>>;
  readonly records: EncodedRecords;
}

/** A batch read from the spool. */
export interface SpoolBatch extends EncodedBatch {
  /** Notes that it needs no more delivery. */
  acknowledge(): void;
}

/** What the spool found when it was opened. */
export interface SpoolFindings {
  /** Records of earlier processes that are still to be delivered. */
  readonly adoptedRecords: number;
  /** Bytes at the ends of files that were cut off, since their write had not been completed. */
  readonly tornBytes: number;
}

/** Records on disk, oldest first. */
export interface SpoolPort {
  readonly findings: SpoolFindings;
  /** Appends as many of the first records as there is room for, and waits until they are on disk. Never rejects. */
  append(records: EncodedRecords): Promise<number>;
  /** The next records, up to `maxCount` and about a megabyte; undefined when all have been read. */
  read(maxCount: number): Promise<SpoolBatch | undefined>;
  /** Writes down what has been acknowledged, and removes what needs no more delivery. */
  tidy(): Promise<void>;
  /** Says that its owner is alive. */
  beat(): Promise<void>;
  /** Leaves what is not delivered for the next process. */
  close(): Promise<void>;
}
