import { concatBytes } from "../domain/bytes.ts";
import type { Clock } from "../domain/clock.ts";
import { failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";
import { type Placed, UnderWay } from "../relay/under_way.ts";

/** Limits on a request's body. */
export interface BodyLimits {
  readonly maxBodyBytes: number;
  /** Milliseconds from the first read until the body has to be complete. */
  readonly bodyTimeoutMs: number;
}

/** A body, or why there is none. */
export type BodyResult =
  | { readonly kind: "body"; readonly body: Uint8Array<ArrayBuffer> }
  | { readonly kind: "failure"; readonly error: RelayError };

/** A body of a declared length up to this is read whole: to read it in parts costs several times as much. */
const SMALL_BODY_BYTES = 64 * 1024;

/**
 * Reads requests' bodies: no more of one than `maxBodyBytes`, and no longer than `bodyTimeoutMs`. Hosts keep no such time
 * limit of their own.
 */
export class BodyReader {
  readonly #limits: BodyLimits;
  readonly #clock: Clock;
  readonly #underWay = new UnderWay<Reading>();

  constructor(limits: BodyLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** The body of a request, once it is complete. Never rejects. */
  read(request: Request): Promise<BodyResult> {
    const { maxBodyBytes, bodyTimeoutMs } = this.#limits;
    const declared = request.headers.get("content-length");
    if (Number(declared) > maxBodyBytes) {
      // Not waited for: the client may never send what it announced.
      request.body?.cancel().catch(() => {});
      return Promise.resolve(tooLarge(maxBodyBytes));
    }
    const reading = new Reading(this.#underWay);
    reading.cancelTimer = this.#clock.schedule(bodyTimeoutMs, () => {
      reading.endWith(failure("body_timeout", `the body did not arrive within ${bodyTimeoutMs} ms; send it faster`));
    });
    if (declared !== null && Number(declared) <= SMALL_BODY_BYTES) readWhole(reading, request, maxBodyBytes);
    else readInParts(reading, request, maxBodyBytes);
    return reading.result;
  }

  /** Reads no further: what is not complete fails, as the relay stops. */
  stop(): void {
    for (const reading of this.#underWay.list()) reading.endWith({ kind: "failure", error: SHUTTING_DOWN });
  }
}

/** A body that is being read. */
class Reading implements Placed {
  place = -1;
  readonly result: Promise<BodyResult>;
  cancelTimer = (): void => {};
  /** The rest of the body, which is not wanted once it has ended otherwise. */
  rest: ReadableStreamDefaultReader | undefined;
  readonly #resolve: (result: BodyResult) => void;
  readonly #underWay: UnderWay<Reading>;

  constructor(underWay: UnderWay<Reading>) {
    const { promise, resolve } = Promise.withResolvers<BodyResult>();
    this.result = promise;
    this.#resolve = resolve;
    this.#underWay = underWay;
    underWay.add(this);
  }

  /** Says how it ended, and reads no further; the first word counts. */
  endWith(result: BodyResult): void {
    this.#underWay.delete(this);
    this.cancelTimer();
    this.#resolve(result);
    this.rest?.cancel().catch(() => {});
  }
}

function readWhole(reading: Reading, request: Request, maxBodyBytes: number): void {
  request.arrayBuffer().then(
    (buffer) => {
      const isTooLarge = buffer.byteLength > maxBodyBytes;
      reading.endWith(isTooLarge ? tooLarge(maxBodyBytes) : { kind: "body", body: new Uint8Array(buffer) });
    },
    () => reading.endWith(LEFT),
  );
}

function readInParts(reading: Reading, { body }: Request, maxBodyBytes: number): void {
  if (body === null) return reading.endWith({ kind: "body", body: new Uint8Array() });
  const rest = reading.rest = body.getReader();
  readParts(rest, maxBodyBytes).then((result) => reading.endWith(result), () => reading.endWith(LEFT));
}

async function readParts(
  reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>,
  maxBodyBytes: number,
): Promise<BodyResult> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { kind: "body", body: chunks.length === 1 ? chunks[0]! : concatBytes(chunks) };
    length += value.length;
    if (length > maxBodyBytes) return tooLarge(maxBodyBytes);
    chunks.push(value);
  }
}

const LEFT = failure("client_closed", "the client went away while it sent the body");

function tooLarge(maxBodyBytes: number): BodyResult {
  return failure("body_too_large", `the body is larger than ${maxBodyBytes} bytes; send less at once`);
}
