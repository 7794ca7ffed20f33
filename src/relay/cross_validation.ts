import type { Outcome } from "../domain/outcome.ts";
import { failure, type RelayError } from "../domain/relay_error.ts";
import type { AnswerReading } from "../domain/relay_request.ts";
import type { CrossValidation } from "../domain/steering.ts";
import { answered, type Asking, chooseSeveral, failed, isSuccess, noProvider } from "./asking.ts";
import { type AnsweredResult, isAnswered } from "./attempt.ts";
import { canonicalJson } from "./canonical_json.ts";

/**
 * Asks several providers at once, and answers as soon as enough of them have said the same.
 *
 * Answers are the same when they are the same JSON, however it is written, or else the same bytes. A node's error never
 * counts. Ends as soon as there can be no agreement any more.
 */
export async function crossValidate(
  asking: Asking,
  { maxParticipants, agreementThreshold }: CrossValidation,
): Promise<Outcome> {
  const { attempts, request: { api }, clock } = asking;
  const participants = chooseSeveral(asking, maxParticipants, maxParticipants);
  if (participants.length < agreementThreshold) return tooFew(asking, participants.length, agreementThreshold);
  for (const candidate of participants) attempts.start({ candidate, api }, clock.monotonic());
  const votes = new Map<string, AnsweredResult[]>();
  let most = 0;
  let lastError: RelayError | undefined;
  while (most + attempts.open >= agreementThreshold && attempts.open > 0) {
    const happening = await attempts.next();
    if (happening === "time_is_up") {
      attempts.expire();
      continue;
    }
    if (happening.reading.kind === "failure") lastError = happening.reading.error;
    if (!isAnswered(happening) || !isSuccess(asking, happening.reading)) continue;
    const key = contentOf(happening.reading);
    const alike = [...votes.get(key) ?? [], happening];
    votes.set(key, alike);
    most = Math.max(most, alike.length);
    if (alike.length >= agreementThreshold) {
      attempts.abandon(happening);
      return answered(asking, alike[0]!, { notes: [["lava-cross-validation-status", "success"]] });
    }
  }
  attempts.abandon(undefined);
  const message = `${most} of ${participants.length} providers gave the same answer, and ${agreementThreshold} must`;
  const error = votes.size === 0 && lastError !== undefined ? lastError : failure("no_agreement", message).error;
  return failed(asking, api, error, { notes: [["lava-cross-validation-status", "failed"]] });
}

/** Nobody is asked when there can be no agreement. */
function tooFew(asking: Asking, available: number, needed: number): Outcome {
  const { request, request: { api } } = asking;
  const message = `${available} providers can be asked, and agreement of ${needed} is wanted; ask for less`;
  const error = available === 0 ? noProvider(request, api) : failure("no_provider", message).error;
  return failed(asking, api, error, { notes: [["lava-cross-validation-status", "failed"]] });
}

/** What two answers share when they say the same. */
function contentOf({ status, body }: AnswerReading): string {
  const bytes = body ?? new Uint8Array();
  return `${status} ${canonicalJson(bytes) ?? bytes.join()}`;
}
