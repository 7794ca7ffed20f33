import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { Outcome } from "../domain/outcome.ts";
import { CLIENT_CLOSED, failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";
import type { AnswerReading, ApiFacts, RelayRequest } from "../domain/relay_request.ts";
import type { HeaderFields } from "../domain/wire.ts";
import type { NodeUrl } from "../providers/provider.ts";
import type { Selector } from "../providers/selector.ts";
import type { Transport } from "../providers/transport.ts";
import { attempt, interruptAll } from "./attempt.ts";
import type { Meter } from "./meter.ts";
import { type PlanOptions, planRelay } from "./plan.ts";
import { decideNext, type RetryOptions } from "./retry_policy.ts";

/** What the relay works with. */
export interface RelayDeps {
  readonly selector: Selector;
  readonly transport: Transport;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly log: Log;
}

/** Options of the relay, resolved. */
export interface RelayOptions extends PlanOptions, RetryOptions {
  /** Whether one failed part makes a batch count as failed; else all parts must have. */
  readonly batchNodeErrorOnAny: boolean;
}

/** Makes relays: asks nodes until one answers, and writes the bill. */
export class Relay {
  readonly #deps: RelayDeps;
  readonly #options: RelayOptions;
  readonly #inFlight = new Set<AbortController>();
  #isInterrupted = false;

  constructor(deps: RelayDeps, options: RelayOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Makes one relay. Never rejects; its event is with the sink when the outcome comes back. */
  async run(request: RelayRequest): Promise<Outcome> {
    const tried: string[] = [];
    let outcome: Outcome;
    try {
      outcome = await this.#askNodes(request, tried);
    } catch (error) {
      this.#deps.log.error("relay failed by a mistake of its own", { error: String(error) });
      outcome = this.#failed(
        request.api,
        tried,
        failure("internal_error", "the relay made a mistake; its log says more").error,
      );
    }
    this.#deps.meter.record(request, outcome);
    return outcome;
  }

  /** Ends the attempts that are under way and starts no more: their relays fail, and are recorded as failed. */
  interrupt(): void {
    this.#isInterrupted = true;
    interruptAll(this.#inFlight);
  }

  /** Asks one node after the other until one answers or the policy says stop. */
  async #askNodes(request: RelayRequest, tried: string[]): Promise<Outcome> {
    const { selector, transport, clock, log } = this.#deps;
    const attemptDeps = { transport, clock, inFlight: this.#inFlight };
    const { api } = request;
    const plan = planRelay(request, this.#options);
    const triedUrls = new Set<NodeUrl>();
    let last: RelayError | undefined;
    for (;;) {
      if (this.#isInterrupted) return this.#failed(api, tried, last ?? SHUTTING_DOWN);
      if (request.signal.aborted) return this.#failed(api, tried, last ?? CLIENT_CLOSED);
      const candidate = selector.select({ request, api, tried: triedUrls, minBlock: 0 });
      if (candidate === undefined) return this.#failed(api, tried, last ?? noProvider(request));
      triedUrls.add(candidate.nodeUrl);
      tried.push(candidate.provider.name);
      const remainingMs = plan.deadlineMs - clock.monotonic();
      const timeoutMs = Math.min(plan.relayTimeoutMs + candidate.nodeUrl.extraTimeoutMs, remainingMs);
      const { reading, replyHeaders, sample } = await attempt(attemptDeps, request, candidate, timeoutMs);
      if (sample !== undefined) selector.report(candidate, sample, api);
      if (reading.kind === "answer") return this.#answered(api, tried, reading, replyHeaders);
      last = reading.error;
      const decision = decideNext({
        code: last.code,
        attempts: tried.length,
        stateful: request.api.stateful,
        isBatch: request.call.isBatch,
        remainingMs: plan.deadlineMs - clock.monotonic(),
      }, this.#options);
      log.debug("attempt failed", { provider: candidate.provider.name, code: last.code, ...decision });
      if (decision.action === "stop") return this.#failed(api, tried, last);
    }
  }

  #answered(api: ApiFacts, tried: readonly string[], reading: AnswerReading, replyHeaders: HeaderFields): Outcome {
    const { succeededParts, failedParts, status, headers, body } = reading;
    return {
      kind: "answer",
      provider: tried.at(-1)!,
      cacheHit: false,
      success: this.#options.batchNodeErrorOnAny ? failedParts === 0 : succeededParts > 0,
      response: { status, headers, body },
      replyHeaders,
      api,
      tried,
      retries: tried.length - 1,
      hedges: 0,
      notes: [],
    };
  }

  #failed(api: ApiFacts, tried: readonly string[], error: RelayError): Outcome {
    return { kind: "failure", error, api, tried, retries: Math.max(0, tried.length - 1), hedges: 0, notes: [] };
  }
}

function noProvider({ api, chain }: RelayRequest): RelayError {
  const needs = [api.addOn, ...api.extensions].filter((name) => name !== "").join(", ");
  const what = needs === "" ? api.apiMethod.slice(0, 100) : `${needs} of ${chain}`;
  return failure("no_provider", `no configured provider serves ${what}; add it to a node URL's addons or methods`)
    .error;
}
