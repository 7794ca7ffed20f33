import type { Cancellation } from "../domain/cancellation.ts";
import type { Clock } from "../domain/clock.ts";
import { NODE_ERRORS } from "../domain/node_error.ts";
import { failure, traitsOf } from "../domain/relay_error.ts";
import type { AnswerReading, ApiFacts, Reading, RelayRequest } from "../domain/relay_request.ts";
import type { NodeReply, NodeRequest } from "../domain/wire.ts";
import type { Candidate, Sample } from "../providers/selector.ts";
import type { SendResult, Transport } from "../providers/transport.ts";

/** What an attempt needs. */
export interface AttemptDeps {
  readonly transport: Transport;
  readonly clock: Clock;
}

/** Whom to ask, and for what. */
export interface AttemptOrder {
  readonly candidate: Candidate;
  /** The call as it is made: an extension may have been added to the request's own. */
  readonly api: ApiFacts;
}

/** One that is under way, or has been. */
export interface StartedAttempt extends AttemptOrder {
  readonly startedAtMs: number;
}

/** How an attempt ended: for the client, and for choosing the next node. */
export interface AttemptResult extends StartedAttempt {
  readonly reading: Reading;
  /** Undefined when the node did not reply. */
  readonly reply: NodeReply | undefined;
  /** Undefined when the attempt says nothing about the node. */
  readonly sample: Sample | undefined;
}

/** An attempt that the node answered. */
export type AnsweredResult = AttemptResult & { readonly reading: AnswerReading; readonly reply: NodeReply };

/** Whether an attempt got an answer, be it an error of the node's own. */
export function isAnswered(result: AttemptResult): result is AnsweredResult {
  return result.reading.kind === "answer";
}

/**
 * One try against one node URL, which starts now. Never rejects. Once `signal` is aborted nobody looks at what it comes to, and the
 * transport gives up.
 */
export async function attempt(
  { transport, clock }: AttemptDeps,
  request: RelayRequest,
  order: AttemptOrder,
  startedAtMs: number,
  signal: Cancellation,
): Promise<AttemptResult> {
  const sent = await sendAttempt(transport, request, order, signal);
  return resultOf(request, { ...order, startedAtMs }, sent, clock.monotonic());
}

/** The first half of an attempt: the node is sent the request. */
export function sendAttempt(
  transport: Transport,
  { nodeRequest, caller }: RelayRequest,
  { candidate: { nodeUrl }, api }: AttemptOrder,
  signal: Cancellation,
): Promise<SendResult> {
  return transport.send(
    nodeUrl,
    nodeRequestFor(nodeRequest, api.internalPath, nodeUrl.internalPath),
    caller.address,
    signal,
  );
}

/** The second half of an attempt, which ended at `endedAtMs`: what the node sent is read. */
export function resultOf(
  { call }: RelayRequest,
  { candidate, api, startedAtMs }: StartedAttempt,
  sent: SendResult,
  endedAtMs: number,
): AttemptResult {
  const reply = sent.kind === "reply" ? sent.reply : undefined;
  const read = sent.kind === "reply" ? call.readReply(sent.reply) : sent;
  const reading = read.kind === "answer"
    ? read
    : failure(read.error.code, `provider ${candidate.provider.name}: ${read.error.message}`);
  return { candidate, api, startedAtMs, reading, reply, sample: sampleOf(sent, read, endedAtMs - startedAtMs) };
}

/** The request with the path of the chain's APIs, where the URL does not lead there already, before its own. */
function nodeRequestFor(request: NodeRequest, internalPath: string, pathOfUrl: string): NodeRequest {
  if (internalPath === "" || internalPath === pathOfUrl) return request;
  return { ...request, path: internalPath + request.path };
}

/** What an attempt that came to an end by itself says about the node. */
function sampleOf(sent: SendResult, reading: Reading, latencyMs: number): Sample | undefined {
  const reply = sent.kind === "reply" ? sent.reply : undefined;
  if (reading.kind === "answer") {
    if (reading.nodeError === "rate_limited") return { kind: "rate_limited", retryAfterMs: reply?.retryAfterMs ?? 0 };
    const isFault = reading.nodeError !== undefined && NODE_ERRORS[reading.nodeError].penalise;
    return isFault ? { kind: "failed" } : { kind: "answered", latencyMs };
  }
  const { code } = reading.error;
  if (code === "upstream_rate_limited") return { kind: "rate_limited", retryAfterMs: reply?.retryAfterMs ?? 0 };
  // A 4xx of the node is about the request or the key: it says nothing about the node's health.
  const isRefusal = reply !== undefined && reply.status >= 400 && reply.status < 500;
  return traitsOf(code).penalise && !isRefusal ? { kind: "failed" } : undefined;
}
