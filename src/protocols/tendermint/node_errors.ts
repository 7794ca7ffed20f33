import type { NodeErrorClass } from "../../domain/node_error.ts";
import { classify, type NodeError, type NodeErrorRule } from "../node_error_rule.ts";

/**
 * What the errors of Tendermint and CometBFT nodes mean, first match first. Nearly all of them have the code -32603, so
 * that the text decides. A transaction that is not found, or a block of the future, is the same with every node that is
 * up to date, and stays unknown.
 */
export const NODE_ERROR_RULES: readonly NodeErrorRule[] = [
  { kind: "rate_limited", text: /rate.?limit|too many requests|quota/i },
  {
    kind: "missing_data",
    text:
      /lowest height is|could not find (?:results|block|validator)|pruned|not available, (?:base|lowest)|indexing is disabled/i,
  },
  { kind: "syncing", text: /catching up|is syncing|not (?:fully )?synced/i },
  {
    kind: "deterministic",
    text:
      /already exists in cache|error on (?:broadcast|parse)|error converting|failed to parse|timed out waiting for tx/i,
  },
  {
    kind: "overloaded",
    text: /mempool is full|time[d]?.?out|deadline exceeded|too busy|overload|EOF|connection (?:reset|refused)/i,
  },
  { kind: "deterministic", codes: [-32600, -32601, -32602, -32700] },
];

/** What kind of error a node's error object is. */
export function classifyNodeError(error: NodeError): NodeErrorClass {
  return classify(NODE_ERROR_RULES, error);
}
