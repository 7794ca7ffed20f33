import { ERROR_CODE } from "./error_code.ts";
import { MAX_31_BITS } from "./frame.ts";
import type { StreamEvents, StreamFailure, WireStream } from "../domain/wire_stream.ts";
import type { Fields } from "./port.ts";

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly isServer: boolean;
  /** Bytes that may be sent now on all streams together. */
  readonly sendWindow: number;
  /** Whether data has to wait, whatever the windows say. */
  readonly isCongested: boolean;
  /** Largest payload of one frame. */
  readonly maxFrame: number;
  sendHeaders(streamId: number, fields: Fields, isEnd: boolean): void;
  /** Takes the bytes out of the connection's window. */
  sendData(streamId: number, chunk: Uint8Array, isEnd: boolean): void;
  sendReset(streamId: number, code: number): void;
  sendWindowUpdate(streamId: number, bytes: number): void;
  /** Gives bytes back to the connection's window. */
  consume(bytes: number): void;
  /** The stream has something to send and can't. */
  waitForRoom(stream: ConnectionStream): void;
  /** The stream is over. */
  remove(stream: ConnectionStream): void;
}

/** One stream: its state, both windows, and the data that waits for room. */
export class ConnectionStream implements WireStream {
  readonly id: number;
  readonly #owner: StreamOwner;
  readonly #windowBytes: number;
  #events: StreamEvents | undefined;
  /** What there was to hear before anybody was there to hear it. */
  #earlyWritten = 0;
  #earlyEnd: { readonly failure: StreamFailure | undefined } | undefined;
  #isLocalOpen = true;
  #isRemoteOpen = true;
  #isOver = false;

  #sendWindow: number;
  #queue: Uint8Array[] = [];
  #queueAt = 0;
  /** What follows the queue: the end, or trailers. */
  #ending: "none" | "end" | "sent" | Fields = "none";
  #hasSentHead = false;

  #receiveWindow: number;
  #unconsumed = 0;
  #toReturn = 0;
  #expectedBytes: number | undefined;
  #receivedBytes = 0;

  constructor(id: number, owner: StreamOwner, sendWindow: number, windowBytes: number) {
    this.id = id;
    this.#owner = owner;
    this.#sendWindow = sendWindow;
    this.#receiveWindow = this.#windowBytes = windowBytes;
  }

  /** Who hears of it. */
  set events(events: StreamEvents) {
    this.#events = events;
    if (this.#earlyWritten > 0) events.onWritten(this.#earlyWritten);
    if (this.#earlyEnd !== undefined) events.onEnd(this.#earlyEnd.failure);
  }

  get isRemoteOpen(): boolean {
    return this.#isRemoteOpen;
  }

  /** Whether the head of the response, or of the request at a client, has been sent. */
  get hasSentHead(): boolean {
    return this.#hasSentHead;
  }

  /** Whether the server's head has come; at a client. */
  hasReceivedHead = false;

  // What the user does.

  sendHead(fields: Fields, isEnd: boolean): void {
    if (this.#isOver || this.#hasSentHead) return;
    this.#hasSentHead = true;
    this.#owner.sendHeaders(this.id, fields, isEnd);
    if (isEnd) {
      this.#ending = "sent";
      this.#endLocal();
    }
  }

  sendData(chunk: Uint8Array, isEnd: boolean): void {
    if (this.#isOver || !this.#isLocalOpen || this.#ending !== "none") return;
    if (isEnd) this.#ending = "end";
    let sent = 0;
    if (this.#queue.length === 0) {
      sent = this.#sendSome(chunk, 0, true);
      if (sent > 0) this.#told(sent);
      if (this.#isOver) return;
    }
    if (sent < chunk.length) {
      this.#queue.push(chunk.slice(sent));
      this.#owner.waitForRoom(this);
    } else if (this.#queue.length === 0) this.#sendEnding();
  }

  sendTrailers(fields: Fields): void {
    if (this.#isOver || !this.#isLocalOpen || this.#ending !== "none") return;
    this.#ending = fields;
    if (this.#queue.length === 0) this.#sendEnding();
  }

  consume(bytes: number): void {
    if (this.#isOver) return;
    const count = Math.min(bytes, this.#unconsumed);
    this.#unconsumed -= count;
    this.#owner.consume(count);
    if (!this.#isRemoteOpen) return;
    this.#toReturn += count;
    if (this.#toReturn < this.#windowBytes / 2) return;
    this.#owner.sendWindowUpdate(this.id, this.#toReturn);
    this.#receiveWindow += this.#toReturn;
    this.#toReturn = 0;
  }

  reset(code: number): void {
    if (this.#isOver) return;
    this.#owner.sendReset(this.id, code);
    this.finish({ code, by: "self", isUnprocessed: false });
  }

  // What the connection does.

  /** Sends what waits, as far as there is room; comes back with whether anything is left. */
  pump(): boolean {
    while (this.#queue.length > 0) {
      const chunk = this.#queue[0]!;
      const sent = this.#sendSome(chunk, this.#queueAt, this.#queue.length === 1);
      this.#queueAt += sent;
      if (this.#queueAt === chunk.length) {
        this.#queue.shift();
        this.#queueAt = 0;
      }
      if (sent > 0) this.#told(sent);
      if (this.#isOver) return false;
      if (sent === 0) return true;
    }
    this.#sendEnding();
    return false;
  }

  /** The peer lets so many more bytes be sent, or fewer after a change of its settings; false when that is too many. */
  addSendWindow(bytes: number): boolean {
    this.#sendWindow += bytes;
    return this.#sendWindow <= MAX_31_BITS;
  }

  /** Data of the peer takes so much of its window; false when it has not so much. */
  takeReceiveWindow(bytes: number): boolean {
    this.#receiveWindow -= bytes;
    return this.#receiveWindow >= 0;
  }

  /** Declares how long the peer's body will be. */
  expect(bytes: number | undefined): void {
    this.#expectedBytes = bytes;
  }

  /** Whether the peer's body is as long as declared, if it ends here. */
  isLengthRight(chunkBytes: number, isEnd: boolean): boolean {
    if (this.#expectedBytes === undefined) return true;
    this.#receivedBytes += chunkBytes;
    return isEnd ? this.#receivedBytes === this.#expectedBytes : this.#receivedBytes <= this.#expectedBytes;
  }

  receiveHead(fields: Fields, isEnd: boolean): void {
    this.hasReceivedHead = true;
    this.#events?.onHead(fields, isEnd);
    if (isEnd) this.endRemote();
  }

  receiveData(chunk: Uint8Array, isEnd: boolean): void {
    this.#unconsumed += chunk.length;
    this.#events?.onData(chunk, isEnd);
    if (isEnd) this.endRemote();
  }

  receiveTrailers(fields: Fields): void {
    this.#events?.onTrailers(fields);
    this.endRemote();
  }

  /** The peer has said all that it wanted to say. */
  endRemote(): void {
    if (this.#isOver) return;
    this.#isRemoteOpen = false;
    if (!this.#isLocalOpen) return this.finish(undefined);
    if (this.#owner.isServer) return;
    // The server is done, so that nobody reads what is still unsaid.
    this.#owner.sendReset(this.id, ERROR_CODE.NO_ERROR);
    this.finish(undefined);
  }

  /** Ends the stream without a word to the peer. */
  finish(failure: StreamFailure | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isLocalOpen = this.#isRemoteOpen = false;
    this.#queue = [];
    this.#owner.consume(this.#unconsumed);
    this.#unconsumed = 0;
    this.#owner.remove(this);
    if (this.#events === undefined) this.#earlyEnd = { failure };
    else this.#events.onEnd(failure);
  }

  #told(writtenBytes: number): void {
    if (this.#events === undefined) this.#earlyWritten += writtenBytes;
    else this.#events.onWritten(writtenBytes);
  }

  /** Sends of a chunk what there is room for, from `from` on; comes back with how much that was. */
  #sendSome(chunk: Uint8Array, from: number, isLastChunk: boolean): number {
    let at = from;
    while (at < chunk.length && !this.#owner.isCongested) {
      const size = Math.min(this.#sendWindow, this.#owner.sendWindow, this.#owner.maxFrame, chunk.length - at);
      if (size <= 0) break;
      this.#sendWindow -= size;
      const isEnd = isLastChunk && at + size === chunk.length && this.#ending === "end";
      if (isEnd) this.#ending = "sent";
      this.#owner.sendData(this.id, chunk.subarray(at, at + size), isEnd);
      at += size;
    }
    return at - from;
  }

  /** What follows the data, when that has been sent. */
  #sendEnding(): void {
    const ending = this.#ending;
    if (ending === "none") return;
    if (ending === "end") this.#owner.sendData(this.id, new Uint8Array(), true);
    else if (ending !== "sent") this.#owner.sendHeaders(this.id, ending, true);
    this.#endLocal();
  }

  #endLocal(): void {
    this.#isLocalOpen = false;
    if (!this.#isRemoteOpen) return this.finish(undefined);
    if (!this.#owner.isServer) return;
    // The answer is complete, and the client shall not go on sending to nobody.
    this.#owner.sendReset(this.id, ERROR_CODE.NO_ERROR);
    this.finish(undefined);
  }
}
