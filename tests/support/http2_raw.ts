import { ERROR_CODE } from "../../src/http2/error_code.ts";
import { FLAG, FRAME, PREFACE, readUint32 } from "../../src/http2/frame.ts";
import { HpackEncoder } from "../../src/http2/hpack/encoder.ts";
import type { Fields } from "../../src/http2/port.ts";
import { requestFields } from "./http2_streams.ts";

/** A frame as bytes, with whatever length it may claim. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Iterable<number> = [],
  claim?: number,
): number[] {
  const bytes = [...payload];
  const length = claim ?? bytes.length;
  return [length >> 16 & 255, length >> 8 & 255, length & 255, type, flags, ...uint32(streamId), ...bytes];
}

/** A number as four bytes. */
export function uint32(value: number): number[] {
  return [value >>> 24, value >>> 16 & 255, value >>> 8 & 255, value & 255];
}

/** A setting as six bytes. */
export function setting(id: number, value: number): number[] {
  return [0, id, ...uint32(value)];
}

/** A header block for a fresh connection, so that it may be sent any number of times. */
export function block(fields: Fields): number[] {
  const encoder = new HpackEncoder();
  encoder.setMaxTableSize(0);
  // Without the size update that tells of it.
  return [...encoder.encode(fields)].slice(1);
}

/** A request's HEADERS. */
export function headers(
  streamId: number,
  flags: number = FLAG.END_HEADERS | FLAG.END_STREAM,
  more: Fields = [],
): number[] {
  return frame(FRAME.HEADERS, flags, streamId, block(requestFields("/x", more)));
}

/** What a client says first. */
export const HELLO: readonly number[] = [...PREFACE, ...frame(FRAME.SETTINGS, 0, 0)];

/** What came back on a connection, as words: `GOAWAY PROTOCOL_ERROR`, `RST 1 CANCEL`, `HEADERS 1`, `CLOSED`. */
export class RawPeer {
  readonly #conn: Deno.TcpConn;
  readonly words: string[] = [];
  /** Settles when the other side has closed. */
  readonly closed: Promise<void>;
  #waiting: { readonly word: string; readonly resolve: () => void }[] = [];

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.closed = this.#read();
  }

  static async connect(port: number): Promise<RawPeer> {
    return new RawPeer(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async send(bytes: Iterable<number>): Promise<void> {
    const all = bytes instanceof Uint8Array ? bytes as Uint8Array<ArrayBuffer> : Uint8Array.from(bytes);
    try {
      for (let at = 0; at < all.length;) at += await this.#conn.write(all.subarray(at));
    } catch {
      // The other side has closed, as `closed` tells.
    }
  }

  /** Waits until the word has come; "CLOSED" comes in any case. */
  async saw(word: string): Promise<boolean> {
    if (!this.words.some((other) => other.startsWith(word) || other === "CLOSED")) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push({ word, resolve });
      await promise;
    }
    return this.words.some((other) => other.startsWith(word));
  }

  async close(): Promise<void> {
    try {
      this.#conn.close();
    } catch {
      // Closed already.
    }
    await this.closed;
  }

  async #read(): Promise<void> {
    let held = new Uint8Array();
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await this.#conn.read(buffer);
        if (count === null) break;
        const joined = new Uint8Array(held.length + count);
        joined.set(held);
        joined.set(buffer.subarray(0, count), held.length);
        held = joined;
        let at = 0;
        while (held.length - at >= 9) {
          const length = held[at]! << 16 | held[at + 1]! << 8 | held[at + 2]!;
          if (held.length - at < 9 + length) break;
          this.#say(held[at + 3]!, held[at + 4]!, readUint32(held, at + 5), held.subarray(at + 9, at + 9 + length));
          at += 9 + length;
        }
        held = held.slice(at);
      }
    } catch {
      // Reset by the other side, or closed by this one.
    }
    try {
      this.#conn.close();
    } catch {
      // Closed already.
    }
    this.#tell("CLOSED");
  }

  #say(type: number, flags: number, streamId: number, payload: Uint8Array): void {
    const name = Object.entries(FRAME).find(([, value]) => value === type)?.[0] ?? String(type);
    if (type === FRAME.GOAWAY) return this.#tell(`GOAWAY ${codeName(readUint32(payload, 4))}`);
    if (type === FRAME.RST_STREAM) return this.#tell(`RST ${streamId} ${codeName(readUint32(payload, 0))}`);
    const isAck = (type === FRAME.PING || type === FRAME.SETTINGS) && (flags & FLAG.ACK) !== 0;
    this.#tell(isAck ? `${name} ACK` : streamId === 0 ? name : `${name} ${streamId}`);
  }

  #tell(word: string): void {
    this.words.push(word);
    this.#waiting = this.#waiting.filter((waiter) => {
      if (!word.startsWith(waiter.word) && word !== "CLOSED") return true;
      waiter.resolve();
      return false;
    });
  }
}

function codeName(code: number): string {
  return Object.entries(ERROR_CODE).find(([, value]) => value === code)?.[0] ?? String(code);
}
