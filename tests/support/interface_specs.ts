import type { Api, ApiCollection, ApiInterface, ChainSpec, HeaderRule } from "../../mod.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";

/** An API of that name and price about the newest block. */
function api(name: string, computeUnits: number, changes: Partial<Api> = {}): Api {
  const block = { parser_func: "DEFAULT", parser_arg: ["latest"] } as const;
  return { name, enabled: true, compute_units: computeUnits, category: {}, block_parsing: block, ...changes };
}

function collection(
  apiInterface: ApiInterface,
  type: string,
  apis: readonly Api[],
  changes: Partial<ApiCollection> & { readonly addOn?: string; readonly internalPath?: string } = {},
): ApiCollection {
  const { addOn = "", internalPath = "", ...rest } = changes;
  const data = { api_interface: apiInterface, internal_path: internalPath, type, add_on: addOn };
  return { enabled: true, collection_data: data, apis, ...rest };
}

function spec(index: string, collections: readonly ApiCollection[]): ChainSpec {
  return {
    index,
    name: index,
    enabled: true,
    average_block_time: 1_000,
    block_distance_for_finalized_data: 1,
    allowed_block_lag_for_qos_sync: 1,
    api_collections: collections,
  };
}

const HEADERS: readonly HeaderRule[] = [
  { name: "x-cosmos-block-height", kind: "pass_both" },
  { name: "x-sent", kind: "pass_send" },
  { name: "x-returned", kind: "pass_reply" },
  { name: "x-fixed", kind: "pass_override", value: "of the spec" },
  { name: "x-ignored", kind: "pass_ignore" },
  { name: "authorization", kind: "pass_both" },
];

/**
 * Small chains, one for each way of calling: `COSMOS` over REST and TendermintRPC, `LTC` in JSON-RPC 1.0, `AVA` with
 * internal paths and add-ons.
 */
export const INTERFACE_SPECS = new SpecSet([
  spec("COSMOS", [
    collection("rest", "GET", [
      api("/cosmos/bank/v1beta1/balances/{address}", 10),
      api("/cosmos/base/tendermint/v1beta1/blocks/latest", 5),
      api("/cosmos/base/tendermint/v1beta1/blocks/{height}", 7),
    ], { headers: HEADERS }),
    collection("rest", "POST", [api("/cosmos/tx/v1beta1/txs", 30, { category: { stateful: 1 } })], {
      headers: HEADERS,
    }),
    collection("tendermintrpc", "", [
      api("status", 10),
      api("block", 12),
      api("abci_query", 15),
      api("broadcast_tx_sync", 20, { category: { stateful: 1 } }),
      api("subscribe", 10, { category: { subscription: true } }),
    ]),
  ]),
  spec("LTC", [collection("jsonrpc", "POST", [api("getblockcount", 10), api("getblockhash", 11)])]),
  spec("AVA", [
    collection("jsonrpc", "POST", [api("eth_chainId", 10)], { internalPath: "/C/rpc" }),
    collection("jsonrpc", "POST", [api("debug_traceCall", 100)], { internalPath: "/C/rpc", addOn: "debug" }),
    collection("jsonrpc", "POST", [api("trace_block", 100)], { internalPath: "/C/rpc", addOn: "trace" }),
    collection("jsonrpc", "POST", [api("platform_getHeight", 20)], { internalPath: "/P" }),
  ]),
]);
