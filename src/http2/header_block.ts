import { concatBytes } from "../domain/bytes.ts";
import { ConnectionError, ERROR_CODE } from "./error_code.ts";

/** Frames that one block may come in. */
const MAX_FRAMES = 16;

/** A header block that comes in several frames. Nothing else may come between them. */
export class HeaderBlock {
  readonly streamId: number;
  readonly isEnd: boolean;
  readonly #maxBytes: number;
  readonly #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(streamId: number, isEnd: boolean, maxBytes: number) {
    this.streamId = streamId;
    this.isEnd = isEnd;
    this.#maxBytes = maxBytes;
  }

  /** Adds a piece, and copies it. */
  add(piece: Uint8Array): void {
    this.#bytes += piece.length;
    if (this.#bytes > this.#maxBytes || this.#pieces.length >= MAX_FRAMES) {
      throw new ConnectionError(ERROR_CODE.ENHANCE_YOUR_CALM, "a header block does not come to its end");
    }
    this.#pieces.push(piece.slice());
  }

  /** The block, when its last piece has come. */
  join(): Uint8Array<ArrayBuffer> {
    return concatBytes(this.#pieces);
  }
}
