import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import type { UpgradeOffer } from "./upgrade.ts";

/** What is read at once of a connection on which little comes: an idle one keeps that much. */
const SMALL_READ_BYTES = 1_024;
/** What is read at once as long as there is more. */
const LARGE_READ_BYTES = 65_536;

/**
 * A connection as a stream of Node's kind, for libraries that want one. What it says of the bytes that wait to be written
 * is true: they count until the platform has taken them.
 */
export class ConnectionStream extends Duplex {
  readonly #connection: UpgradeOffer["connection"];
  #isReading = false;
  /** Whoever reads has room for more. */
  #isWanted = false;

  constructor(connection: UpgradeOffer["connection"]) {
    super();
    this.#connection = connection;
  }

  override _read(): void {
    this.#isWanted = true;
    if (!this.#isReading) this.#readOn();
  }

  async #readOn(): Promise<void> {
    this.#isReading = true;
    const small = Buffer.allocUnsafeSlow(SMALL_READ_BYTES);
    let large: Buffer | undefined;
    let isMore = false;
    try {
      while (this.#isWanted) {
        this.#isWanted = false;
        if (isMore) large ??= Buffer.allocUnsafeSlow(LARGE_READ_BYTES);
        const buffer: Buffer = large ?? small;
        const count = await this.#connection.read(buffer);
        if (count === null) return void this.push(null);
        isMore = count === buffer.length;
        const bytes = buffer.subarray(0, count);
        // Few bytes are copied, or they would keep many that are none.
        const isGivenAway = count > LARGE_READ_BYTES / 2;
        if (isGivenAway || !isMore) large = undefined;
        if (this.push(isGivenAway ? bytes : Buffer.from(bytes))) this.#isWanted = true;
      }
    } catch {
      this.destroy();
    } finally {
      this.#isReading = false;
    }
  }

  override _write(bytes: Uint8Array, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#writeAll(bytes).then(() => callback(), callback);
  }

  override _writev(parts: readonly { readonly chunk: Uint8Array }[], callback: (error?: Error | null) => void): void {
    this._write(Buffer.concat(parts.map(({ chunk }) => chunk)), "", callback);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(at === 0 ? bytes : bytes.subarray(at));
  }

  override _final(callback: (error?: Error | null) => void): void {
    // A client that has gone can't be told.
    this.#connection.closeWrite().then(() => callback(), () => callback());
  }

  override _destroy(_error: Error | null, callback: (error?: Error | null) => void): void {
    try {
      this.#connection.close();
    } catch {
      // The platform has closed it already.
    }
    callback(null);
  }
}
