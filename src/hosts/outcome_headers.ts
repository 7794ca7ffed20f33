import type { Outcome } from "../domain/outcome.ts";
import { returnedHeaders } from "./header_rules.ts";

/** Longest list of names in a header. */
const MAX_HEADER_CHARS = 1_024;

/** The headers that {@linkcode outcomeHeaders} may give, for pages to be allowed to read. */
export const OUTCOME_HEADERS: readonly string[] = [
  "lava-provider-address",
  "lava-retries",
  "provider-latest-block",
  "lava-guid",
  "lava-user-request-type",
  "lava-identified-node-error",
  "lava-cross-validation-status",
  "lava-selection-stats",
  "lava-debug-relay",
  "relaymeter-usage",
  "retry-after",
];

/** What the response to a relay says about how it came about, and what the chain spec lets through of the node's own. */
export function outcomeHeaders(
  outcome: Outcome,
  guid: string,
  headOf: (provider: string) => number,
): (readonly [string, string])[] {
  const { api, retries, notes } = outcome;
  const headers: (readonly [string, string])[] = [
    ["lava-guid", guid],
    ["lava-user-request-type", headerText(api.apiMethod)],
  ];
  if (outcome.kind === "answer") {
    headers.push(["lava-provider-address", outcome.cacheHit ? "Cached" : outcome.provider]);
    const head = outcome.cacheHit ? 0 : headOf(outcome.provider);
    if (head > 0) headers.push(["provider-latest-block", String(head)]);
    if (!outcome.success) headers.push(["lava-identified-node-error", "true"]);
    headers.push(...returnedHeaders(outcome.replyHeaders, api.headerRules));
  } else if (outcome.tried.length > 0) {
    headers.push(["lava-provider-address", outcome.tried.join(",").slice(0, MAX_HEADER_CHARS)]);
  }
  if (retries > 0) headers.push(["lava-retries", String(retries)]);
  if (notes.length > 0) headers.push(...notes);
  return headers;
}

/** A text that may stand in a header, cut and percent-encoded where it has to be. */
function headerText(text: string): string {
  const cut = text.length > MAX_HEADER_CHARS ? text.slice(0, MAX_HEADER_CHARS) : text;
  return /^[ -~]*$/.test(cut) ? cut : encodeURIComponent(cut.toWellFormed());
}

/** Names requests: `<random>-<count>`, never twice in a process, and hardly ever in two. */
export function createGuids(random: () => number): () => string {
  const boot = Math.floor(random() * 2 ** 48).toString(16).padStart(12, "0");
  let count = 0;
  return () => `${boot}-${(++count).toString(16)}`;
}
