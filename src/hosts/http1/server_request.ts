import { Canceller } from "../../domain/cancellation.ts";
import type { HostRequest, RequestBody } from "../host_request.ts";
import { CHUNKED, type RequestHead } from "./request_head.ts";

/** Where the rest of a request's body comes from. */
export interface BodySource {
  /** See {@linkcode RequestBody}. */
  readBody(request: ServerRequest, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** The body is not wanted, or not any more. */
  cancelBody(request: ServerRequest): void;
}

/** A request of a connection, with its body and its signal in one, as there is one for every request. */
export class ServerRequest extends Canceller implements HostRequest, RequestBody {
  readonly head: RequestHead;
  readonly clientAddress: string;
  readonly whole: Uint8Array<ArrayBuffer> | undefined;
  readonly #source: BodySource;

  constructor(
    head: RequestHead,
    clientAddress: string,
    whole: Uint8Array<ArrayBuffer> | undefined,
    source: BodySource,
  ) {
    super();
    this.head = head;
    this.clientAddress = clientAddress;
    this.whole = whole;
    this.#source = source;
  }

  get verb(): string {
    return this.head.verb;
  }

  get path(): string {
    return this.head.path;
  }

  get query(): string {
    return this.head.query;
  }

  get headers(): RequestHead {
    return this.head;
  }

  get body(): RequestBody {
    return this;
  }

  get signal(): this {
    return this;
  }

  get declaredBytes(): number | undefined {
    return this.head.bodyLength === CHUNKED ? undefined : this.head.bodyLength;
  }

  read(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { whole } = this;
    if (whole === undefined) return this.#source.readBody(this, maxBytes);
    return Promise.resolve(whole.length > maxBytes ? undefined : whole);
  }

  cancel(): void {
    if (this.whole === undefined) this.#source.cancelBody(this);
  }

  /** The connection knows by itself when the request is over. */
  endSignal(): void {}
}
