import { concatBytes } from "../domain/bytes.ts";
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

/**
 * Reads a request's body: no more than `maxBodyBytes`, no longer than `bodyTimeoutMs`, and not on when `stop` aborts.
 * Hosts keep no such time limit of their own.
 */
export async function readBody(
  request: Request,
  limits: BodyLimits,
  clock: Clock,
  stop: AbortSignal,
): Promise<BodyResult> {
  const { maxBodyBytes, bodyTimeoutMs } = limits;
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > maxBodyBytes) {
    // Not waited for: the client may never send what it announced.
    request.body?.cancel().catch(() => {});
    return tooLarge(maxBodyBytes);
  }
  if (request.body === null) return { kind: "body", body: new Uint8Array() };

  const reader = request.body.getReader();
  let end: BodyResult | undefined;
  const endWith = (result: BodyResult) => {
    end ??= result;
    reader.cancel().catch(() => {});
  };
  const timedOut = () =>
    endWith(failure("body_timeout", `the body did not arrive within ${bodyTimeoutMs} ms; send it faster`));
  const stopped = () => endWith({ kind: "failure", error: SHUTTING_DOWN });
  const cancelTimer = clock.schedule(bodyTimeoutMs, timedOut);
  stop.addEventListener("abort", stopped, { once: true });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > maxBodyBytes) endWith(tooLarge(maxBodyBytes));
      else chunks.push(value);
    }
  } catch {
    end ??= failure("client_closed", "the client went away while it sent the body");
  } finally {
    cancelTimer();
    stop.removeEventListener("abort", stopped);
  }
  return end ?? { kind: "body", body: chunks.length === 1 ? chunks[0]! : concatBytes(chunks) };
}

function tooLarge(maxBodyBytes: number): BodyResult {
  return failure("body_too_large", `the body is larger than ${maxBodyBytes} bytes; send less at once`);
}
