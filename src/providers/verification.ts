import type { NodeCheck, NodeQuestion, ProbeResult } from "./node_probe.ts";
import type { Candidate } from "./selector.ts";

/** How a node did at a check: `unknown` where it has not answered, which says nothing about what it is. */
export type Verdict =
  | { readonly kind: "passed" }
  | { readonly kind: "failed" | "unknown"; readonly reason: string };

const PASSED: Verdict = { kind: "passed" };

/** Asks a node, within the time that it has. */
export type Ask = (question: NodeQuestion, block?: number) => Promise<ProbeResult>;

/** Whether a node URL is held to a check. */
export function isHeldTo({ name, services, question }: NodeCheck, candidate: Candidate): boolean {
  const { addOns, skipVerifications } = candidate.nodeUrl;
  if (skipVerifications?.has("*") || skipVerifications?.has(name)) return false;
  return services.every((service) => addOns.has(service)) && question.fits(candidate);
}

/** Holds a node to a check; `head` is its newest block, 0 where that is not known. */
export async function judge(check: NodeCheck, head: number, ask: Ask): Promise<Verdict> {
  const { expectedValue, latestDistance, isAboutBlock, question } = check;
  if (latestDistance > 0) {
    if (head === 0) return { kind: "unknown", reason: "its newest block is not known" };
    // A chain that is that young has no block so old.
    if (head <= latestDistance) return PASSED;
  }
  const { kind, text } = await ask(question, isAboutBlock ? head - latestDistance : undefined);
  if (kind !== "value") return { kind: kind === "refusal" ? "failed" : "unknown", reason: text };
  if (expectedValue !== undefined && expectedValue !== "*" && !isSameValue(text, expectedValue)) {
    return { kind: "failed", reason: `it says ${text.slice(0, 100)} instead of ${expectedValue}` };
  }
  if (latestDistance === 0 || isAboutBlock || Number(text) <= head - latestDistance) return PASSED;
  return {
    kind: "failed",
    reason: `its oldest block is ${text}, and ${latestDistance} blocks behind ${head} are needed`,
  };
}

/** Whether two values are the same: texts but for case, or numbers in decimal or with 0x. */
function isSameValue(text: string, expected: string): boolean {
  if (text.toLowerCase() === expected.toLowerCase()) return true;
  return NUMBER.test(text) && NUMBER.test(expected) && BigInt(text) === BigInt(expected);
}

const NUMBER = /^(?:0x[0-9a-f]{1,64}|[0-9]{1,78})$/i;
