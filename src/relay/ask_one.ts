import { NODE_ERRORS } from "../domain/node_error.ts";
import type { Outcome } from "../domain/outcome.ts";
import type { RelayError } from "../domain/relay_error.ts";
import type { ApiFacts } from "../domain/relay_request.ts";
import { answered, type Asking, betterError, chooseOne, failed, isSuccess, lateAfterMs, noProvider } from "./asking.ts";
import { type AnsweredResult, type AttemptResult, isAnswered } from "./attempt.ts";
import { decideNext, type Decision, isNeverSeen, type RetryCause } from "./retry_policy.ts";

/** Asks one node, and another where that is slow or fails, until one answers or the policy says stop. */
export async function askOne(asking: Asking): Promise<Outcome> {
  const { attempts, log } = asking;
  const search = new Search(asking);
  if (!search.askAnother()) return search.end();
  for (;;) {
    const happening = await attempts.next();
    if (happening === "time_is_up") {
      search.hedge();
      continue;
    }
    if (isSuccess(asking, happening.reading)) {
      attempts.abandon(happening);
      return search.endWith(happening as AnsweredResult);
    }
    const decision = search.takeFailure(happening);
    log.debug("attempt failed", { provider: happening.candidate.provider.name, ...decision });
    if (attempts.open === 0 || isFinal(decision)) {
      attempts.abandon(happening);
      return search.end();
    }
  }
}

/** Whether nothing that is under way can do better. */
function isFinal({ reason }: Decision): boolean {
  return reason === "same_everywhere" || reason === "permanent";
}

/** What is known while one node after the other is asked. */
class Search {
  readonly #asking: Asking;
  #api: ApiFacts;
  #best: AnsweredResult | undefined;
  #lastError: RelayError | undefined;
  #errors = 0;
  #retries = 0;
  #hedges = 0;

  constructor(asking: Asking) {
    this.#asking = asking;
    this.#api = asking.request.api;
  }

  /** Starts an attempt against a node that has not been asked. False when there is none. */
  askAnother(): boolean {
    const { attempts, request } = this.#asking;
    if (attempts.stopError !== undefined) return false;
    let candidate = chooseOne(this.#asking, this.#api);
    if (candidate === undefined && this.#api !== request.api) {
      // Those with the archive have been asked; another one may be luckier without.
      this.#api = request.api;
      candidate = chooseOne(this.#asking, this.#api);
    }
    if (candidate === undefined) return false;
    const isFirst = attempts.tried.length === 0;
    attempts.start(
      { candidate, api: this.#api },
      isFirst ? lateAfterMs(this.#asking, candidate.provider.name) : Infinity,
    );
    return true;
  }

  /** The attempts under way are slow: another one takes over, or they end as they have had their time. */
  hedge(): void {
    const { attempts } = this.#asking;
    const isAllowed = this.#decide({ kind: "slow" }).action === "ask";
    if (isAllowed) attempts.overtake();
    if (isAllowed && this.askAnother()) this.#hedges++;
    else attempts.expire();
  }

  /** Takes in an attempt that was no success, and asks another node where that may help. */
  takeFailure(result: AttemptResult): Decision {
    const { attempts } = this.#asking;
    const cause = causeOf(result);
    if (!isNeverSeen(cause)) this.#errors++;
    if (isAnswered(result)) this.#best = betterError(this.#best, result);
    else if (result.reading.kind === "failure") this.#lastError = result.reading.error;
    if (cause.kind === "node_error" && NODE_ERRORS[cause.nodeError].addsArchive) this.#addArchive();
    const decision = this.#decide(cause);
    if (decision.action === "ask" && this.askAnother()) this.#retries++;
    else attempts.expire();
    return decision;
  }

  /** The outcome when an attempt has succeeded. */
  endWith(result: AnsweredResult): Outcome {
    return answered(this.#asking, result, { retries: this.#retries, hedges: this.#hedges });
  }

  /** The outcome when none has: the best of the nodes' own errors, else what went wrong last. */
  end(): Outcome {
    if (this.#best !== undefined) return this.endWith(this.#best);
    const error = this.#lastError ?? noProvider(this.#asking.request, this.#api);
    return failed(this.#asking, this.#api, error, { retries: this.#retries, hedges: this.#hedges });
  }

  #decide(cause: RetryCause): Decision {
    const { request, attempts, plan, clock, options } = this.#asking;
    return decideNext({
      cause,
      isCrossValidation: false,
      stateful: request.api.stateful,
      isBatch: request.call.isBatch,
      attempts: attempts.tried.length,
      errors: this.#errors,
      remainingMs: plan.deadlineMs - clock.monotonic(),
    }, options);
  }

  /** From now on a node is asked that keeps old data, where there is one. Happens once. */
  #addArchive(): void {
    const { selector, request } = this.#asking;
    if (this.#api !== request.api || !selector.serves("archive")) return;
    this.#api = request.api.withExtension("archive") ?? request.api;
  }
}

function causeOf({ reading }: AttemptResult): RetryCause {
  if (reading.kind === "failure") return { kind: "failed", code: reading.error.code };
  return { kind: "node_error", nodeError: reading.nodeError ?? "unknown" };
}
