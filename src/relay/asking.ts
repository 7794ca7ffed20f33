import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { NODE_ERRORS } from "../domain/node_error.ts";
import type { Outcome } from "../domain/outcome.ts";
import { failure, type RelayError } from "../domain/relay_error.ts";
import type { AnswerReading, ApiFacts, Reading, RelayRequest } from "../domain/relay_request.ts";
import type { HeaderFields } from "../domain/wire.ts";
import type { Candidate, Selector } from "../providers/selector.ts";
import type { NodeUrl } from "../providers/provider.ts";
import type { AnsweredResult } from "./attempt.ts";
import type { Attempts } from "./attempts.ts";
import type { Latencies } from "./latencies.ts";
import type { Plan } from "./plan.ts";
import type { RetryOptions } from "./retry_policy.ts";

/** One relay while nodes are asked: what each of the ways to ask works with. */
export interface Asking {
  readonly request: RelayRequest;
  readonly plan: Plan;
  readonly attempts: Attempts;
  readonly selector: Selector;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: RetryOptions & { readonly batchNodeErrorOnAny: boolean; readonly hedgeQuantile: number };
  /** Block that providers must have reached as far as is known; 0 for any. */
  readonly minBlock: number;
  /** How long answers took; undefined where nobody wants to know. */
  readonly latencies: Latencies | undefined;
}

/** Milliseconds after which an answer of a provider is late by its own measure; infinite where that is not known. */
export function lateAfterMs({ latencies, request: { api }, options }: Asking, provider: string): number {
  return latencies?.quantile(provider, api, options.hedgeQuantile) ?? Infinity;
}

/** Whether an answer counts as a success: of a batch, whether any part of it does, or all where that is asked for. */
export function isSuccess({ options }: Asking, reading: Reading): reading is AnswerReading {
  if (reading.kind === "failure") return false;
  return options.batchNodeErrorOnAny ? reading.failedParts === 0 : reading.succeededParts > 0;
}

/** What is known of the way to an outcome, where there is something to tell. */
export interface OutcomeDetails {
  readonly retries?: number;
  readonly hedges?: number;
  readonly notes?: HeaderFields;
}

/** The outcome of a relay whose answer is that of one attempt. */
export function answered(asking: Asking, result: AnsweredResult, details: OutcomeDetails = {}): Outcome {
  asking.attempts.winner = result;
  const { status, headers, body, trailers } = result.reading;
  const { tried } = asking.attempts;
  const { retries = 0, hedges = 0, notes = NO_NOTES } = details;
  return {
    kind: "answer",
    provider: result.candidate.provider.name,
    cacheHit: false,
    success: isSuccess(asking, result.reading),
    response: trailers === undefined ? { status, headers, body } : { status, headers, body, trailers },
    replyHeaders: result.reply.headers,
    api: result.api,
    tried,
    attempts: tried.length,
    retries,
    hedges,
    notes,
  };
}

/** The outcome of a relay that no node has answered. */
export function failed({ attempts }: Asking, api: ApiFacts, error: RelayError, details: OutcomeDetails = {}): Outcome {
  // What was done to all attempts from outside says more than how the last one took it.
  const { tried } = attempts;
  const { retries = 0, hedges = 0, notes = NO_NOTES } = details;
  const cause = attempts.stopError ?? error;
  return { kind: "failure", error: cause, api, tried, attempts: tried.length, retries, hedges, notes };
}

const NO_NOTES: HeaderFields = [];

/** The better of two answers that are errors of their nodes: what is known for sure, then the later one. */
export function betterError(known: AnsweredResult | undefined, next: AnsweredResult): AnsweredResult {
  return known !== undefined && rankOf(known) > rankOf(next) ? known : next;
}

/** Higher says more: an error that all nodes would give, one about the data, one about the node itself. */
function rankOf({ reading: { nodeError = "unknown" } }: AnsweredResult): number {
  const { askAnother, addsArchive } = NODE_ERRORS[nodeError];
  return askAnother ? (addsArchive ? 1 : 0) : 2;
}

/** A node to ask: one that has the block that is wanted, else any, as an older answer beats none. */
export function chooseOne(
  { selector, request, attempts, minBlock }: Asking,
  api: ApiFacts,
  nowMs: number,
): Candidate | undefined {
  const tried = attempts.triedUrls();
  const candidate = selector.select({ request, api, tried, minBlock, nowMs });
  if (candidate !== undefined || minBlock === 0) return candidate;
  return selector.select({ request, api, tried, minBlock: 0, nowMs });
}

/** The best nodes to ask at once, each of another provider: at most `atMost`, and not the spare ones beyond `atLeast`. */
export function chooseSeveral(
  { selector, request, minBlock }: Asking,
  atLeast: number,
  atMost: number,
): readonly Candidate[] {
  const selection = { request, api: request.api, tried: new Set<NodeUrl>(), minBlock };
  const candidates = selector.selectSeveral(selection, atLeast, atMost);
  if (candidates.length >= atLeast || minBlock === 0) return candidates;
  return selector.selectSeveral({ ...selection, minBlock: 0 }, atLeast, atMost);
}

/** Why nobody could be asked. */
export function noProvider({ chain, steering }: RelayRequest, api: ApiFacts): RelayError {
  if (steering.selectProvider !== "" || steering.blockedProviders.length > 0) {
    const wish = steering.selectProvider !== "" ? "lava-select-provider" : "lava-providers-block";
    return failure("no_provider", `no provider that serves it is left by ${wish}; send the request without it`).error;
  }
  const needs = [api.addOn, ...api.extensions].filter((name) => name !== "").join(", ");
  const what = needs === "" ? api.apiMethod.slice(0, 100) : `${needs} of ${chain}`;
  return failure("no_provider", `no configured provider serves ${what}; add it to a node URL's addons or methods`)
    .error;
}
