import type { Log } from "../../domain/log.ts";
import type { Placed } from "../../relay/under_way.ts";
import type { Connection } from "../../transports/http1/connection.ts";
import type { HostHandler } from "../host_handler.ts";
import type { HostResponse } from "../host_request.ts";
import type { TakeUpgrade } from "../upgrade.ts";
import { BodyInput } from "./body_input.ts";
import { type Refusal, refusalBytes } from "./refusal.ts";
import { RequestReader } from "./request_reader.ts";
import type { ResponseWriter, Written } from "./response_writer.ts";
import { type BodySource, ServerRequest } from "./server_request.ts";

/** A stream of bytes to a client: what HTTP/1.1 needs of a runtime's socket. */
export interface ServerSocket extends Connection {
  /** Ends the side that is written, once what was written before has been taken. */
  closeWrite(): Promise<void>;
}

/** What the connections of a listener have in common. */
export interface ConnectionOwner {
  readonly handler: HostHandler;
  readonly writer: ResponseWriter;
  readonly log: Log;
  /** Undefined where nobody takes WebSockets. */
  readonly takeUpgrade: TakeUpgrade | undefined;
  /** Counts on at regular intervals, by which connections know how long they have been waiting. */
  readonly tick: number;
  /** Intervals that a head may take. */
  readonly headerTicks: number;
  /** Intervals that a connection may be idle, or its client not take what it is sent. */
  readonly idleTicks: number;
  /** Intervals that a client has to end its side, once it was told that the connection ends. */
  readonly leaveTicks: number;
  /** No more requests are taken. */
  readonly isStopping: boolean;
  /** The connection has been closed. */
  onClosed(connection: ServerConnection): void;
}

/**
 * What a connection does: waits for a `head` or for what is missing of one, has a request `answering`, is `writing` the
 * answer, `skipping` a body that nobody wanted, or `leaving`: what comes is read and dropped until the client has gone,
 * so that it can read the last answer to its end. A connection that is `taken` belongs to somebody else.
 */
type Phase = "head" | "answering" | "writing" | "skipping" | "leaving" | "taken" | "closed";

/** Most bytes that are read and dropped of a client that was told that the connection ends. */
const MAX_DROPPED_BYTES = 16 * 1024 * 1024;

const NO_BYTES = new Uint8Array();
const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");

/**
 * A connection of a client, whose requests are answered one after the other.
 *
 * It is read from all the time, so that a client that leaves is noticed at once, but for when the next request is here
 * already: then the client is given no more room until its first one has been answered.
 */
export class ServerConnection implements Placed, BodySource {
  place = -1;
  readonly #io: ServerSocket;
  readonly #clientAddress: string;
  readonly #owner: ConnectionOwner;
  readonly #reader = new RequestReader();
  readonly #body = new BodyInput(this.#reader);
  #phase: Phase = "head";
  /** When the present wait began, in the owner's count. */
  #since: number;
  #isReading = false;
  #isFirst = true;
  #request: ServerRequest | undefined;
  /** The client is being told that its body is wanted. */
  #continuing: Promise<void> | undefined;
  #dropped = 0;
  readonly #onAnswer = (response: HostResponse): void => {
    try {
      this.#answer(response);
    } catch (mistake) {
      this.#blame(mistake);
    }
  };
  readonly #onMistake = (mistake: unknown): void => this.#blame(mistake);

  constructor(io: ServerSocket, clientAddress: string, owner: ConnectionOwner) {
    this.#io = io;
    this.#clientAddress = clientAddress;
    this.#owner = owner;
    this.#since = owner.tick;
  }

  /** Begins to read. To be called once. */
  start(): void {
    this.#readOn();
  }

  /** Looks whether what is waited for takes too long. */
  checkTime(): void {
    const { tick, headerTicks, idleTicks, leaveTicks } = this.#owner;
    const waited = tick - this.#since;
    switch (this.#phase) {
      case "head":
        if (this.#reader.waiting > 0) {
          if (waited > headerTicks) this.#refuse(408);
        } else if (waited > (this.#isFirst ? headerTicks : idleTicks)) this.close();
        return;
      case "writing":
        if (waited > idleTicks) this.close();
        return;
      case "skipping":
        if (waited > headerTicks) this.close();
        return;
      case "leaving":
        if (waited > leaveTicks) this.close();
    }
  }

  /** No more requests are taken: goes when it is not in the middle of one. */
  stop(): void {
    if (this.#phase === "head" && this.#reader.waiting === 0) this.close();
  }

  /** Ends it at once. A request under way has lost its client. */
  close(): void {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    try {
      this.#io.close();
    } catch {
      // It was closed by the other side.
    }
    this.#body.cancel();
    const request = this.#request;
    this.#request = undefined;
    request?.abort();
    this.#owner.onClosed(this);
  }

  readBody(request: ServerRequest, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (request !== this.#request) return Promise.reject(new Error("the request is over"));
    const isWaiting = request.head.expectsContinue && this.#reader.waiting === 0;
    const body = this.#body.read(maxBytes);
    if (isWaiting && this.#body.isTaken) this.#continuing = this.#writeContinue();
    this.#readOn();
    return body;
  }

  cancelBody(request: ServerRequest): void {
    if (request === this.#request) this.#body.cancel();
  }

  async #readOn(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#wantsMore()) {
      let count: number | null;
      try {
        count = await this.#io.read(this.#reader.space(this.#body.isOpen || this.#phase === "leaving"));
      } catch {
        this.close();
        break;
      }
      if (this.#isClosed) break;
      if (count === null) {
        // What is being written is on its way all the same.
        if (this.#phase !== "writing") this.close();
        break;
      }
      this.#reader.advance(count);
      try {
        this.#use(count);
      } catch (mistake) {
        this.#blame(mistake);
        this.close();
      }
    }
    this.#isReading = false;
  }

  get #isClosed(): boolean {
    return this.#phase === "closed";
  }

  #wantsMore(): boolean {
    switch (this.#phase) {
      case "taken":
      case "closed":
        return false;
      case "answering":
      case "writing":
        // Else the next request is here, or much of a body that nobody has asked for yet.
        if (this.#body.isTaken) return true;
        return this.#body.isOpen ? this.#reader.hasSpace : this.#reader.waiting === 0;
      default:
        return true;
    }
  }

  /** Does what can be done with what is here, of which `count` bytes are new. */
  #use(count: number): void {
    switch (this.#phase) {
      case "head":
        if (this.#reader.waiting === count && !this.#isFirst) this.#since = this.#owner.tick;
        return this.#next();
      case "answering":
        return this.#body.feed();
      case "skipping":
        return this.#skip();
      case "leaving":
        this.#reader.drop();
        this.#dropped += count;
        if (this.#dropped > MAX_DROPPED_BYTES) this.close();
    }
  }

  /** Begins with the next request, if its head is here. */
  #next(): void {
    const head = this.#reader.readHead();
    if (head === undefined) return;
    if (typeof head === "number") return this.#refuse(head);
    this.#isFirst = false;
    this.#phase = "answering";
    const whole = this.#reader.takeWhole(head.bodyLength);
    this.#body.begin(head.bodyLength, whole === undefined);
    // A body means nothing with these, and is passed over.
    const isBodiless = head.verb === "GET" || head.verb === "HEAD";
    const request = this.#request = new ServerRequest(head, this.#clientAddress, isBodiless ? NO_BYTES : whole, this);
    if (head.isUpgrade) return this.#offer(request);
    try {
      this.#owner.handler.handle(request).then(this.#onAnswer, this.#onMistake);
    } catch (mistake) {
      this.#blame(mistake);
    }
  }

  #offer(request: ServerRequest): void {
    const { takeUpgrade } = this.#owner;
    if (takeUpgrade === undefined) return this.#refuse(501);
    // Nothing is being read: else the request would not have been seen.
    this.#phase = "taken";
    const rest = this.#reader.takeRest();
    takeUpgrade({ request, connection: this.#io, rest }).then(() => this.close(), (mistake) => {
      this.#blame(mistake);
      this.close();
    });
  }

  async #writeContinue(): Promise<void> {
    try {
      await this.#writeAll(CONTINUE);
    } catch {
      this.close();
    }
  }

  #blame(mistake: unknown): void {
    this.#owner.log.error("request failed by a mistake of the relay", { error: String(mistake) });
    if (this.#phase === "answering") this.#refuse(500);
  }

  #answer(response: HostResponse): void {
    if (this.#phase !== "answering") return;
    this.#body.cancel();
    const { refusal } = this.#body;
    if (refusal !== undefined) return this.#refuse(refusal);
    const { head } = this.#request!;
    const isWaiting = head.expectsContinue && this.#body.isOpen;
    const isLast = !head.isPersistent || this.#owner.isStopping || isWaiting || !this.#body.canSkip;
    const manner = { isHead: head.verb === "HEAD", isLast, isOld: head.isOld };
    const written = this.#owner.writer.write(response, manner);
    if (written === undefined) return this.#blame("a header field of its answer can't be written");
    this.#phase = "writing";
    this.#since = this.#owner.tick;
    this.#send(written, isLast);
  }

  async #send({ buffer, length, rest }: Written, isLast: boolean): Promise<void> {
    try {
      if (this.#continuing !== undefined) await this.#continuing;
      const count = await this.#io.write(buffer.subarray(0, length));
      if (count < length) await this.#writeAll(buffer.subarray(count, length));
      if (rest !== undefined) await this.#writeAll(rest);
    } catch {
      return this.close();
    } finally {
      this.#owner.writer.release(buffer);
    }
    if (this.#phase === "writing") this.#finish(isLast);
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      this.#since = this.#owner.tick;
      at += await this.#io.write(bytes.subarray(at));
    }
  }

  /** The answer is with the client. */
  #finish(isLast: boolean): void {
    this.#request = this.#continuing = undefined;
    this.#since = this.#owner.tick;
    if (isLast) return void this.#leave();
    if (this.#body.isOpen) {
      this.#phase = "skipping";
      this.#body.skip();
      this.#skip();
    } else this.#goOn();
    this.#readOn();
  }

  #skip(): void {
    this.#body.feed();
    if (this.#body.isTaken) return;
    if (this.#body.isOpen) this.close();
    else this.#goOn();
  }

  /** The next request may come, or is here. */
  #goOn(): void {
    this.#phase = "head";
    if (this.#reader.waiting > 0) this.#next();
    else if (this.#owner.isStopping) this.close();
  }

  /** Answers what can't be answered otherwise, and lets go of the client. */
  #refuse(refusal: Refusal): void {
    this.#phase = "writing";
    this.#since = this.#owner.tick;
    this.#request = undefined;
    this.#sendLast(refusalBytes(refusal));
  }

  async #sendLast(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    try {
      await this.#continuing;
      await this.#writeAll(bytes);
    } catch {
      return this.close();
    }
    if (this.#phase === "writing") await this.#leave();
  }

  /** Nothing more is answered. To close at once would have the client lose the answer, where it is still sending. */
  async #leave(): Promise<void> {
    this.#phase = "leaving";
    this.#since = this.#owner.tick;
    this.#reader.drop();
    try {
      await this.#io.closeWrite();
    } catch {
      return this.close();
    }
    this.#readOn();
  }
}
