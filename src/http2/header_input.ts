import { FLAG, type Frame } from "./frame.ts";
import { unpad, violation } from "./frame_checks.ts";
import { HeaderBlock } from "./header_block.ts";
import { type HeaderList, HpackDecoder } from "./hpack/decoder.ts";

/** Bytes of the table that the peer may fill. */
const TABLE_BYTES = 4096;
/** Bytes of a priority that stands before a header block. */
const PRIORITY_BYTES = 5;

/** A header list that is complete. */
export interface ReceivedHeaders extends HeaderList {
  readonly streamId: number;
  readonly isEnd: boolean;
}

/** Puts the header blocks of a connection together and decodes them, all of them and in order, for the table's sake. */
export class HeaderInput {
  readonly #decoder: HpackDecoder;
  readonly #maxBlockBytes: number;
  #block: HeaderBlock | undefined;

  constructor(maxListBytes: number) {
    this.#decoder = new HpackDecoder(TABLE_BYTES, maxListBytes);
    this.#maxBlockBytes = maxListBytes * 2;
  }

  /** The stream whose header block has begun and not ended; undefined for none. */
  get openStreamId(): number | undefined {
    return this.#block?.streamId;
  }

  /** Takes in HEADERS; comes back with the list, where that is all of it. */
  headers({ flags, streamId, payload }: Frame): ReceivedHeaders | undefined {
    if (streamId === 0) throw violation("HEADERS of no stream");
    const piece = unpad(payload, flags, (flags & FLAG.PRIORITY) !== 0 ? PRIORITY_BYTES : 0);
    const isEnd = (flags & FLAG.END_STREAM) !== 0;
    if ((flags & FLAG.END_HEADERS) !== 0) return { ...this.#decoder.decode(piece), streamId, isEnd };
    this.#block = new HeaderBlock(streamId, isEnd, this.#maxBlockBytes);
    this.#block.add(piece);
    return undefined;
  }

  /** Takes in CONTINUATION; comes back with the list, when that was the last of it. */
  continuation({ flags, payload }: Frame): ReceivedHeaders | undefined {
    const block = this.#block;
    if (block === undefined) throw violation("CONTINUATION of nothing");
    block.add(payload);
    if ((flags & FLAG.END_HEADERS) === 0) return undefined;
    this.#block = undefined;
    return { ...this.#decoder.decode(block.join()), streamId: block.streamId, isEnd: block.isEnd };
  }
}
