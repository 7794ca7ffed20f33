import type { OtelUsageOptions } from "../../mod.ts";
import type { FakeClock } from "./fake_clock.ts";

/** A request that was made, and when on the fake clock. */
export interface ScriptedRequest {
  readonly atMs: number;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
}

/** What a scripted collector does: answers, throws as a broken connection does, or hangs until it is given up. */
export type FetchStep = () => Response | Promise<Response> | "hang";

/** A collector without a socket, for tests whose time is moved by hand. The last step of the script goes on for ever. */
export function scriptedFetch(
  clock: FakeClock,
  ...script: readonly FetchStep[]
): { fetch: NonNullable<OtelUsageOptions["fetch"]>; requests: ScriptedRequest[] } {
  const requests: ScriptedRequest[] = [];
  const fetch: NonNullable<OtelUsageOptions["fetch"]> = async (_url, init) => {
    const signal = init.signal!;
    const step = script[Math.min(requests.length, script.length - 1)]!;
    const body = init.body as Uint8Array<ArrayBuffer>;
    requests.push({ atMs: clock.monotonic(), headers: new Headers(init.headers), body, signal });
    const answer = step();
    if (answer !== "hang") return await answer;
    return await new Promise((_resolve, reject) => {
      const abort = () => reject(new DOMException("aborted", "AbortError"));
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort, { once: true });
    });
  };
  return { fetch, requests };
}

/** The collector takes the records. */
export const accept: FetchStep = (): Response => new Response(null);
/** The collector does not answer. */
export const hang: FetchStep = (): "hang" => "hang";
/** Nothing listens. */
export const refuse: FetchStep = (): never => {
  throw new TypeError("client error (Connect): tcp connect error: Connection refused");
};
/** The collector answers with a status that is no success. */
export function answer(status: number, retryAfter?: string): FetchStep {
  return () =>
    new Response(null, { status, ...(retryAfter !== undefined && { headers: { "retry-after": retryAfter } }) });
}
