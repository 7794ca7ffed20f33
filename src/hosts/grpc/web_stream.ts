import type { HeaderFields } from "../../domain/wire.ts";
import type { StreamEvents, WireStream } from "../../domain/wire_stream.ts";
import { encodeText, trailersFrame, webContentType, type WebFormat } from "../../protocols/grpc/web.ts";

/** HTTP/2's code of a reset that means: the call is no longer wanted. */
const CANCEL = 8;

/** A call that came by gRPC-Web, seen as a stream: its answer is a `Response` whose body ends with the trailers. */
export class WebStream implements WireStream {
  /** The response, once the answer has begun. */
  readonly response: Promise<Response>;
  readonly #format: WebFormat;
  readonly #extraHeaders: HeaderFields;
  readonly #respond: (response: Response) => void;
  #events: StreamEvents | undefined;
  #queue: { readonly bytes: Uint8Array<ArrayBuffer>; readonly counted: number }[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  #isWanted = false;
  #hasHead = false;
  #isEnded = false;
  #isOver = false;

  constructor(format: WebFormat, extraHeaders: HeaderFields) {
    const { promise, resolve } = Promise.withResolvers<Response>();
    this.response = promise;
    this.#respond = resolve;
    this.#format = format;
    this.#extraHeaders = extraHeaders;
  }

  /** Who hears of it. */
  set events(events: StreamEvents) {
    this.#events = events;
  }

  sendHead(fields: HeaderFields, isEnd: boolean): void {
    if (this.#hasHead || this.#isOver) return;
    this.#hasHead = true;
    const status = Number(fields.find(([name]) => name === ":status")?.[1] ?? 200);
    const headers = new Headers();
    for (const [name, value] of fields) {
      if (!name.startsWith(":") && name !== "content-length") headers.append(name, value);
    }
    for (const [name, value] of this.#extraHeaders) headers.set(name, value);
    const isGrpc = headers.get("content-type")?.startsWith("application/grpc");
    if (isGrpc) headers.set("content-type", webContentType(this.#format));
    const seen = [...headers.keys()].filter((name) => !name.startsWith("access-control-"));
    if (headers.has("access-control-allow-origin")) headers.set("access-control-expose-headers", seen.join(", "));
    if (isEnd) {
      this.#finish();
      return this.#respond(new Response(null, { status, headers }));
    }
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => this.abandon(),
    }, { highWaterMark: 1 });
    this.#respond(new Response(body, { status, headers }));
  }

  sendData(chunk: Uint8Array, isEnd: boolean): void {
    if (this.#isOver || this.#isEnded) return;
    if (chunk.length > 0) this.#push(chunk, chunk.length);
    if (isEnd) this.#end();
  }

  sendTrailers(fields: HeaderFields): void {
    if (this.#isOver || this.#isEnded) return;
    this.#push(trailersFrame(fields), 0);
    this.#end();
  }

  /** The request was read as a whole. */
  consume(): void {}

  reset(code: number): void {
    if (this.#isOver) return;
    if (this.#hasHead) this.#controller?.error(new Error("the call was broken off"));
    else this.#respond(new Response(null, { status: 502 }));
    this.#isOver = true;
    this.#queue = [];
    this.#events?.onEnd({ code, by: "self", isUnprocessed: false });
  }

  /** The client has gone. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#queue = [];
    this.#events?.onEnd({ code: CANCEL, by: "peer", isUnprocessed: false });
    if (!this.#hasHead) this.#respond(new Response(null, { status: 499 }));
  }

  #push(bytes: Uint8Array, counted: number): void {
    // What came is lent.
    this.#queue.push({ bytes: this.#format.isText ? encodeText(bytes) : bytes.slice(), counted });
    this.#give();
  }

  #end(): void {
    this.#isEnded = true;
    this.#give();
  }

  #pull(): void {
    this.#isWanted = true;
    this.#give();
  }

  /** Hands over one piece, where it is waited for. */
  #give(): void {
    if (!this.#isWanted) return;
    const piece = this.#queue.shift();
    if (piece === undefined) {
      if (!this.#isEnded || this.#isOver) return;
      this.#controller!.close();
      return this.#finish();
    }
    this.#isWanted = false;
    this.#controller!.enqueue(piece.bytes);
    if (piece.counted > 0) this.#events?.onWritten(piece.counted);
  }

  #finish(): void {
    this.#isOver = true;
    this.#events?.onEnd(undefined);
  }
}
