import { NODE_ERRORS } from "../domain/node_error.ts";
import type { Outcome } from "../domain/outcome.ts";
import type { RelayError } from "../domain/relay_error.ts";
import type { ApiFacts } from "../domain/relay_request.ts";
import { answered, type Asking, betterError, chooseOne, failed, isSuccess, lateAfterMs, noProvider } from "./asking.ts";
import { type AnsweredResult, type AttemptResult, isAnswered } from "./attempt.ts";
import type { AttemptsListener, Happening } from "./attempts.ts";
import { decideNext, type Decision, isNeverSeen, type RetryCause } from "./retry_policy.ts";

/** Asks one node, and another where that is slow or fails, until one answers or the policy says stop. */
export function askOne(asking: Asking): Promise<Outcome> {
  return new Promise((resolve, reject) => new Search(asking, resolve, reject).begin());
}

/** Whether nothing that is under way can do better. */
function isFinal({ reason }: Decision): boolean {
  return reason === "same_everywhere" || reason === "permanent";
}

/** One node after the other is asked. Nothing waits in between: what happens is told, and the outcome told once. */
class Search implements AttemptsListener {
  readonly #asking: Asking;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #reject: (mistake: unknown) => void;
  #api: ApiFacts;
  #best: AnsweredResult | undefined;
  #lastError: RelayError | undefined;
  #errors = 0;
  #retries = 0;
  #hedges = 0;
  #hasEnded = false;

  constructor(asking: Asking, resolve: (outcome: Outcome) => void, reject: (mistake: unknown) => void) {
    this.#asking = asking;
    this.#api = asking.request.api;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  begin(): void {
    this.#asking.attempts.listen(this);
    if (!this.#askAnother()) this.#resolve(this.#outcome());
  }

  happened(happening: Happening): void {
    if (this.#hasEnded) return;
    try {
      if (happening === "time_is_up") this.#hedge();
      else this.#take(happening);
    } catch (mistake) {
      this.#hasEnded = true;
      this.#reject(mistake);
    }
  }

  /** An attempt has ended. */
  #take(result: AttemptResult): void {
    const { attempts, log } = this.#asking;
    if (isSuccess(this.#asking, result.reading)) {
      this.#best = result as AnsweredResult;
    } else {
      const decision = this.#takeFailure(result);
      log.debug("attempt failed", { provider: result.candidate.provider.name, ...decision });
      if (attempts.open > 0 && !isFinal(decision)) return;
    }
    this.#hasEnded = true;
    attempts.abandon(result);
    this.#resolve(this.#outcome());
  }

  /** Starts an attempt against a node that has not been asked. False when there is none. */
  #askAnother(): boolean {
    const { attempts, request, clock } = this.#asking;
    if (attempts.stopError !== undefined) return false;
    const nowMs = clock.monotonic();
    let candidate = chooseOne(this.#asking, this.#api, nowMs);
    if (candidate === undefined && this.#api !== request.api) {
      // Those with the archive have been asked; another one may be luckier without.
      this.#api = request.api;
      candidate = chooseOne(this.#asking, this.#api, nowMs);
    }
    if (candidate === undefined) return false;
    const isFirst = attempts.tried.length === 0;
    attempts.start(
      { candidate, api: this.#api },
      nowMs,
      isFirst ? lateAfterMs(this.#asking, candidate.provider.name) : Infinity,
    );
    return true;
  }

  /** The attempts under way are slow: another one takes over, or they end as they have had their time. */
  #hedge(): void {
    const { attempts } = this.#asking;
    const isAllowed = this.#decide({ kind: "slow" }).action === "ask";
    if (isAllowed) attempts.overtake();
    if (isAllowed && this.#askAnother()) this.#hedges++;
    else attempts.expire();
  }

  /** Takes in an attempt that was no success, and asks another node where that may help. */
  #takeFailure(result: AttemptResult): Decision {
    const { attempts } = this.#asking;
    const cause = causeOf(result);
    if (!isNeverSeen(cause)) this.#errors++;
    if (isAnswered(result)) this.#best = betterError(this.#best, result);
    else if (result.reading.kind === "failure") this.#lastError = result.reading.error;
    if (cause.kind === "node_error" && NODE_ERRORS[cause.nodeError].addsArchive) this.#addArchive();
    const decision = this.#decide(cause);
    if (decision.action === "ask" && this.#askAnother()) this.#retries++;
    else attempts.expire();
    return decision;
  }

  /** The success, else the best of the nodes' own errors, else what went wrong last. */
  #outcome(): Outcome {
    const details = { retries: this.#retries, hedges: this.#hedges };
    if (this.#best !== undefined) return answered(this.#asking, this.#best, details);
    const error = this.#lastError ?? noProvider(this.#asking.request, this.#api);
    return failed(this.#asking, this.#api, error, details);
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
