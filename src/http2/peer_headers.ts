import type { StreamEvents, WireStream } from "../domain/wire_stream.ts";
import { ConnectionStream } from "./connection_stream.ts";
import { ERROR_CODE } from "./error_code.ts";
import type { Frame } from "./frame.ts";
import { violation } from "./frame_checks.ts";
import { HeaderInput, type ReceivedHeaders } from "./header_input.ts";
import { brokenRule, contentLength, type HeaderKind } from "./header_rules.ts";
import type { Patience } from "./patience.ts";
import type { PeerFaults } from "./peer_faults.ts";
import type { Fields, Http2Limits } from "./port.ts";
import type { StreamOutput } from "./stream_output.ts";
import type { StreamTable } from "./stream_table.ts";

/** Who takes requests in; at a server. */
export interface RequestTaker {
  /** Takes in a request. */
  onStream?(stream: WireStream, fields: Fields, isEnd: boolean): StreamEvents;
  /** What is answered to a request whose header list is too large. */
  readonly headTooLarge?: Fields;
}

/** What the reading of a peer's frames works with. */
export interface PeerInputDeps {
  readonly isServer: boolean;
  readonly limits: Required<Http2Limits>;
  readonly streams: StreamTable;
  readonly output: StreamOutput;
  readonly patience: Patience;
  readonly faults: PeerFaults;
  readonly taker: RequestTaker;
}

/** The peer's header lists: requests and trailers at a server, heads of responses and trailers at a client. */
export class PeerHeaders {
  readonly #deps: PeerInputDeps;
  readonly #input: HeaderInput;

  constructor(deps: PeerInputDeps) {
    this.#deps = deps;
    this.#input = new HeaderInput(deps.limits.maxHeaderListBytes);
  }

  /** The stream whose header block has begun and not ended; undefined for none. */
  get openStreamId(): number | undefined {
    return this.#input.openStreamId;
  }

  onHeaders(frame: Frame): void {
    this.#onList(this.#input.headers(frame));
  }

  onContinuation(frame: Frame): void {
    this.#onList(this.#input.continuation(frame));
  }

  #onList(headers: ReceivedHeaders | undefined): void {
    if (headers === undefined) return;
    const { isServer, streams, patience, faults } = this.#deps;
    const { streamId, fields, isTooLarge, isEnd } = headers;
    patience.allowFrames(1);
    const stream = streams.get(streamId);
    if (stream === undefined) {
      if (isServer && streams.isIdle(streamId)) this.#onRequest(streamId, fields, isEnd, isTooLarge);
      else faults.late(streamId, stream);
      return;
    }
    if (!stream.isRemoteOpen) return faults.late(streamId, stream);
    const kind: HeaderKind = isServer || stream.hasReceivedHead ? "trailers" : "response";
    const isInformational = kind === "response" && /^1\d\d$/.test(statusOf(fields));
    const isBroken = brokenRule(fields, kind) !== undefined || (isInformational && isEnd) ||
      (kind === "trailers" && !isEnd) || (kind === "response" && !/^\d{3}$/.test(statusOf(fields))) ||
      (isEnd && kind === "trailers" && !stream.isLengthRight(0, true));
    if (isTooLarge || isBroken) {
      return faults.abort(stream, isTooLarge ? ERROR_CODE.ENHANCE_YOUR_CALM : ERROR_CODE.PROTOCOL_ERROR);
    }
    if (isInformational) return patience.countNuisance();
    if (kind === "response") stream.receiveHead(fields, isEnd);
    else stream.receiveTrailers(fields);
  }

  #onRequest(id: number, fields: Fields, isEnd: boolean, isTooLarge: boolean): void {
    const { limits, streams, output, patience, faults, taker } = this.#deps;
    if ((id & 1) === 0) throw violation("a client's stream has an even id");
    if (!streams.takePeerId(id)) return faults.reset(id, ERROR_CODE.REFUSED_STREAM);
    const expected = contentLength(fields);
    const isBroken = !isTooLarge &&
      (brokenRule(fields, "request") !== undefined || Number.isNaN(expected) || (isEnd && (expected ?? 0) > 0));
    if (isBroken || streams.size >= limits.maxStreams) {
      patience.countNuisance();
      return faults.reset(id, isBroken ? ERROR_CODE.PROTOCOL_ERROR : ERROR_CODE.REFUSED_STREAM);
    }
    const stream = new ConnectionStream(id, output, output.peer.initialWindow, limits.streamWindowBytes);
    streams.add(stream);
    if (isTooLarge) {
      patience.countNuisance();
      stream.sendHead(taker.headTooLarge ?? [[":status", "431"]], true);
      return;
    }
    stream.expect(expected);
    stream.events = taker.onStream!(stream, fields, isEnd);
    if (isEnd) stream.endRemote();
  }
}

function statusOf(fields: Fields): string {
  return fields.find(([name]) => name === ":status")?.[1] ?? "";
}
