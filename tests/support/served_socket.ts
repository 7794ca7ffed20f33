import type { ServerSocket } from "../../src/hosts/http1/server_connection.ts";
import { latin1Bytes } from "./http1_parse.ts";

/** The server's side of a connection without a socket: the test sends, and sees what was written. */
export class ServedSocket implements ServerSocket {
  /** What has been written, one character for each byte, a text for each write. */
  readonly writes: string[] = [];
  /** What happened last: nothing, the server ended its side, or the connection. */
  state: "open" | "ended" | "closed" = "open";
  /** Most bytes that a write takes; 0 for a client that takes nothing. */
  mostBytes = Infinity;
  /** The client never stops to send. */
  isEndless = false;
  /** Reads that were begun. */
  reads = 0;
  #waiting: { readonly into: Uint8Array; readonly resolve: (count: number | null) => void; fail(): void } | undefined;
  #stuck: (() => void) | undefined;
  #sent = new Uint8Array();
  #isEnded = false;

  /** All that was written. */
  get text(): string {
    return this.writes.join("");
  }

  /** Sends bytes, one for each character. */
  send(text: string): void {
    const sent = latin1Bytes(text);
    const all = new Uint8Array(this.#sent.length + sent.length);
    all.set(this.#sent);
    all.set(sent, this.#sent.length);
    this.#sent = all;
    this.#hand();
  }

  /** The client ends its side. */
  end(): void {
    this.#isEnded = true;
    this.#hand();
  }

  /** The connection breaks. */
  cut(): void {
    this.#waiting?.fail();
  }

  read(into: Uint8Array): Promise<number | null> {
    if (this.#waiting !== undefined) throw new Error("two reads at once");
    if (into.length === 0) throw new Error("a read of nothing");
    if (this.state === "closed") return Promise.reject(new Error("closed"));
    this.reads++;
    if (this.isEndless) return Promise.resolve(into.length);
    const { promise, resolve, reject } = Promise.withResolvers<number | null>();
    this.#waiting = { into, resolve, fail: () => reject(new Error("broken")) };
    this.#hand();
    return promise;
  }

  async write(bytes: Uint8Array): Promise<number> {
    if (this.state !== "open") throw new Error(this.state);
    const count = Math.min(bytes.length, this.mostBytes);
    if (count === 0) await new Promise<void>((_resolve, reject) => this.#stuck = () => reject(new Error("closed")));
    this.writes.push([...bytes.subarray(0, count)].map((byte) => String.fromCharCode(byte)).join(""));
    await Promise.resolve();
    return count;
  }

  closeWrite(): Promise<void> {
    if (this.state === "open") this.state = "ended";
    return Promise.resolve();
  }

  close(): void {
    if (this.state === "closed") throw new Error("closed already");
    this.state = "closed";
    this.#waiting?.fail();
    this.#stuck?.();
  }

  #hand(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || (this.#sent.length === 0 && !this.#isEnded)) return;
    this.#waiting = undefined;
    if (this.#sent.length === 0) return waiting.resolve(null);
    const count = Math.min(this.#sent.length, waiting.into.length);
    waiting.into.set(this.#sent.subarray(0, count));
    this.#sent = this.#sent.slice(count);
    waiting.resolve(count);
  }
}
