import type { NodeErrorClass } from "../../domain/node_error.ts";
import { classify, joinTexts, type NodeErrorRule } from "../node_error_rule.ts";

/** What the errors of REST gateways mean, first match first; the codes are those of gRPC. */
export const NODE_ERROR_RULES: readonly NodeErrorRule[] = [
  { kind: "rate_limited", text: /rate.?limit|too many requests|quota/i },
  {
    kind: "missing_data",
    text:
      /version does not exist|failed to load state at height|lowest height is|pruned|version mismatch on immutable|could not find (?:results|block)|mvcc: required revision has been compacted/i,
  },
  { kind: "syncing", text: /catching up|is syncing|not (?:fully )?synced|no leader/i },
  {
    kind: "overloaded",
    text: /too many concurrent|overload|time[d]?.?out|deadline exceeded|connection (?:reset|refused|error)/i,
  },
  // Deadline exceeded, resource exhausted, unavailable.
  { kind: "overloaded", codes: [4, 14] },
  { kind: "rate_limited", codes: [8] },
  // Invalid argument, not found, already exists, permission, precondition, out of range, unimplemented, unauthenticated.
  { kind: "deterministic", codes: [3, 5, 6, 7, 9, 11, 12, 16] },
];

/** What an error status means where the body says nothing about it. */
const STATUS_RULES: readonly NodeErrorRule[] = [
  { kind: "overloaded", codes: [502, 503, 504] },
  { kind: "deterministic", codes: [400, 404, 405, 409, 410, 411, 413, 414, 415, 422, 501] },
];

/** Longest body that is looked into. */
const MAX_ERROR_BYTES = 65_536;

/** The object that an error's body holds; undefined for anything else. */
export function errorBody(body: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  if (body.length > MAX_ERROR_BYTES) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** What kind of error a node's answer with an error status is. */
export function classifyNodeError(status: number, body: Readonly<Record<string, unknown>> | undefined): NodeErrorClass {
  const code = typeof body?.["code"] === "number" ? body["code"] : undefined;
  const kind = classify(NODE_ERROR_RULES, { code, text: joinTexts(body?.["message"], body?.["error"]) });
  return kind === "unknown" ? classify(STATUS_RULES, { code: status, text: "" }) : kind;
}
