import type { Clock } from "../domain/clock.ts";
import type { StreamEvents, WireStream } from "../domain/wire_stream.ts";
import type { ByteDuplex } from "./byte_duplex.ts";
import { ConnectionStream } from "./connection_stream.ts";
import { ConnectionError, ERROR_CODE } from "./error_code.ts";
import { type Frame, MAX_31_BITS } from "./frame.ts";
import { FrameReader } from "./frame_reader.ts";
import { Keepalive } from "./keepalive.ts";
import { Patience } from "./patience.ts";
import { PeerFaults } from "./peer_faults.ts";
import { PeerFrames } from "./peer_frames.ts";
import type { RequestTaker } from "./peer_headers.ts";
import type { Fields, Http2Limits } from "./port.ts";
import { StreamOutput } from "./stream_output.ts";
import { StreamTable } from "./stream_table.ts";

/** What a connection is part of. */
export interface ConnectionHost extends RequestTaker {
  readonly clock: Clock;
  /** No more requests can be sent on it; at a client. */
  onEnding?(): void;
  /** It is gone. */
  onClosed(): void;
}

/** Milliseconds for what has been written to reach a peer that is told to go. */
const LINGER_MS = 1_000;

/**
 * One HTTP/2 connection, seen from either side, over any connection that carries bytes.
 *
 * Here is its life, from the greeting to the close: `PeerFrames` takes in what the peer says, `StreamOutput` says what
 * there is to say, and `StreamTable` knows the streams.
 */
export class Connection {
  readonly isServer: boolean;
  readonly #host: ConnectionHost;
  readonly #limits: Required<Http2Limits>;
  readonly #duplex: ByteDuplex;
  readonly #reader: FrameReader;
  readonly #streams: StreamTable;
  readonly #output: StreamOutput;
  readonly #input: PeerFrames;
  readonly #keepalive: Keepalive;

  #isDraining = false;
  #isClosed = false;
  #isClosing = false;
  #cancelTimer: () => void;
  #ready = Promise.withResolvers<boolean>();
  #onPong: (() => void) | undefined;

  constructor(duplex: ByteDuplex, isServer: boolean, limits: Required<Http2Limits>, host: ConnectionHost) {
    this.isServer = isServer;
    this.#host = host;
    this.#limits = limits;
    this.#duplex = duplex;
    this.#reader = new FrameReader(duplex, isServer);
    const streams = this.#streams = new StreamTable(isServer);
    const patience = new Patience(host.clock);
    const output = this.#output = new StreamOutput(duplex, {
      isServer,
      limits,
      streams,
      patience,
      onRemoved: () => this.#onRemoved(),
      onBroken: () => this.#lose(),
    });
    const faults = new PeerFaults(streams, output, patience);
    this.#input = new PeerFrames({ isServer, limits, streams, output, patience, faults, taker: host }, {
      onGreeted: () => this.#onGreeted(),
      onPong: () => this.#onPong?.(),
      onGoaway: (lastId) => this.#onGoaway(lastId),
    });
    this.#keepalive = new Keepalive({
      clock: host.clock,
      // A server takes pings without a call amiss; a client that is gone is to be noticed in any case.
      isOfInterest: () => isServer || streams.size > 0,
      ping: () => output.sendPing(),
      onLost: () => this.#lose(),
    }, limits);
    this.#cancelTimer = host.clock.schedule(limits.handshakeTimeoutMs, () => this.#fail(ERROR_CODE.SETTINGS_TIMEOUT));
    output.greet();
    this.#run();
  }

  /** Whether the peer has said its SETTINGS; false when the connection was lost before. */
  get ready(): Promise<boolean> {
    return this.#ready.promise;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  get canRequest(): boolean {
    return !this.#isClosed && !this.#isClosing && !this.#isDraining &&
      this.#streams.size < this.#output.peer.maxStreams && this.#streams.hasNextId;
  }

  /** Opens a stream; at a client. */
  request(fields: Fields, isEnd: boolean, events: StreamEvents): WireStream {
    const id = this.canRequest ? this.#streams.takeNextId() : 0;
    const { initialWindow } = this.#output.peer;
    const stream = new ConnectionStream(id, this.#output, initialWindow, this.#limits.streamWindowBytes);
    stream.events = events;
    if (id === 0) {
      stream.finish({ code: ERROR_CODE.REFUSED_STREAM, by: "connection", isUnprocessed: true });
      return stream;
    }
    this.#streams.add(stream);
    stream.sendHead(fields, isEnd);
    return stream;
  }

  /** Takes no more streams, and closes when the last one has ended. */
  drain(): void {
    if (this.#isDraining || this.#isClosed) return;
    this.#isDraining = true;
    this.#host.onEnding?.();
    if (!this.isServer) {
      this.#closeWhenIdle();
      return;
    }
    // Streams that are on their way are still taken: the last id is said when the peer has seen the first GOAWAY.
    this.#output.sendGoaway(MAX_31_BITS, ERROR_CODE.NO_ERROR);
    this.#output.sendPing();
    const takeNoMore = () => {
      cancel();
      if (this.#onPong === undefined) return;
      this.#onPong = undefined;
      this.#streams.takeNoMore();
      this.#output.sendGoaway(this.#streams.lastTakenId, ERROR_CODE.NO_ERROR);
      this.#closeWhenIdle();
    };
    this.#onPong = takeNoMore;
    const cancel = this.#host.clock.schedule(LINGER_MS, takeNoMore);
  }

  /** Ends everything at once. */
  close(): void {
    this.#fail(ERROR_CODE.NO_ERROR);
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isClosed && await this.#reader.fill()) {
        this.#keepalive.heard();
        for (let frame = this.#next(); frame !== undefined; frame = this.#next()) this.#input.receive(frame);
      }
      this.#lose();
    } catch (error) {
      if (!(error instanceof ConnectionError)) return this.#lose();
      this.#fail(error.code);
      this.#run();
    }
  }

  #next(): Frame | undefined {
    if (!this.#isClosed && !this.#isClosing) return this.#reader.next();
    this.#reader.discard();
    return undefined;
  }

  #onGreeted(): void {
    this.#cancelTimer();
    this.#keepalive.start();
    this.#ready.resolve(true);
  }

  #onGoaway(lastId: number): void {
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.#host.onEnding?.();
    }
    for (const stream of this.#streams.list()) {
      if (stream.id > lastId) stream.finish({ code: ERROR_CODE.REFUSED_STREAM, by: "peer", isUnprocessed: true });
    }
    this.#closeWhenIdle();
  }

  #onRemoved(): void {
    if (this.#isDraining && this.#onPong === undefined) this.#closeWhenIdle();
  }

  /** Says why, gives that a moment to arrive, and goes. */
  async #fail(code: number): Promise<void> {
    if (this.#isClosed || this.#isClosing) return;
    this.#isClosing = true;
    this.#output.sendGoaway(this.#streams.lastTakenId, code);
    this.#endStreams();
    this.#keepalive.stop();
    this.#cancelTimer();
    this.#cancelTimer = this.#host.clock.schedule(LINGER_MS, () => this.#lose());
    await this.#output.flushed();
    if (code === ERROR_CODE.NO_ERROR) return this.#lose();
    // To close while bytes of the peer are unread would take the message back before it has arrived.
    await this.#duplex.closeWrite?.().catch(() => {});
  }

  /** The connection is of no more use. */
  #lose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelTimer();
    this.#keepalive.stop();
    this.#output.stop();
    try {
      this.#duplex.close();
    } catch {
      // It was closed already.
    }
    this.#endStreams();
    this.#onPong?.();
    this.#ready.resolve(false);
    if (!this.#isDraining) this.#host.onEnding?.();
    this.#host.onClosed();
  }

  #endStreams(): void {
    for (const stream of this.#streams.list()) {
      stream.finish({ code: ERROR_CODE.INTERNAL_ERROR, by: "connection", isUnprocessed: false });
    }
  }

  async #closeWhenIdle(): Promise<void> {
    if (this.#streams.size > 0 || this.#isClosing) return;
    await this.#output.flushed();
    // A stream can't have come in between: none are taken any more.
    this.#lose();
  }
}
