import type { Clock } from "../domain/clock.ts";
import { CLIENT_CLOSED, failure, SHUTTING_DOWN, traitsOf } from "../domain/relay_error.ts";
import type { Reading, RelayRequest } from "../domain/relay_request.ts";
import type { HeaderFields } from "../domain/wire.ts";
import type { Candidate, Sample } from "../providers/selector.ts";
import type { SendResult, Transport } from "../providers/transport.ts";

/** What an attempt needs. */
export interface AttemptDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  /** The attempts under way, for whoever has to end them. */
  readonly inFlight: Set<AbortController>;
}

/** How an attempt ended: for the client, and for choosing the next node. */
export interface AttemptResult {
  readonly reading: Reading;
  /** Headers of the node's reply; empty when there was none. */
  readonly replyHeaders: HeaderFields;
  /** Undefined when the attempt says nothing about the node. */
  readonly sample: Sample | undefined;
}

/**
 * One try against one node URL. Never rejects.
 *
 * Ends at the latest after `timeoutMs`, when the client goes away, or when the relay stops.
 */
export async function attempt(
  { transport, clock, inFlight }: AttemptDeps,
  request: RelayRequest,
  { provider, nodeUrl }: Candidate,
  timeoutMs: number,
): Promise<AttemptResult> {
  const startedAtMs = clock.monotonic();
  const controller = new AbortController();
  const interrupt = (code: Interruption) => controller.abort(code);
  const onClose = () => interrupt("client_closed");
  const cancelTimer = clock.schedule(timeoutMs, () => interrupt("upstream_timeout"));
  request.signal.addEventListener("abort", onClose, { once: true });
  inFlight.add(controller);
  let sent: SendResult;
  try {
    sent = await transport.send(nodeUrl, request.nodeRequest, request.caller.address, controller.signal);
  } finally {
    cancelTimer();
    request.signal.removeEventListener("abort", onClose);
    inFlight.delete(controller);
  }
  if (sent.kind === "failure" && controller.signal.aborted) {
    return interrupted(controller.signal.reason, provider.name, timeoutMs);
  }
  const reading = sent.kind === "reply" ? request.call.readReply(sent.reply) : sent;
  if (reading.kind === "answer") {
    const replyHeaders = sent.kind === "reply" ? sent.reply.headers : [];
    return { reading, replyHeaders, sample: { kind: "answered", latencyMs: clock.monotonic() - startedAtMs } };
  }
  const { code, message } = reading.error;
  return {
    reading: failure(code, `provider ${provider.name}: ${message}`),
    replyHeaders: [],
    sample: sampleOf(sent, reading),
  };
}

/** Why an attempt was ended from this side. */
type Interruption = "client_closed" | "shutting_down" | "upstream_timeout";

function interrupted(code: Interruption, provider: string, timeoutMs: number): AttemptResult {
  switch (code) {
    case "client_closed":
      return { reading: { kind: "failure", error: CLIENT_CLOSED }, replyHeaders: [], sample: undefined };
    case "shutting_down":
      return { reading: { kind: "failure", error: SHUTTING_DOWN }, replyHeaders: [], sample: undefined };
    case "upstream_timeout": {
      const message = `provider ${provider} did not answer within ${Math.round(timeoutMs)} ms`;
      return { reading: failure(code, message), replyHeaders: [], sample: { kind: "failed" } };
    }
  }
}

/** Ends attempts that are under way, because the relay stops. */
export function interruptAll(inFlight: ReadonlySet<AbortController>): void {
  const code: Interruption = "shutting_down";
  for (const controller of inFlight) controller.abort(code);
}

/** What a failed attempt says about the node. */
function sampleOf(sent: SendResult, { error: { code } }: Reading & { kind: "failure" }): Sample | undefined {
  if (code === "upstream_rate_limited") {
    return { kind: "rate_limited", retryAfterMs: sent.kind === "reply" ? sent.reply.retryAfterMs : 0 };
  }
  // A 4xx of the node is about the request or the key: it says nothing about the node's health.
  const isRefusal = sent.kind === "reply" && sent.reply.status >= 400 && sent.reply.status < 500;
  return traitsOf(code).penalise && !isRefusal ? { kind: "failed" } : undefined;
}
