import type { ByteDuplex } from "./byte_duplex.ts";
import type { ConnectionStream, StreamOwner } from "./connection_stream.ts";
import { DEFAULT_WINDOW, FLAG, FRAME, MAX_31_BITS, PREFACE, SETTING } from "./frame.ts";
import { overflow } from "./frame_checks.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import { Output, type OutputEvents } from "./output.ts";
import type { Patience } from "./patience.ts";
import { defaultSettings, encodeSettings, type PeerSettings, readSettings } from "./peer_settings.ts";
import type { Fields, Http2Limits } from "./port.ts";
import type { StreamTable } from "./stream_table.ts";

const EMPTY = new Uint8Array();
const PING_PAYLOAD = new Uint8Array(8);

/** What the sending half of a connection works with. */
export interface StreamOutputDeps {
  readonly isServer: boolean;
  readonly limits: Required<Http2Limits>;
  readonly streams: StreamTable;
  readonly patience: Patience;
  /** A stream has ended, and is in the table no more. */
  onRemoved(): void;
  /** Nothing more can be written. */
  onBroken: OutputEvents["onBroken"];
}

/**
 * The sending half of a connection: what its streams ask of it, and frames of its own. Keeps both windows of the
 * connection: what may be sent, shared by the streams in turns, and what the peer may send.
 */
export class StreamOutput implements StreamOwner {
  readonly isServer: boolean;
  readonly #peer = defaultSettings();
  readonly #deps: StreamOutputDeps;
  readonly #output: Output;
  readonly #encoder = new HpackEncoder();
  /** Streams whose data waits for room, in the order in which they get it. */
  readonly #waiting = new Set<ConnectionStream>();
  #sendWindow = DEFAULT_WINDOW;
  #receiveWindow: number;
  #toReturn = 0;

  constructor(duplex: ByteDuplex, deps: StreamOutputDeps) {
    this.isServer = deps.isServer;
    this.#deps = deps;
    this.#receiveWindow = deps.limits.connectionWindowBytes;
    this.#output = new Output(duplex, { onDrain: () => this.pumpWaiting(), onBroken: deps.onBroken });
  }

  /** What the peer has said about itself. */
  get peer(): Readonly<PeerSettings> {
    return this.#peer;
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
    this.#deps.patience.allowFrames(2);
    this.#output.frame(FRAME.DATA, isEnd ? FLAG.END_STREAM : 0, streamId, chunk);
  }

  sendReset(streamId: number, code: number): void {
    this.#deps.streams.rememberReset(streamId);
    this.#output.numberFrame(FRAME.RST_STREAM, 0, streamId, code);
  }

  sendWindowUpdate(streamId: number, bytes: number): void {
    this.#output.numberFrame(FRAME.WINDOW_UPDATE, 0, streamId, bytes);
  }

  consume(bytes: number): void {
    this.#toReturn += bytes;
    if (this.#toReturn < this.#deps.limits.connectionWindowBytes / 4) return;
    this.sendWindowUpdate(0, this.#toReturn);
    this.#receiveWindow += this.#toReturn;
    this.#toReturn = 0;
  }

  waitForRoom(stream: ConnectionStream): void {
    this.#waiting.add(stream);
  }

  remove(stream: ConnectionStream): void {
    const { streams, patience, onRemoved } = this.#deps;
    streams.delete(stream);
    this.#waiting.delete(stream);
    if (stream.hasSentHead) patience.allowReset();
    onRemoved();
  }

  // What the connection says for itself.

  /** The first that is sent. */
  greet(): void {
    const { maxStreams, maxHeaderListBytes, streamWindowBytes, connectionWindowBytes } = this.#deps.limits;
    if (!this.isServer) this.#output.raw(PREFACE);
    const settings: [number, number][] = [
      [SETTING.INITIAL_WINDOW_SIZE, streamWindowBytes],
      [SETTING.MAX_HEADER_LIST_SIZE, maxHeaderListBytes],
    ];
    settings.push(this.isServer ? [SETTING.MAX_CONCURRENT_STREAMS, maxStreams] : [SETTING.ENABLE_PUSH, 0]);
    this.#output.frame(FRAME.SETTINGS, 0, 0, encodeSettings(settings));
    this.sendWindowUpdate(0, connectionWindowBytes - DEFAULT_WINDOW);
  }

  sendPing(): void {
    this.#output.frame(FRAME.PING, 0, 0, PING_PAYLOAD);
  }

  sendPong(payload: Uint8Array): void {
    this.#output.frame(FRAME.PING, FLAG.ACK, 0, payload);
  }

  sendGoaway(lastId: number, code: number): void {
    this.#output.numberFrame(FRAME.GOAWAY, 0, 0, lastId, code);
  }

  /** Settles when all of it has been written, or can't be. */
  flushed(): Promise<void> {
    return this.#output.flushed();
  }

  /** Nothing more is written. */
  stop(): void {
    this.#output.stop();
  }

  // What the peer has to say about it.

  /** Takes in the peer's settings, which change the windows of all streams, and acknowledges them. */
  applySettings(payload: Uint8Array): void {
    const before = this.#peer.initialWindow;
    readSettings(payload, this.#peer, !this.isServer);
    this.#encoder.setMaxTableSize(this.#peer.headerTableSize);
    for (const stream of this.#deps.streams.list()) {
      if (!stream.addSendWindow(this.#peer.initialWindow - before)) throw overflow();
    }
    this.#output.frame(FRAME.SETTINGS, FLAG.ACK, 0, EMPTY);
  }

  /** The peer lets so many more bytes be sent on all streams together. */
  addSendWindow(bytes: number): void {
    this.#sendWindow += bytes;
    if (this.#sendWindow > MAX_31_BITS) throw overflow();
    this.pumpWaiting();
  }

  /** A stream has more room. */
  pump(stream: ConnectionStream): void {
    if (this.#waiting.has(stream) && !stream.pump()) this.#waiting.delete(stream);
  }

  /** The peer has sent so many bytes, padding included. */
  takeReceiveWindow(bytes: number): void {
    this.#receiveWindow -= bytes;
    if (this.#receiveWindow < 0) throw overflow();
  }

  /** Gives the streams that wait their turn, as long as there is room for anybody. */
  pumpWaiting(): void {
    for (const stream of [...this.#waiting]) {
      if (this.#sendWindow <= 0 || this.isCongested) return;
      this.#waiting.delete(stream);
      // Who could not send all goes to the end of the line.
      if (stream.pump()) this.#waiting.add(stream);
    }
  }
}
