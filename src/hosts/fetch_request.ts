import { Canceller, type CancelListener } from "../domain/cancellation.ts";
import type { Clock } from "../domain/clock.ts";
import { concatBytes } from "../domain/bytes.ts";
import type { HostRequest, RequestBody } from "./host_request.ts";
import { splitUrl } from "./http_response.ts";

/** A client that leaves earlier than this after a node was asked is missed from this time on, milliseconds. */
const LOOK_AFTER_MS = 100;
/** A body of a declared length up to this is read whole: to read it in parts costs several times as much. */
const SMALL_BODY_BYTES = 64 * 1024;

/**
 * A request of the platform, with its body and its signal in one, as there is one for every request.
 *
 * Whether the client is still there the platform is asked only once the request has taken a while: for one that is
 * answered at once, to be told would cost more than anything else the host does.
 */
export class FetchRequest extends Canceller implements HostRequest, RequestBody {
  readonly verb: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Headers;
  readonly clientAddress: string;
  /** What has come of the body is for the platform to know. */
  readonly whole = undefined;
  readonly #request: Request;
  readonly #clock: Clock;
  /** Known once somebody has asked. */
  #declaredBytes = Infinity;
  #cancelTimer: (() => void) | undefined;
  #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;

  constructor(request: Request, clientAddress: string, clock: Clock) {
    super();
    this.#request = request;
    this.#clock = clock;
    this.verb = request.method;
    const { path, query } = splitUrl(request.url);
    this.path = path;
    this.query = query;
    this.headers = request.headers;
    this.clientAddress = clientAddress;
  }

  get body(): RequestBody {
    return this;
  }

  get signal(): this {
    return this;
  }

  /** From the first listener on, somebody has to look. */
  override addEventListener(type: "abort", listener: CancelListener): void {
    super.addEventListener(type, listener);
    this.#cancelTimer ??= this.#clock.schedule(LOOK_AFTER_MS, () => this.#look());
  }

  endSignal(): void {
    this.#cancelTimer?.();
  }

  get declaredBytes(): number | undefined {
    const declared = this.headers.get("content-length");
    if (declared === null) return undefined;
    return this.#declaredBytes = Number(declared);
  }

  read(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    if (!(this.#declaredBytes <= SMALL_BODY_BYTES)) return this.#readParts(maxBytes);
    return this.#request.arrayBuffer().then((buffer) =>
      buffer.byteLength > maxBytes ? undefined : new Uint8Array(buffer)
    );
  }

  cancel(): void {
    if (this.#reader !== undefined) return void this.#reader.cancel().catch(() => {});
    try {
      const { body } = this.#request;
      if (body !== null && !body.locked) body.cancel().catch(() => {});
    } catch {
      // The request has been answered, and its body is gone.
    }
  }

  async #readParts(maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { body } = this.#request;
    if (body === null) return new Uint8Array();
    const reader = this.#reader = body.getReader();
    const chunks: Uint8Array<ArrayBuffer>[] = [];
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return chunks.length === 1 ? chunks[0]! : concatBytes(chunks);
      length += value.length;
      if (length > maxBytes) return undefined;
      chunks.push(value);
    }
  }

  #look(): void {
    const { signal } = this.#request;
    if (signal.aborted) this.abort();
    else signal.addEventListener("abort", () => this.abort(), { once: true });
  }
}
