import type { StreamEvents, StreamFailure, WireStream } from "../../src/domain/wire_stream.ts";
import type { Fields, Http2Client, IncomingStream } from "../../src/http2/port.ts";

/** A stream's side as promises and lists, for tests. */
export class Side implements StreamEvents {
  stream!: WireStream;
  head: Fields | undefined;
  trailers: Fields | undefined;
  readonly chunks: Uint8Array[] = [];
  received = 0;
  written = 0;
  failure: StreamFailure | undefined;
  isOver = false;
  hasEnd = false;
  /** Whether bytes are given back to the peer as they come. */
  reads = true;
  /** Whether the bytes are kept. */
  keeps = true;
  readonly headed = Promise.withResolvers<void>();
  readonly bodyEnded = Promise.withResolvers<void>();
  readonly over = Promise.withResolvers<StreamFailure | undefined>();
  /** Hears of each chunk. */
  onChunk: (() => void) | undefined;
  #waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];

  onHead(fields: Fields, isEnd: boolean): void {
    this.head = fields;
    if (isEnd) this.#end();
    this.headed.resolve();
  }

  onData(chunk: Uint8Array, isEnd: boolean): void {
    this.received += chunk.length;
    if (this.keeps) this.chunks.push(chunk.slice());
    if (this.reads) this.stream.consume(chunk.length);
    this.#waiting = this.#waiting.filter(({ bytes, resolve }) => this.received < bytes || resolve());
    this.onChunk?.();
    if (isEnd) this.#end();
  }

  onTrailers(fields: Fields): void {
    this.trailers = fields;
    this.#end();
  }

  onWritten(bytes: number): void {
    this.written += bytes;
  }

  onEnd(failure: StreamFailure | undefined): void {
    if (this.isOver) throw new Error("the end comes once");
    this.isOver = true;
    this.failure = failure;
    this.over.resolve(failure);
    this.headed.resolve();
    this.bodyEnded.resolve();
  }

  /** Waits until so many bytes have come. */
  async arrived(bytes: number): Promise<void> {
    if (this.received >= bytes) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, resolve });
    await promise;
  }

  text(): string {
    return this.chunks.map((chunk) => new TextDecoder("latin1").decode(chunk)).join("");
  }

  #end(): void {
    this.hasEnd = true;
    this.bodyEnded.resolve();
  }
}

/** A POST request to `path`, with more fields. */
export function requestFields(path: string, more: Fields = []): Fields {
  return [[":method", "POST"], [":scheme", "http"], [":authority", "relay.example"], [":path", path], ...more];
}

/** Opens a stream whose events are kept. */
export function open(client: Http2Client, path: string, isEnd: boolean, more: Fields = []): Side {
  const side = new Side();
  side.stream = client.request(requestFields(path, more), isEnd, side);
  return side;
}

/** Takes a stream in whose events are kept. */
export function accept(incoming: IncomingStream): Side {
  const side = new Side();
  side.stream = incoming.stream;
  return side;
}

/** The value of a field. */
export function valueOf(fields: Fields | undefined, name: string): string | undefined {
  return fields?.find(([other]) => other === name)?.[1];
}
