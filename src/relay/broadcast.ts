import type { Outcome } from "../domain/outcome.ts";
import type { RelayError } from "../domain/relay_error.ts";
import { answered, type Asking, betterError, chooseSeveral, failed, isSuccess, noProvider } from "./asking.ts";
import { type AnsweredResult, isAnswered } from "./attempt.ts";
import { MAX_ATTEMPTS } from "./retry_policy.ts";

/**
 * Asks the best providers at once, and takes the first success. For writes: the more nodes see one, the sooner it is
 * known to all, so that the attempts that are still under way then are left to end by themselves, for five seconds at the most.
 */
export async function broadcast(asking: Asking): Promise<Outcome> {
  const { attempts, request: { api }, clock } = asking;
  for (const candidate of chooseSeveral(asking, 1, MAX_ATTEMPTS)) attempts.start({ candidate, api }, clock.monotonic());
  let best: AnsweredResult | undefined;
  let lastError: RelayError = noProvider(asking.request, api);
  while (attempts.open > 0) {
    const happening = await attempts.next();
    if (happening === "time_is_up") {
      attempts.expire();
    } else if (isSuccess(asking, happening.reading)) {
      attempts.letGo();
      return answered(asking, happening as AnsweredResult);
    } else if (isAnswered(happening)) {
      best = betterError(best, happening);
    } else if (happening.reading.kind === "failure") {
      lastError = happening.reading.error;
    }
  }
  return best === undefined ? failed(asking, api, lastError) : answered(asking, best);
}
