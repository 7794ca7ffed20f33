import type { RelayError } from "../../domain/relay_error.ts";
import type { RelayRequest } from "../../domain/relay_request.ts";
import type { Meter } from "../meter.ts";

/** How a subscribe ended: accepted by a node, refused by one, or never with one. */
export type Start =
  & {
    /** Names of the providers that were asked, in order. */
    readonly tried: readonly string[];
  }
  & (
    | { readonly kind: "open"; readonly subscription: string }
    | { readonly kind: "refused"; readonly text: string }
    | { readonly kind: "failure"; readonly error: RelayError }
  );

/** Puts the start of a subscription on the bill: what a node accepted or refused, and not what never reached one. */
export function recordStart(meter: Meter, request: RelayRequest, start: Start): void {
  if (start.kind === "failure") return;
  meter.record(request, {
    kind: "answer",
    provider: start.tried.at(-1) ?? "",
    cacheHit: false,
    success: start.kind === "open",
    response: { status: 200, headers: [], body: null },
    replyHeaders: [],
    api: request.api,
    tried: start.tried,
    attempts: start.tried.length,
    retries: Math.max(0, start.tried.length - 1),
    hedges: 0,
    notes: [],
  });
}
