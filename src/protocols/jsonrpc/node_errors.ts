import type { NodeErrorClass } from "../../domain/node_error.ts";
import { classify, type NodeError, type NodeErrorRule } from "../node_error_rule.ts";

/**
 * What the errors of JSON-RPC nodes mean, first match first: EVM clients, Bitcoin and its kin, Solana, NEAR, Starknet,
 * and the services in front of them. Codes collide between chains, so that texts come before codes.
 */
export const NODE_ERROR_RULES: readonly NodeErrorRule[] = [
  // The request itself is too much: every node says so, in its own words and with the codes of rate limits.
  {
    kind: "deterministic",
    text:
      /query returned more than|block range|range (?:is )?too (?:large|wide)|response size exceeded|too many results/i,
  },
  {
    kind: "deterministic",
    text:
      /revert|vm (?:execution|exception)|invalid opcode|out of gas|stack (?:under|over)flow|invalid jump|intrinsic gas|gas (?:required )?exceeds|exceeds block gas limit|write protection/i,
  },
  {
    kind: "deterministic",
    text:
      /nonce too (?:low|high)|already known|known transaction|insufficient funds|underpriced|max fee per gas less than|max priority fee|invalid sender|invalid signature|transaction type not supported|already in (?:the )?(?:block ?chain|mempool)|bad-txns|missing inputs|txn-/i,
  },
  {
    kind: "rate_limited",
    text:
      /rate.?limit|too many requests|request (?:count|limit|rate)|quota|throughput|credits|compute units per second|exceeded (?:its|the|your).*(?:capacity|limit|plan)|limit exceeded/i,
  },
  {
    kind: "missing_data",
    text:
      /missing trie node|header (?:for hash )?not found|unknown block|block (?:#?\w+ )?(?:is )?not (?:found|available)|state (?:is )?not available|historical state|state .* unavailable|pruned|archive|distance to target block|ancient|history (?:is )?not available|UNKNOWN_BLOCK|GARBAGE_COLLECTED|UNAVAILABLE_SHARD|UNKNOWN_CHUNK|slot \d+ was skipped|use -txindex|reindex/i,
  },
  {
    kind: "syncing",
    text:
      /node is (?:behind|unhealthy|syncing|not synced)|still syncing|not (?:fully |yet )?synced|catching up|initial (?:block )?download|minimum context slot|NOT_SYNCED|NO_SYNCED|loading (?:block index|wallet)|verifying blocks|rewinding/i,
  },
  {
    kind: "overloaded",
    text:
      /time[d]?.?out|deadline exceeded|overload|too busy|work queue|over capacity|service unavailable|temporarily unavailable|connection (?:reset|refused)|try again later|internal (?:server )?error|upstream/i,
  },
  { kind: "rate_limited", codes: [429, -32029, -32097] },
  // Resource not found, of the EVM's catalogue; Solana's blocks that are cleaned up or only in long-term storage.
  { kind: "missing_data", codes: [-32001, -32007, -32009, -32011, -32014] },
  // Bitcoin's not connected, in initial download, warming up; Solana's context slot that is not reached.
  { kind: "syncing", codes: [-9, -10, -28, -32016] },
  { kind: "overloaded", codes: [-32603] },
  { kind: "deterministic", codes: [3, -32600, -32601, -32602, -32700] },
  // EVM: refused, method not supported, version not supported. Solana: preflight, signatures, versions.
  { kind: "deterministic", codes: [-32002, -32003, -32004, -32006, -32013, -32015] },
  // Bitcoin: wrong types, addresses, parameters, encodings, and transactions that are refused or known.
  { kind: "deterministic", codes: [-3, -5, -8, -22, -25, -26, -27] },
];

/** What kind of error a node's error object is. */
export function classifyNodeError(error: NodeError): NodeErrorClass {
  return classify(NODE_ERROR_RULES, error);
}
