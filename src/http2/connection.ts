import type { Clock } from "../domain/clock.ts";
import type { ByteDuplex } from "./byte_duplex.ts";
import { ConnectionStream, type StreamOwner } from "./connection_stream.ts";
import { ConnectionError, ERROR_CODE } from "./error_code.ts";
import { FloodGuard } from "./flood_guard.ts";
import { DEFAULT_WINDOW, FLAG, FRAME, type Frame, MAX_31_BITS, PREFACE, readUint32, SETTING } from "./frame.ts";
import { FrameReader } from "./frame_reader.ts";
import { expectNoStream, expectSize, flood, overflow, unpad, violation } from "./frame_checks.ts";
import { HeaderInput, type ReceivedHeaders } from "./header_input.ts";
import { Keepalive } from "./keepalive.ts";
import { brokenRule, contentLength, type HeaderKind } from "./header_rules.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import { Output } from "./output.ts";
import { defaultSettings, encodeSettings, readSettings } from "./peer_settings.ts";
import type { StreamEvents, WireStream } from "../domain/wire_stream.ts";
import type { Fields, Http2Limits } from "./port.ts";

/** What a connection is part of. */
export interface ConnectionHost {
  readonly clock: Clock;
  /** Takes in a request; at a server. */
  onStream?(stream: WireStream, fields: Fields, isEnd: boolean): StreamEvents;
  /** What is answered to a request whose header list is too large; at a server. */
  readonly headTooLarge?: Fields;
  /** No more requests can be sent on it; at a client. */
  onEnding?(): void;
  /** It is gone. */
  onClosed(): void;
}

/** Resets and the like that a client may cause in one go, and by the second. */
const RESET_BURST = 1_000;
const RESETS_PER_SECOND = 33;
/** Frames that mean work and no progress: PING, SETTINGS, empty DATA, and so on. */
const NUISANCE_BURST = 2_000;
const NUISANCES_PER_SECOND = 100;
/** Streams that ended a moment ago, of which frames may still be under way. */
const MAX_REMEMBERED = 1_000;
/** Milliseconds for what has been written to reach a peer that is told to go. */
const LINGER_MS = 1_000;

const EMPTY = new Uint8Array();
const PING_PAYLOAD = new Uint8Array(8);

/** One HTTP/2 connection, seen from either side, over any connection that carries bytes. */
export class Connection implements StreamOwner {
  readonly isServer: boolean;
  readonly #host: ConnectionHost;
  readonly #limits: Required<Http2Limits>;
  readonly #duplex: ByteDuplex;
  readonly #reader: FrameReader;
  readonly #output: Output;
  readonly #encoder = new HpackEncoder();
  readonly #headers: HeaderInput;
  readonly #resets: FloodGuard;
  readonly #nuisances: FloodGuard;
  readonly #peer = defaultSettings();

  readonly #streams = new Map<number, ConnectionStream>();
  /** Streams whose data waits for room, in the order in which they get it. */
  readonly #waiting = new Set<ConnectionStream>();
  /** Ids that this side reset: what the peer had sent before it knew is passed over. */
  readonly #resetHere = new Set<number>();
  #lastPeerStreamId = 0;
  #lastTakenOne = 0;
  #nextStreamId = 1;

  #sendWindow = DEFAULT_WINDOW;
  #receiveWindow: number;
  #toReturn = 0;

  #hasPeerSettings = false;
  #isDraining = false;
  /** Peer's streams beyond this id are not taken. */
  #lastTakenId = MAX_31_BITS;
  #isClosed = false;
  #isClosing = false;
  readonly #keepalive: Keepalive;
  #cancelTimer: () => void;
  #ready = Promise.withResolvers<boolean>();
  #onPong: (() => void) | undefined;

  constructor(duplex: ByteDuplex, isServer: boolean, limits: Required<Http2Limits>, host: ConnectionHost) {
    this.isServer = isServer;
    this.#host = host;
    this.#limits = limits;
    this.#duplex = duplex;
    this.#reader = new FrameReader(duplex, isServer);
    this.#output = new Output(duplex, { onDrain: () => this.#pumpWaiting(), onBroken: () => this.#lose() });
    this.#headers = new HeaderInput(limits.maxHeaderListBytes);
    this.#resets = new FloodGuard(host.clock, RESET_BURST, RESETS_PER_SECOND);
    this.#nuisances = new FloodGuard(host.clock, NUISANCE_BURST, NUISANCES_PER_SECOND);
    this.#receiveWindow = limits.connectionWindowBytes;
    this.#keepalive = new Keepalive({
      clock: host.clock,
      // A server takes pings without a call amiss; a client that is gone is to be noticed in any case.
      isOfInterest: () => isServer || this.#streams.size > 0,
      ping: () => this.#output.frame(FRAME.PING, 0, 0, PING_PAYLOAD),
      onLost: () => this.#lose(),
    }, limits);
    this.#cancelTimer = host.clock.schedule(limits.handshakeTimeoutMs, () => this.#fail(ERROR_CODE.SETTINGS_TIMEOUT));
    this.#greet();
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
    return !this.#isClosed && !this.#isClosing && !this.#isDraining && this.#streams.size < this.#peer.maxStreams &&
      this.#nextStreamId < MAX_31_BITS;
  }

  /** Opens a stream; at a client. */
  request(fields: Fields, isEnd: boolean, events: StreamEvents): WireStream {
    const id = this.canRequest ? this.#nextStreamId : 0;
    const stream = new ConnectionStream(id, this, this.#peer.initialWindow, this.#limits.streamWindowBytes);
    stream.events = events;
    if (id === 0) {
      stream.finish({ code: ERROR_CODE.REFUSED_STREAM, by: "connection", isUnprocessed: true });
      return stream;
    }
    this.#nextStreamId += 2;
    this.#streams.set(id, stream);
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
    this.#output.numberFrame(FRAME.GOAWAY, 0, 0, MAX_31_BITS, ERROR_CODE.NO_ERROR);
    this.#output.frame(FRAME.PING, 0, 0, PING_PAYLOAD);
    const takeNoMore = () => {
      cancel();
      if (this.#onPong === undefined) return;
      this.#onPong = undefined;
      this.#lastTakenId = this.#lastTakenOne;
      this.#output.numberFrame(FRAME.GOAWAY, 0, 0, this.#lastTakenId, ERROR_CODE.NO_ERROR);
      this.#closeWhenIdle();
    };
    this.#onPong = takeNoMore;
    const cancel = this.#host.clock.schedule(LINGER_MS, takeNoMore);
  }

  /** Ends everything at once. */
  close(): void {
    this.#fail(ERROR_CODE.NO_ERROR);
  }

  // What streams ask for.

  get sendWindow(): number {
    return this.#sendWindow;
  }

  get isCongested(): boolean {
    return this.#output.isCongested;
  }

  get maxFrame(): number {
    return this.#peer.maxFrame;
  }

  sendHeaders(streamId: number, fields: Fields, isEnd: boolean): void {
    this.#output.headers(streamId, this.#encoder.encode(fields), isEnd, this.#peer.maxFrame);
  }

  sendData(streamId: number, chunk: Uint8Array, isEnd: boolean): void {
    this.#sendWindow -= chunk.length;
    // The peer will have to make room again, for which it is not to be blamed.
    this.#nuisances.earn(2);
    this.#output.frame(FRAME.DATA, isEnd ? FLAG.END_STREAM : 0, streamId, chunk);
  }

  sendReset(streamId: number, code: number): void {
    this.#resetHere.add(streamId);
    if (this.#resetHere.size > MAX_REMEMBERED) this.#resetHere.delete(this.#resetHere.values().next().value!);
    this.#output.numberFrame(FRAME.RST_STREAM, 0, streamId, code);
  }

  sendWindowUpdate(streamId: number, bytes: number): void {
    this.#output.numberFrame(FRAME.WINDOW_UPDATE, 0, streamId, bytes);
  }

  consume(bytes: number): void {
    this.#toReturn += bytes;
    if (this.#toReturn < this.#limits.connectionWindowBytes / 4 || this.#isClosed) return;
    this.sendWindowUpdate(0, this.#toReturn);
    this.#receiveWindow += this.#toReturn;
    this.#toReturn = 0;
  }

  waitForRoom(stream: ConnectionStream): void {
    this.#waiting.add(stream);
  }

  remove(stream: ConnectionStream): void {
    this.#streams.delete(stream.id);
    this.#waiting.delete(stream);
    if (stream.hasSentHead) this.#resets.earn(1);
    if (this.#isDraining && this.#onPong === undefined) this.#closeWhenIdle();
  }

  // The life of the connection.

  #greet(): void {
    const { maxStreams, maxHeaderListBytes, streamWindowBytes, connectionWindowBytes } = this.#limits;
    if (!this.isServer) this.#output.raw(PREFACE);
    const settings: [number, number][] = [
      [SETTING.INITIAL_WINDOW_SIZE, streamWindowBytes],
      [SETTING.MAX_HEADER_LIST_SIZE, maxHeaderListBytes],
    ];
    settings.push(this.isServer ? [SETTING.MAX_CONCURRENT_STREAMS, maxStreams] : [SETTING.ENABLE_PUSH, 0]);
    this.#output.frame(FRAME.SETTINGS, 0, 0, encodeSettings(settings));
    this.sendWindowUpdate(0, connectionWindowBytes - DEFAULT_WINDOW);
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isClosed && await this.#reader.fill()) {
        this.#keepalive.heard();
        for (let frame = this.#next(); frame !== undefined; frame = this.#next()) this.#receive(frame);
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

  /** Says why, gives that a moment to arrive, and goes. */
  async #fail(code: number): Promise<void> {
    if (this.#isClosed || this.#isClosing) return;
    this.#isClosing = true;
    this.#output.numberFrame(FRAME.GOAWAY, 0, 0, this.#lastTakenOne, code);
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
    for (const stream of [...this.#streams.values()]) {
      stream.finish({ code: ERROR_CODE.INTERNAL_ERROR, by: "connection", isUnprocessed: false });
    }
  }

  async #closeWhenIdle(): Promise<void> {
    if (this.#streams.size > 0 || this.#isClosing) return;
    await this.#output.flushed();
    // A stream can't have come in between: none are taken any more.
    this.#lose();
  }

  // What the peer says.

  #receive(frame: Frame): void {
    const { openStreamId } = this.#headers;
    if (openStreamId !== undefined && (frame.type !== FRAME.CONTINUATION || frame.streamId !== openStreamId)) {
      throw violation("a header block was interrupted");
    }
    if (!this.#hasPeerSettings && frame.type !== FRAME.SETTINGS) throw violation("SETTINGS have to come first");
    switch (frame.type) {
      case FRAME.DATA:
        return this.#onData(frame);
      case FRAME.HEADERS:
        return this.#onHeaderList(this.#headers.headers(frame));
      case FRAME.PRIORITY:
        if (frame.streamId === 0) throw violation("PRIORITY of no stream");
        if (frame.payload.length !== 5) this.#resetStream(frame.streamId, ERROR_CODE.FRAME_SIZE_ERROR);
        return this.#countNuisance();
      case FRAME.RST_STREAM:
        return this.#onReset(frame);
      case FRAME.SETTINGS:
        return this.#onSettings(frame);
      case FRAME.PUSH_PROMISE:
        throw violation("push is off");
      case FRAME.PING:
        return this.#onPing(frame);
      case FRAME.GOAWAY:
        return this.#onGoaway(frame);
      case FRAME.WINDOW_UPDATE:
        return this.#onWindowUpdate(frame);
      case FRAME.CONTINUATION:
        return this.#onHeaderList(this.#headers.continuation(frame));
      default:
        return this.#countNuisance();
    }
  }

  #onData({ flags, streamId, payload }: Frame): void {
    if (streamId === 0) throw violation("DATA of no stream");
    this.#receiveWindow -= payload.length;
    if (this.#receiveWindow < 0) throw overflow();
    const chunk = unpad(payload, flags, 0);
    const isEnd = (flags & FLAG.END_STREAM) !== 0;
    if (chunk.length > 0) this.#nuisances.earn(1);
    else if (!isEnd) this.#countNuisance();

    const stream = this.#streams.get(streamId);
    if (stream === undefined || !stream.isRemoteOpen) {
      this.consume(payload.length);
      return this.#onLate(streamId, stream);
    }
    if (!stream.takeReceiveWindow(payload.length)) {
      this.consume(payload.length);
      return this.#abort(stream, ERROR_CODE.FLOW_CONTROL_ERROR);
    }
    if (!this.isServer && !stream.hasReceivedHead || !stream.isLengthRight(chunk.length, isEnd)) {
      this.consume(payload.length);
      return this.#abort(stream, ERROR_CODE.PROTOCOL_ERROR);
    }
    stream.receiveData(chunk, isEnd);
    // Padding is nobody's to consume.
    const padding = payload.length - chunk.length;
    if (padding > 0) {
      this.consume(padding);
      if (stream.isRemoteOpen) this.#returnPadding(stream, padding);
    }
  }

  #returnPadding(stream: ConnectionStream, bytes: number): void {
    stream.takeReceiveWindow(-bytes);
    this.sendWindowUpdate(stream.id, bytes);
  }

  /** A frame of a stream that is over, or never was. */
  #onLate(streamId: number, stream: ConnectionStream | undefined): void {
    if (this.#isIdle(streamId)) throw violation("a frame of a stream that was never opened");
    this.#countNuisance();
    if (stream !== undefined) this.#abort(stream, ERROR_CODE.STREAM_CLOSED);
    else if (!this.#resetHere.has(streamId)) this.#resetStream(streamId, ERROR_CODE.STREAM_CLOSED);
  }

  #isIdle(streamId: number): boolean {
    const isOfPeer = (streamId & 1) === (this.isServer ? 1 : 0);
    return isOfPeer ? streamId > this.#lastPeerStreamId : streamId >= this.#nextStreamId;
  }

  #onHeaderList(headers: ReceivedHeaders | undefined): void {
    if (headers === undefined) return;
    const { streamId, fields, isTooLarge, isEnd } = headers;
    this.#nuisances.earn(1);
    const stream = this.#streams.get(streamId);
    if (stream === undefined) {
      if (this.isServer && this.#isIdle(streamId)) this.#onRequest(streamId, fields, isEnd, isTooLarge);
      else this.#onLate(streamId, stream);
      return;
    }
    if (!stream.isRemoteOpen) return this.#onLate(streamId, stream);
    const kind: HeaderKind = this.isServer || stream.hasReceivedHead ? "trailers" : "response";
    const isInformational = kind === "response" && /^1\d\d$/.test(statusOf(fields));
    const isBroken = brokenRule(fields, kind) !== undefined || (isInformational && isEnd) ||
      (kind === "trailers" && !isEnd) || (kind === "response" && !/^\d{3}$/.test(statusOf(fields))) ||
      (isEnd && kind === "trailers" && !stream.isLengthRight(0, true));
    if (isTooLarge || isBroken) {
      return this.#abort(stream, isTooLarge ? ERROR_CODE.ENHANCE_YOUR_CALM : ERROR_CODE.PROTOCOL_ERROR);
    }
    if (isInformational) return this.#countNuisance();
    if (kind === "response") stream.receiveHead(fields, isEnd);
    else stream.receiveTrailers(fields);
  }

  #onRequest(id: number, fields: Fields, isEnd: boolean, isTooLarge: boolean): void {
    if ((id & 1) === 0) throw violation("a client's stream has an even id");
    this.#lastPeerStreamId = id;
    if (id > this.#lastTakenId) return this.#resetStream(id, ERROR_CODE.REFUSED_STREAM);
    this.#lastTakenOne = id;
    const expected = contentLength(fields);
    const isBroken = !isTooLarge &&
      (brokenRule(fields, "request") !== undefined || Number.isNaN(expected) || (isEnd && (expected ?? 0) > 0));
    if (isBroken) {
      this.#countNuisance();
      return this.#resetStream(id, ERROR_CODE.PROTOCOL_ERROR);
    }
    if (this.#streams.size >= this.#limits.maxStreams) {
      this.#countNuisance();
      return this.#resetStream(id, ERROR_CODE.REFUSED_STREAM);
    }
    const stream = new ConnectionStream(id, this, this.#peer.initialWindow, this.#limits.streamWindowBytes);
    this.#streams.set(id, stream);
    if (isTooLarge) {
      this.#countNuisance();
      stream.sendHead(this.#host.headTooLarge ?? [[":status", "431"]], true);
      return;
    }
    stream.expect(expected);
    stream.events = this.#host.onStream!(stream, fields, isEnd);
    if (isEnd) stream.endRemote();
  }

  #onReset(frame: Frame): void {
    expectSize(frame, 4);
    const { streamId, payload } = frame;
    if (streamId === 0 || this.#isIdle(streamId)) throw violation("RST_STREAM of a stream that was never opened");
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return this.#countNuisance();
    // To open and reset streams without end costs a client nothing, and a server much.
    if (this.isServer && !stream.hasSentHead && !this.#resets.spend()) throw flood();
    const code = readUint32(payload, 0);
    stream.finish({ code, by: "peer", isUnprocessed: code === ERROR_CODE.REFUSED_STREAM });
  }

  #onSettings(frame: Frame): void {
    expectNoStream(frame);
    this.#countNuisance();
    if ((frame.flags & FLAG.ACK) !== 0) return expectSize(frame, 0);
    const before = this.#peer.initialWindow;
    readSettings(frame.payload, this.#peer, !this.isServer);
    this.#encoder.setMaxTableSize(this.#peer.headerTableSize);
    for (const stream of this.#streams.values()) {
      if (!stream.addSendWindow(this.#peer.initialWindow - before)) throw overflow();
    }
    this.#output.frame(FRAME.SETTINGS, FLAG.ACK, 0, EMPTY);
    if (!this.#hasPeerSettings) {
      this.#hasPeerSettings = true;
      this.#cancelTimer();
      this.#keepalive.start();
      this.#ready.resolve(true);
    }
    this.#pumpWaiting();
  }

  #onPing(frame: Frame): void {
    expectNoStream(frame);
    expectSize(frame, 8);
    this.#countNuisance();
    if ((frame.flags & FLAG.ACK) !== 0) this.#onPong?.();
    else this.#output.frame(FRAME.PING, FLAG.ACK, 0, frame.payload);
  }

  #onGoaway(frame: Frame): void {
    expectNoStream(frame);
    const { payload } = frame;
    if (payload.length < 8) throw new ConnectionError(ERROR_CODE.FRAME_SIZE_ERROR, "GOAWAY has a wrong size");
    this.#countNuisance();
    if (this.isServer) return;
    const lastId = readUint32(payload, 0) & MAX_31_BITS;
    if (!this.#isDraining) {
      this.#isDraining = true;
      this.#host.onEnding?.();
    }
    for (const stream of [...this.#streams.values()]) {
      if (stream.id > lastId) stream.finish({ code: ERROR_CODE.REFUSED_STREAM, by: "peer", isUnprocessed: true });
    }
    this.#closeWhenIdle();
  }

  #onWindowUpdate(frame: Frame): void {
    expectSize(frame, 4);
    const { streamId, payload } = frame;
    const bytes = readUint32(payload, 0) & MAX_31_BITS;
    this.#countNuisance();
    if (streamId === 0) {
      if (bytes === 0) throw violation("WINDOW_UPDATE by nothing");
      this.#sendWindow += bytes;
      if (this.#sendWindow > MAX_31_BITS) throw overflow();
      return this.#pumpWaiting();
    }
    if (this.#isIdle(streamId)) throw violation("WINDOW_UPDATE of a stream that was never opened");
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (bytes === 0) return this.#abort(stream, ERROR_CODE.PROTOCOL_ERROR);
    if (!stream.addSendWindow(bytes)) return this.#abort(stream, ERROR_CODE.FLOW_CONTROL_ERROR);
    if (this.#waiting.has(stream) && !stream.pump()) this.#waiting.delete(stream);
  }

  /** Gives the streams that wait their turn, as long as there is room for anybody. */
  #pumpWaiting(): void {
    for (const stream of [...this.#waiting]) {
      if (this.#sendWindow <= 0 || this.isCongested) return;
      this.#waiting.delete(stream);
      // Who could not send all goes to the end of the line.
      if (stream.pump()) this.#waiting.add(stream);
    }
  }

  #countNuisance(): void {
    if (!this.#nuisances.spend()) throw flood();
  }

  /** Ends a stream because of what the peer did on it. */
  #abort(stream: ConnectionStream, code: number): void {
    this.#countNuisance();
    this.sendReset(stream.id, code);
    stream.finish({ code, by: "self", isUnprocessed: false });
  }

  #resetStream(streamId: number, code: number): void {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) return this.#abort(stream, code);
    this.sendReset(streamId, code);
  }
}

function statusOf(fields: Fields): string {
  return fields.find(([name]) => name === ":status")?.[1] ?? "";
}
