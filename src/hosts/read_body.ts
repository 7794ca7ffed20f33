import type { Clock } from "../domain/clock.ts";
import { failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";
import { type Placed, UnderWay } from "../relay/under_way.ts";
import type { RequestBody } from "./host_request.ts";

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
  read(body: RequestBody): BodyResult | Promise<BodyResult> {
    const { maxBodyBytes, bodyTimeoutMs } = this.#limits;
    const { whole } = body;
    if (whole !== undefined) {
      return whole.length > maxBodyBytes ? tooLarge(maxBodyBytes) : { kind: "body", body: whole };
    }
    if ((body.declaredBytes ?? 0) > maxBodyBytes) {
      // Not waited for: the client may never send what it announced.
      body.cancel();
      return tooLarge(maxBodyBytes);
    }
    const reading = new Reading(this.#underWay, body);
    reading.cancelTimer = this.#clock.schedule(bodyTimeoutMs, () => {
      reading.endWith(failure("body_timeout", `the body did not arrive within ${bodyTimeoutMs} ms; send it faster`));
    });
    body.read(maxBodyBytes).then(
      (bytes) => reading.endWith(bytes === undefined ? tooLarge(maxBodyBytes) : { kind: "body", body: bytes }),
      () => reading.endWith(LEFT),
    );
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
  readonly #body: RequestBody;
  readonly #resolve: (result: BodyResult) => void;
  readonly #underWay: UnderWay<Reading>;

  constructor(underWay: UnderWay<Reading>, body: RequestBody) {
    const { promise, resolve } = Promise.withResolvers<BodyResult>();
    this.result = promise;
    this.#resolve = resolve;
    this.#underWay = underWay;
    this.#body = body;
    underWay.add(this);
  }

  /** Says how it ended, and reads no further; the first word counts. */
  endWith(result: BodyResult): void {
    if (this.place < 0) return;
    this.#underWay.delete(this);
    this.cancelTimer();
    this.#resolve(result);
    if (result.kind === "failure") this.#body.cancel();
  }
}

const LEFT = failure("client_closed", "the client went away while it sent the body");

function tooLarge(maxBodyBytes: number): BodyResult {
  return failure("body_too_large", `the body is larger than ${maxBodyBytes} bytes; send less at once`);
}
