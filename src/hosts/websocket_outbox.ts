import type { Clock } from "../domain/clock.ts";

/** A client's WebSocket, whoever provides it. */
export interface ClientSocket {
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  /** Takes a text message to be sent; false, and nothing, once the socket is no longer open. */
  send(text: string): boolean;
  /** Starts the closing handshake. */
  close(code: number, reason: string): void;
}

/** Bounds on what waits for clients, resolved. */
export interface OutboxOptions {
  /** Bytes that may wait for a client before it is too slow. */
  readonly maxBufferedBytes: number;
  /** Bytes that may wait for all clients together, those included that are being closed and do not read. */
  readonly maxBufferedBytesInAll: number;
}

/** Bytes that may wait for any client, however much waits for the others. */
const FLOOR_BYTES = 65_536;
/** Milliseconds between two looks at what waits for everyone. */
const REFRESH_MS = 250;

/**
 * What waits for all clients. A socket whose client never reads keeps what waits for it until the client goes, even when
 * it is being closed; so it is counted until then, and the others may have the less.
 */
export class Outboxes {
  readonly #clock: Clock;
  #options: OutboxOptions;
  readonly #all = new Set<Outbox>();
  #refreshedAtMs = -Infinity;
  /** Bytes that waited when each was last looked at. */
  bytes = 0;

  constructor(clock: Clock, options: OutboxOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Changes the bounds, for those that are open as well. */
  setOptions(options: OutboxOptions): void {
    this.#options = options;
  }

  /** The outgoing side of a client's socket. */
  open(socket: ClientSocket): Outbox {
    const outbox = new Outbox(this, socket);
    this.#all.add(outbox);
    return outbox;
  }

  /** The socket of this one has ended. */
  remove(outbox: Outbox): void {
    if (this.#all.delete(outbox)) this.bytes -= outbox.waiting;
  }

  /** Bytes that may wait for one client. */
  get maxPerClient(): number {
    return this.#options.maxBufferedBytes;
  }

  /** What waits for everyone, with so many bytes more, as a multiple of what may; 0 for any that is below 1. */
  fill(more: number): number {
    const { maxBufferedBytesInAll } = this.#options;
    if (this.bytes + more <= maxBufferedBytesInAll) return 0;
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#refreshedAtMs >= REFRESH_MS) {
      this.#refreshedAtMs = nowMs;
      for (const outbox of this.#all) outbox.look();
    }
    return (this.bytes + more) / maxBufferedBytesInAll;
  }
}

/** The outgoing side of one client's socket: takes messages as long as the client reads them. */
export class Outbox {
  readonly #all: Outboxes;
  readonly #socket: ClientSocket;
  #isClosing = false;
  /** Bytes that waited when it was last looked at. */
  waiting = 0;

  constructor(all: Outboxes, socket: ClientSocket) {
    this.#all = all;
    this.#socket = socket;
  }

  /**
   * Sends a message: `taken` when the socket has taken it, `closed` when it takes no more, and `slow` when so much waits
   * already that the client can't be reading. Where nothing waits a single message may be larger than the bound, unless
   * twice as much waits for the others as may.
   */
  send(text: string): "taken" | "closed" | "slow" {
    if (this.#isClosing) return "closed";
    const waiting = this.look();
    const fill = this.#all.fill(text.length);
    const max = fill > 1 ? Math.min(this.#all.maxPerClient, FLOOR_BYTES) : this.#all.maxPerClient;
    if (waiting + text.length > max && (waiting > 0 || fill > 2)) return "slow";
    if (!this.#socket.send(text)) return "closed";
    this.#note(waiting + text.length);
    return "taken";
  }

  /** Takes in what waits now. A socket that is being closed no longer tells: what it kept last counts on. */
  look(): number {
    if (!this.#isClosing) this.#note(this.#socket.bufferedAmount);
    return this.waiting;
  }

  /** Starts the closing handshake; nothing is to be sent any more. */
  close(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.look();
    this.#isClosing = true;
    this.#socket.close(code, reason);
  }

  /** The socket has ended. */
  ended(): void {
    this.#isClosing = true;
    this.#all.remove(this);
  }

  #note(waiting: number): void {
    this.#all.bytes += waiting - this.waiting;
    this.waiting = waiting;
  }
}
