import { Buffer } from "node:buffer";
import type { ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { ERROR_CODE } from "./error_code.ts";
import type { StreamEvents, StreamFailure, WireStream } from "../domain/wire_stream.ts";
import type { Field, Fields } from "./port.ts";

/** Header fields as the runtime gives them: names and values in turn, or an object. */
export function toFields(raw: readonly string[] | IncomingHttpHeaders): Field[] {
  if (Array.isArray(raw)) {
    const fields: Field[] = [];
    for (let i = 0; i + 1 < raw.length; i += 2) fields.push([raw[i]!, String(raw[i + 1])]);
    return fields;
  }
  return Object.entries(raw).flatMap(([name, value]): Field[] =>
    (Array.isArray(value) ? value : [value]).map((one): Field => [name, String(one ?? "")])
  );
}

/** Header fields as the runtime takes them. */
export function toHeaders(fields: Fields): OutgoingHttpHeaders {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of fields) {
    const other = headers[name];
    headers[name] = other === undefined ? value : Array.isArray(other) ? [...other, value] : [other, value];
  }
  return headers;
}

/** Milliseconds of silence after which a client that sends on to a complete answer is told to stop. */
const LINGER_MS = 1_000;

/** A stream of `node:http2`, seen through the port. */
export class NodeStream implements WireStream {
  readonly #raw: ServerHttp2Stream | ClientHttp2Stream | undefined;
  readonly #isServer: boolean;
  readonly #windowBytes: number;
  readonly #abort: AbortController | undefined;
  readonly #isBeyondGoaway: () => boolean;
  #events: StreamEvents | undefined;
  #held = 0;
  #isOver = false;
  #hasEnded = false;
  #hasRemoteEnded = false;
  #failure: StreamFailure | undefined;
  #trailers: Fields | undefined;
  #finishReading = () => {};

  constructor(
    raw: ServerHttp2Stream | ClientHttp2Stream | undefined,
    isServer: boolean,
    windowBytes: number,
    abort?: AbortController,
    isBeyondGoaway: () => boolean = () => false,
  ) {
    this.#raw = raw;
    this.#isServer = isServer;
    this.#windowBytes = windowBytes;
    this.#abort = abort;
    this.#isBeyondGoaway = isBeyondGoaway;
  }

  get id(): number {
    return this.#raw?.id ?? 0;
  }

  /** From now on `events` hear of it. */
  start(events: StreamEvents): void {
    this.#events = events;
    const raw = this.#raw;
    if (raw === undefined) {
      return this.#end({ code: ERROR_CODE.REFUSED_STREAM, by: "connection", isUnprocessed: true });
    }
    // The stream forgets it when it closes.
    const session = raw.session;
    raw.on("error", () => {});
    // The runtime drops what it has not written when a stream is closed: the answer gets a moment to leave.
    const closeSoon = () => this.#hasRemoteEnded || raw.setTimeout(LINGER_MS, () => raw.close(ERROR_CODE.NO_ERROR));
    if (this.#isServer) raw.on("finish", closeSoon);
    raw.on("close", () => {
      this.#finishReading();
      this.#end(this.#failure ?? this.#failureOf(raw, session));
    });
    raw.on(
      "wantTrailers",
      () => this.#trailers === undefined ? raw.close() : raw.sendTrailers(toHeaders(this.#trailers)),
    );
    if (this.#isServer) return this.#read(raw);
    (raw as ClientHttp2Stream).on("response", (headers, flags, rawHeaders?: string[]) => {
      const isEnd = (flags & 1) !== 0;
      if (isEnd) this.#hasRemoteEnded = true;
      events.onHead(toFields(rawHeaders ?? headers), isEnd);
      // Not before: the runtime may have data before it tells of the head.
      this.#read(raw);
    });
  }

  sendHead(fields: Fields, isEnd: boolean): void {
    const raw = this.#raw as ServerHttp2Stream;
    if (this.#isOver || raw.destroyed || raw.headersSent) return;
    // The types do not know of `sendDate`, which keeps the runtime from adding a field of its own.
    const options = { endStream: isEnd, waitForTrailers: !isEnd, sendDate: false };
    raw.respond(toHeaders(fields), options);
    if (isEnd) this.#hasEnded = true;
  }

  sendData(chunk: Uint8Array, isEnd: boolean): void {
    const raw = this.#raw;
    if (this.#isOver || this.#hasEnded || raw === undefined || raw.destroyed) return;
    this.#hasEnded = isEnd;
    // The memory is lent, and the runtime keeps it until it is written.
    if (chunk.length > 0) raw.write(Buffer.from(chunk), () => this.#isOver || this.#events?.onWritten(chunk.length));
    if (isEnd) raw.end();
  }

  sendTrailers(fields: Fields): void {
    const raw = this.#raw;
    if (this.#isOver || this.#hasEnded || raw === undefined || raw.destroyed) return;
    this.#hasEnded = true;
    this.#trailers = fields;
    raw.end();
  }

  consume(bytes: number): void {
    this.#held = Math.max(0, this.#held - bytes);
    if (this.#held < this.#windowBytes / 2 && this.#raw?.isPaused()) this.#raw.resume();
  }

  reset(code: number): void {
    if (this.#isOver || this.#raw === undefined) return;
    this.#failure ??= { code, by: "self", isUnprocessed: false };
    if (this.#abort !== undefined) this.#abort.abort();
    else this.#raw.close(code);
    this.#end(this.#failure);
  }

  /** The server will not look at it. */
  refuse(): void {
    this.#failure ??= { code: ERROR_CODE.REFUSED_STREAM, by: "peer", isUnprocessed: true };
    this.#abort?.abort();
    this.#end(this.#failure);
  }

  #read(raw: ServerHttp2Stream | ClientHttp2Stream): void {
    let trailers: Fields | undefined;
    let isRead = false;
    // The runtime may have the trailers before it has handed out the data, or after it has said that this is the end.
    const finish = () => {
      if (this.#isOver || this.#hasRemoteEnded || !isRead) return;
      if (trailers === undefined && !this.#isServer && !raw.closed) return;
      this.#hasRemoteEnded = true;
      if (trailers === undefined) this.#events?.onData(new Uint8Array(), true);
      else this.#events?.onTrailers(trailers);
    };
    raw.on("trailers", (headers, _flags, rawHeaders?: string[]) => {
      trailers = toFields(rawHeaders ?? headers);
      finish();
    });
    raw.on("data", (chunk: Uint8Array) => {
      if (this.#isOver) return;
      this.#held += chunk.length;
      if (this.#held >= this.#windowBytes) raw.pause();
      this.#events?.onData(chunk, false);
    });
    raw.on("end", () => {
      isRead = raw.rstCode === ERROR_CODE.NO_ERROR && !raw.aborted;
      finish();
    });
    this.#finishReading = finish;
  }

  #failureOf(
    raw: ServerHttp2Stream | ClientHttp2Stream,
    session: ServerHttp2Stream["session"],
  ): StreamFailure | undefined {
    if (this.#isServer ? this.#hasEnded && raw.rstCode === ERROR_CODE.NO_ERROR : this.#hasRemoteEnded) return undefined;
    if (this.#isBeyondGoaway()) return { code: ERROR_CODE.REFUSED_STREAM, by: "peer", isUnprocessed: true };
    const code = raw.rstCode ?? ERROR_CODE.INTERNAL_ERROR;
    if (session === undefined || session.destroyed) {
      return { code: ERROR_CODE.INTERNAL_ERROR, by: "connection", isUnprocessed: false };
    }
    return { code, by: "peer", isUnprocessed: code === ERROR_CODE.REFUSED_STREAM };
  }

  #end(failure: StreamFailure | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events?.onEnd(failure);
  }
}
