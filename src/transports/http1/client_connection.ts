import type { Connection, ConnectResult } from "./connection.ts";
import type { Exchange } from "./exchange.ts";
import { type ParserLimits, type ParserState, ResponseParser } from "./response_parser.ts";

/** Who is told what becomes of a connection. */
export interface ConnectionOwner {
  /** It takes another request. `keepAliveSeconds` is what the node said about how long. */
  onFree(connection: ClientConnection, keepAliveSeconds: number | undefined): void;
  /** It is of no more use. */
  onClosed(connection: ClientConnection): void;
  /** The request was certainly not processed: it is to be made on another connection. */
  onUnsent(exchange: Exchange): void;
}

/**
 * A connection that carries one request after the other, never two at once.
 *
 * It is read from all the time. So bytes that nobody asked for, and the end of a connection that is not in use, are
 * seen when they come, and not taken for what became of the next request.
 */
export class ClientConnection {
  readonly #io: Connection;
  readonly #owner: ConnectionOwner;
  readonly #parser: ResponseParser;
  #exchange: Exchange | undefined;
  #isFirst = true;
  #isClosed = false;
  /** Bytes of the request that the socket has taken. */
  #accepted = 0;
  #isWriting = false;
  /** Which part of the request is written, and what was left of it before. */
  #part = 0;
  #rest: Uint8Array = NOTHING;
  /** A write has failed: nothing more will be told of it, and the connection can't be used again. */
  #isBroken = false;
  /** The response was faster than the word that the request is written, upon which the connection is free. */
  #isFreeWhenWritten = false;
  #keepAliveSeconds: number | undefined;
  readonly #isWriteAtomic: boolean;
  /** The node has gone while a write was under way, whose end tells whether it has anything of the request. */
  #isLost = false;
  /** For the owner: when it came, and until when it is kept, in the owner's time. */
  bornAt = 0;
  keptUntil = 0;
  /** When it was used last, milliseconds of the owner's clock. */
  freeSinceMs = 0;

  constructor(
    { connection, isWriteAtomic }: Extract<ConnectResult, { kind: "connection" }>,
    owner: ConnectionOwner,
    limits: ParserLimits,
  ) {
    this.#io = connection;
    this.#isWriteAtomic = isWriteAtomic;
    this.#owner = owner;
    this.#parser = new ResponseParser(limits);
    this.#readAll();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Makes a request. The connection must be free. */
  start(exchange: Exchange): void {
    this.#exchange = exchange;
    exchange.holder = this;
    this.#parser.begin(exchange.isHead);
    this.#accepted = 0;
    this.#part = 0;
    this.#isWriting = true;
    this.#write(exchange.parts[0]!);
  }

  /** The request is no longer wanted; its answer would come all the same, so that the connection has to go. */
  abandon(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#exchange = undefined;
    this.close();
  }

  /** Ends it at once. A request under way ends as disconnected. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#io.close();
    } catch {
      // It was closed by the other side.
    }
    this.#owner.onClosed(this);
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.end({ kind: "disconnected" });
  }

  #write(bytes: Uint8Array): void {
    this.#rest = bytes;
    this.#io.write(bytes).then(this.#onWritten, this.#onWriteFailed);
  }

  /** The socket has taken so many bytes. */
  readonly #onWritten = (count: number): void => {
    const isWhole = count === this.#rest.length;
    if (this.#isFreeWhenWritten) {
      if (!isWhole) return this.close();
      this.#isFreeWhenWritten = false;
      this.#isWriting = false;
      return this.#isClosed ? undefined : this.#owner.onFree(this, this.#keepAliveSeconds);
    }
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#accepted += count;
    if (this.#isLost) return this.close();
    if (!isWhole) return this.#write(this.#rest.subarray(count));
    const next = exchange.parts[++this.#part];
    if (next !== undefined) return this.#write(next);
    this.#isWriting = false;
  };

  readonly #onWriteFailed = (): void => {
    this.#isBroken = true;
    if (this.#isFreeWhenWritten) return this.close();
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (this.#accepted === 0 && this.#isWriteAtomic && !this.#parser.hasStarted && !exchange.isRepeated) {
      this.#exchange = undefined;
      this.close();
      return this.#repeat(exchange);
    }
    // Else what the node said before it stopped listening is still to be read, and the read side ends the exchange.
    if (this.#isLost) this.close();
  };

  async #readAll(): Promise<void> {
    try {
      while (!this.#isClosed) {
        const into = this.#parser.space;
        const count = await this.#io.read(into);
        if (this.#isClosed) return;
        if (count === null) return this.#ended();
        if (this.#exchange === undefined) return this.close();
        this.#look(this.#parser.advance(count, into));
      }
    } catch {
      this.#lose();
    }
  }

  /** The node has ended the connection in good order. */
  #ended(): void {
    if (this.#exchange !== undefined && this.#parser.hasStarted) this.#look(this.#parser.end());
    this.#lose();
  }

  #look(state: ParserState): void {
    if (state === "more" || state === "idle") return;
    const exchange = this.#exchange!;
    this.#exchange = undefined;
    if (state !== "done") {
      this.close();
      return exchange.end(state === "cut_off" ? { kind: "disconnected" } : { kind: "fault", fault: state });
    }
    const response = this.#parser.take();
    // The node has given up waiting on a connection that was idle, and has not read the request.
    const { status, isPersistent, keepAliveSeconds } = response;
    const isUnsent = status === 408 && !this.#isFirst && !exchange.isRepeated;
    this.#isFirst = false;
    // The runtime may tell of the response before it tells of the write. A request of which a part was not wanted, though,
    // leaves the node in the middle of it.
    const isWhole = !this.#isWriting || (exchange.parts.length === 1 && this.#accepted === 0);
    if (!isPersistent || isUnsent || !isWhole || this.#isBroken) this.close();
    else if (this.#isWriting) {
      this.#isFreeWhenWritten = true;
      this.#keepAliveSeconds = keepAliveSeconds;
    } else this.#owner.onFree(this, keepAliveSeconds);
    if (isUnsent) this.#repeat(exchange);
    else exchange.end({ kind: "response", response });
  }

  /** The connection is broken, or was ended before a response. */
  #lose(): void {
    const isUnknown = this.#exchange !== undefined && this.#isWriting && this.#accepted === 0 && this.#isWriteAtomic;
    if (isUnknown && !this.#isBroken && !this.#parser.hasStarted) this.#isLost = true;
    else this.close();
  }

  #repeat(exchange: Exchange): void {
    exchange.isRepeated = true;
    this.#owner.onUnsent(exchange);
  }
}

const NOTHING = new Uint8Array();
