import { assertEquals } from "@std/assert";
import type { NodeErrorClass } from "../../src/domain/node_error.ts";
import { classifyNodeError as jsonRpc } from "../../src/protocols/jsonrpc/node_errors.ts";
import { classifyNodeError as rest } from "../../src/protocols/rest/node_errors.ts";
import { classifyNodeError as tendermint } from "../../src/protocols/tendermint/node_errors.ts";

/** What nodes and services say, in their own words, and what it means. */
const JSON_RPC: readonly (readonly [code: number, message: string, kind: NodeErrorClass])[] = [
  // EVM clients
  [3, "execution reverted: ERC20: transfer amount exceeds balance", "deterministic"],
  [-32000, "execution reverted", "deterministic"],
  [-32015, "VM execution error.", "deterministic"],
  [-32603, "Error: VM Exception while processing transaction: reverted with reason string 'no'", "deterministic"],
  [-32000, "nonce too low: next nonce 5, tx nonce 4", "deterministic"],
  [-32000, "already known", "deterministic"],
  [-32000, "insufficient funds for gas * price + value: balance 0", "deterministic"],
  [-32000, "replacement transaction underpriced", "deterministic"],
  [-32000, "intrinsic gas too low: gas 0, minimum needed 21000", "deterministic"],
  [-32602, "invalid argument 0: hex string has length 2, want 40 for common.Address", "deterministic"],
  [-32601, "the method eth_foo does not exist/is not available", "deterministic"],
  [-32005, "query returned more than 10000 results", "deterministic"],
  [-32600, "block range is too wide", "deterministic"],
  [-32000, "missing trie node 5f2d (path ) state 0x5f is not available", "missing_data"],
  [-32000, "header not found", "missing_data"],
  [-32000, "header for hash not found", "missing_data"],
  [-32000, "block #123 not found", "missing_data"],
  [-32000, "block 0x7b not found", "missing_data"],
  [-32000, "required historical state unavailable (reexec=128)", "missing_data"],
  [4444, "pruned history unavailable", "missing_data"],
  [-32001, "resource not found", "missing_data"],
  [-32000, "state at block #1 is pruned", "missing_data"],
  [-32000, "Node is still syncing", "syncing"],
  [-32603, "Internal error", "overloaded"],
  [-32000, "context deadline exceeded", "overloaded"],
  [-32000, "request timed out", "overloaded"],
  [-32005, "daily request count exceeded, request rate limited", "rate_limited"],
  [-32005, "limit exceeded", "rate_limited"],
  [429, "Your app has exceeded its compute units per second capacity.", "rate_limited"],
  [-32029, "Too many connections", "rate_limited"],
  [-32000, "something that nobody has seen", "unknown"],
  [-32000, "", "unknown"],
  // Bitcoin and its kin
  [-8, "Block height out of range", "deterministic"],
  [-5, "Invalid address", "deterministic"],
  [-5, "No such mempool transaction. Use -txindex or provide a block hash", "missing_data"],
  [-1, "Block not available (pruned data)", "missing_data"],
  [-25, "bad-txns-inputs-missingorspent", "deterministic"],
  [-26, "txn-mempool-conflict", "deterministic"],
  [-27, "Transaction already in block chain", "deterministic"],
  [-28, "Loading block index...", "syncing"],
  [-28, "Verifying blocks...", "syncing"],
  [-10, "Litecoin is downloading blocks...", "syncing"],
  // Solana
  [-32002, "Transaction simulation failed: Blockhash not found", "deterministic"],
  [-32003, "Transaction signature verification failure", "deterministic"],
  [-32004, "Block not available for slot 5", "missing_data"],
  [-32007, "Slot 5 was skipped, or missing due to ledger jump to recent snapshot", "missing_data"],
  [-32005, "Node is behind by 42 slots", "syncing"],
  [-32016, "Minimum context slot has not been reached", "syncing"],
  // NEAR
  [-32000, "Server error DB Not Found Error: BLOCK HEIGHT: 1 UNKNOWN_BLOCK", "missing_data"],
  [-32000, "Server error GARBAGE_COLLECTED_BLOCK", "missing_data"],
  [-32000, "Server error NOT_SYNCED_YET", "syncing"],
];

for (const [code, message, kind] of JSON_RPC) {
  Deno.test(`JSON-RPC ${code} "${message.slice(0, 60)}" is ${kind}`, () => {
    assertEquals(jsonRpc({ code, text: message }), kind);
  });
}

const TENDERMINT: readonly (readonly [code: number, text: string, kind: NodeErrorClass])[] = [
  [-32603, "Internal error height 1 is not available, lowest height is 1000", "missing_data"],
  [-32603, "Internal error could not find results for height #5", "missing_data"],
  [-32603, "Internal error transaction indexing is disabled", "missing_data"],
  [-32603, "Internal error tx already exists in cache", "deterministic"],
  [-32603, "Internal error timed out waiting for tx to be included in a block", "deterministic"],
  [-32603, "Internal error mempool is full: number of txs 5000 (max: 5000)", "overloaded"],
  [-32603, "Internal error height 999 must be less than or equal to the current blockchain height 5", "unknown"],
  [-32603, "Internal error tx (AB) not found", "unknown"],
  [-32601, "Method not found", "deterministic"],
  [-32602, "Invalid params error converting http params to arguments", "deterministic"],
];

for (const [code, text, kind] of TENDERMINT) {
  Deno.test(`Tendermint ${code} "${text}" is ${kind}`, () => assertEquals(tendermint({ code, text }), kind));
}

const REST:
  readonly (readonly [status: number, body: Readonly<Record<string, unknown>> | undefined, NodeErrorClass])[] = [
    [400, { code: 3, message: "invalid address" }, "deterministic"],
    [404, { code: 5, message: "account cosmos1 not found" }, "deterministic"],
    [501, { code: 12, message: "Not Implemented" }, "deterministic"],
    [404, undefined, "deterministic"],
    [
      500,
      { code: 2, message: "failed to load state at height 5; version does not exist (latest height: 9)" },
      "missing_data",
    ],
    [400, { code: 18, message: "height 1 is not available, lowest height is 1000" }, "missing_data"],
    [500, { code: 13, message: "something that nobody has seen" }, "unknown"],
    [503, { code: 14, message: "transport is closing" }, "overloaded"],
    [503, {}, "overloaded"],
    [504, { code: 4, message: "context deadline exceeded" }, "overloaded"],
    [500, { error: "too many requests" }, "rate_limited"],
    [500, { code: 8, message: "resource exhausted" }, "rate_limited"],
    [503, { error: "etcdserver: no leader", code: 14 }, "syncing"],
  ];

for (const [status, body, kind] of REST) {
  Deno.test(`REST ${status} ${JSON.stringify(body)} is ${kind}`, () => assertEquals(rest(status, body), kind));
}
