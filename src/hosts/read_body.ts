import { concatBytes } from "../domain/bytes.ts";
import type { Cancellation } from "../domain/cancellation.ts";
import type { Clock } from "../domain/clock.ts";
import { failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";

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
 * Reads a request's body: no more than `maxBodyBytes`, no longer than `bodyTimeoutMs`, and not on when `stop` aborts.
 * Hosts keep no such time limit of their own.
 */
export async function readBody(
  request: Request,
  limits: BodyLimits,
  clock: Clock,
  stop: Cancellation,
): Promise<BodyResult> {
  const { maxBodyBytes, bodyTimeoutMs } = limits;
  const declared = request.headers.get("content-length");
  if (Number(declared) > maxBodyBytes) {
    // Not waited for: the client may never send what it announced.
    request.body?.cancel().catch(() => {});
    return tooLarge(maxBodyBytes);
  }
  const reading = declared !== null && Number(declared) <= SMALL_BODY_BYTES
    ? readWhole(request)
    : readInParts(request, maxBodyBytes);
  const stopped = () => reading.endWith({ kind: "failure", error: SHUTTING_DOWN });
  const cancelTimer = clock.schedule(
    bodyTimeoutMs,
    () =>
      reading.endWith(failure("body_timeout", `the body did not arrive within ${bodyTimeoutMs} ms; send it faster`)),
  );
  stop.addEventListener("abort", stopped);
  const result = await reading.result;
  cancelTimer();
  stop.removeEventListener("abort", stopped);
  return result.kind === "body" && result.body.length > maxBodyBytes ? tooLarge(maxBodyBytes) : result;
}

/** A body that is being read. */
interface Reading {
  readonly result: Promise<BodyResult>;
  /** Reads no further; the first word on how it ended counts. */
  endWith(result: BodyResult): void;
}

function readWhole(request: Request): Reading {
  const { promise: result, resolve: endWith } = Promise.withResolvers<BodyResult>();
  request.arrayBuffer().then(
    (buffer) => endWith({ kind: "body", body: new Uint8Array(buffer) }),
    () => endWith(LEFT),
  );
  return { result, endWith };
}

function readInParts({ body }: Request, maxBodyBytes: number): Reading {
  const { promise: result, resolve } = Promise.withResolvers<BodyResult>();
  if (body === null) {
    resolve({ kind: "body", body: new Uint8Array() });
    return { result, endWith: resolve };
  }
  const reader = body.getReader();
  const endWith = (end: BodyResult) => {
    resolve(end);
    reader.cancel().catch(() => {});
  };
  readParts(reader, maxBodyBytes).then(endWith, () => endWith(LEFT));
  return { result, endWith };
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
