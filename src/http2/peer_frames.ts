import type { ConnectionStream } from "./connection_stream.ts";
import { ConnectionError, ERROR_CODE } from "./error_code.ts";
import { FLAG, FRAME, type Frame, MAX_31_BITS, readUint32 } from "./frame.ts";
import { expectNoStream, expectSize, unpad, violation } from "./frame_checks.ts";
import { PeerHeaders, type PeerInputDeps } from "./peer_headers.ts";

/** Who hears what the peer says about the connection as a whole. */
export interface PeerFrameEvents {
  /** The peer's first SETTINGS are there. */
  onGreeted(): void;
  /** A ping of this side was answered. */
  onPong(): void;
  /** The server takes no streams beyond this id; at a client. */
  onGoaway(lastId: number): void;
}

/** What the peer says, frame by frame. A `ConnectionError` is thrown for what a connection can't go on after. */
export class PeerFrames {
  readonly #deps: PeerInputDeps;
  readonly #events: PeerFrameEvents;
  readonly #headers: PeerHeaders;
  #isGreeted = false;

  constructor(deps: PeerInputDeps, events: PeerFrameEvents) {
    this.#deps = deps;
    this.#events = events;
    this.#headers = new PeerHeaders(deps);
  }

  receive(frame: Frame): void {
    const { openStreamId } = this.#headers;
    if (openStreamId !== undefined && (frame.type !== FRAME.CONTINUATION || frame.streamId !== openStreamId)) {
      throw violation("a header block was interrupted");
    }
    if (!this.#isGreeted && frame.type !== FRAME.SETTINGS) throw violation("SETTINGS have to come first");
    switch (frame.type) {
      case FRAME.DATA:
        return this.#onData(frame);
      case FRAME.HEADERS:
        return this.#headers.onHeaders(frame);
      case FRAME.PRIORITY:
        return this.#onPriority(frame);
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
        return this.#headers.onContinuation(frame);
      default:
        return this.#deps.patience.countNuisance();
    }
  }

  #onData({ flags, streamId, payload }: Frame): void {
    const { isServer, streams, output, patience, faults } = this.#deps;
    if (streamId === 0) throw violation("DATA of no stream");
    output.takeReceiveWindow(payload.length);
    const chunk = unpad(payload, flags, 0);
    const isEnd = (flags & FLAG.END_STREAM) !== 0;
    if (chunk.length > 0) patience.allowFrames(1);
    else if (!isEnd) patience.countNuisance();

    const stream = streams.get(streamId);
    if (stream === undefined || !stream.isRemoteOpen) {
      output.consume(payload.length);
      return faults.late(streamId, stream);
    }
    if (!stream.takeReceiveWindow(payload.length)) {
      output.consume(payload.length);
      return faults.abort(stream, ERROR_CODE.FLOW_CONTROL_ERROR);
    }
    if (!isServer && !stream.hasReceivedHead || !stream.isLengthRight(chunk.length, isEnd)) {
      output.consume(payload.length);
      return faults.abort(stream, ERROR_CODE.PROTOCOL_ERROR);
    }
    stream.receiveData(chunk, isEnd);
    const padding = payload.length - chunk.length;
    if (padding > 0) this.#returnPadding(stream, padding);
  }

  /** Padding is nobody's to consume. */
  #returnPadding(stream: ConnectionStream, bytes: number): void {
    const { output } = this.#deps;
    output.consume(bytes);
    if (!stream.isRemoteOpen) return;
    stream.takeReceiveWindow(-bytes);
    output.sendWindowUpdate(stream.id, bytes);
  }

  #onPriority({ streamId, payload }: Frame): void {
    if (streamId === 0) throw violation("PRIORITY of no stream");
    if (payload.length !== 5) this.#deps.faults.reset(streamId, ERROR_CODE.FRAME_SIZE_ERROR);
    this.#deps.patience.countNuisance();
  }

  #onReset(frame: Frame): void {
    const { isServer, streams, patience } = this.#deps;
    expectSize(frame, 4);
    const { streamId, payload } = frame;
    if (streamId === 0 || streams.isIdle(streamId)) throw violation("RST_STREAM of a stream that was never opened");
    const stream = streams.get(streamId);
    if (stream === undefined) return patience.countNuisance();
    if (isServer && !stream.hasSentHead) patience.countReset();
    const code = readUint32(payload, 0);
    stream.finish({ code, by: "peer", isUnprocessed: code === ERROR_CODE.REFUSED_STREAM });
  }

  #onSettings(frame: Frame): void {
    const { output, patience } = this.#deps;
    expectNoStream(frame);
    patience.countNuisance();
    if ((frame.flags & FLAG.ACK) !== 0) return expectSize(frame, 0);
    output.applySettings(frame.payload);
    if (!this.#isGreeted) {
      this.#isGreeted = true;
      this.#events.onGreeted();
    }
    output.pumpWaiting();
  }

  #onPing(frame: Frame): void {
    expectNoStream(frame);
    expectSize(frame, 8);
    this.#deps.patience.countNuisance();
    if ((frame.flags & FLAG.ACK) !== 0) this.#events.onPong();
    else this.#deps.output.sendPong(frame.payload);
  }

  #onGoaway(frame: Frame): void {
    expectNoStream(frame);
    const { payload } = frame;
    if (payload.length < 8) throw new ConnectionError(ERROR_CODE.FRAME_SIZE_ERROR, "GOAWAY has a wrong size");
    this.#deps.patience.countNuisance();
    if (!this.#deps.isServer) this.#events.onGoaway(readUint32(payload, 0) & MAX_31_BITS);
  }

  #onWindowUpdate(frame: Frame): void {
    const { streams, output, patience, faults } = this.#deps;
    expectSize(frame, 4);
    const { streamId, payload } = frame;
    const bytes = readUint32(payload, 0) & MAX_31_BITS;
    patience.countNuisance();
    if (streamId === 0) {
      if (bytes === 0) throw violation("WINDOW_UPDATE by nothing");
      return output.addSendWindow(bytes);
    }
    if (streams.isIdle(streamId)) throw violation("WINDOW_UPDATE of a stream that was never opened");
    const stream = streams.get(streamId);
    if (stream === undefined) return;
    if (bytes === 0) return faults.abort(stream, ERROR_CODE.PROTOCOL_ERROR);
    if (!stream.addSendWindow(bytes)) return faults.abort(stream, ERROR_CODE.FLOW_CONTROL_ERROR);
    output.pump(stream);
  }
}
