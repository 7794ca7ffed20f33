import { NODE_ERRORS } from "../../domain/node_error.ts";
import type { RelayError } from "../../domain/relay_error.ts";
import type { ProtocolCall, RelayRequest } from "../../domain/relay_request.ts";
import type { Sample } from "../../providers/selector.ts";
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

/** What a node's refusal of a subscribe says about the node, and whether another one may accept it. */
export function judgeRefusal(
  call: ProtocolCall,
  text: string,
  latencyMs: number,
): { readonly sample: Sample; readonly askAnother: boolean } {
  const body = new TextEncoder().encode(text);
  const reading = call.readReply({ status: 200, headers: [], body, trailers: [], retryAfterMs: 0 });
  const nodeError = reading.kind === "answer" ? reading.nodeError ?? "unknown" : "unknown";
  const { askAnother, penalise } = NODE_ERRORS[nodeError];
  if (nodeError === "rate_limited") return { sample: { kind: "rate_limited", retryAfterMs: 0 }, askAnother };
  return { sample: penalise ? { kind: "failed" } : { kind: "answered", latencyMs }, askAnother };
}
