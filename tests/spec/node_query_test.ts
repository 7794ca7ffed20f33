import { assert, assertEquals } from "@std/assert";
import { compileMatcher, type Matcher } from "../../src/spec/matcher.ts";
import { blockNumberOf, queryOf, subscriptionDirectives, verificationsOf } from "../../src/spec/node_query.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";

function matcherOf(index: string, apiInterface: "jsonrpc" | "rest" | "tendermintrpc" = "jsonrpc"): Matcher {
  const expansion = new SpecSet().expand(index);
  assert(expansion.kind === "spec");
  return compileMatcher(expansion.spec, apiInterface)!;
}

Deno.test("each chain has its own question for the newest block, and its own place for the answer", () => {
  const cases: [index: string, apiInterface: "jsonrpc" | "rest" | "tendermintrpc", answer: unknown, block: number][] = [
    ["ETH1", "jsonrpc", "0x10", 16],
    ["BASE", "jsonrpc", "0x11", 17],
    ["BTC", "jsonrpc", 18, 18],
    ["SOLANA", "jsonrpc", { context: { slot: 19 } }, 19],
    ["NEAR", "jsonrpc", { header: { height: 20 } }, 20],
    ["COSMOSHUB", "tendermintrpc", { sync_info: { latest_block_height: "21" } }, 21],
    ["COSMOSHUB", "rest", { block: { header: { height: "22" } } }, 22],
  ];
  for (const [index, apiInterface, answer, block] of cases) {
    const query = queryOf(matcherOf(index, apiInterface), "GET_BLOCKNUM");
    assertEquals(blockNumberOf(query?.read(answer)), block, index);
    for (const strange of [undefined, null, {}, [], "x", -1, { header: null }]) {
      assertEquals(blockNumberOf(query?.read(strange)), undefined, `${index} ${JSON.stringify(strange)}`);
    }
  }
});

Deno.test("where a spec looks for the value in several places, the error's among them, the first that fits counts", () => {
  const verification = verificationsOf(matcherOf("NEAR")).find(({ name }) => name === "tracking-shard-4");
  const { readWhole } = verification!.query;
  assertEquals(readWhole?.({ error: { cause: { name: "UNKNOWN_ACCOUNT" } } }), "UNKNOWN_ACCOUNT");
  assertEquals(readWhole?.({ error: { cause: { name: "UNAVAILABLE_SHARD" } } }), undefined);
  assertEquals(readWhole?.({ result: { amount: "5" } }), "5");
  assertEquals(readWhole?.(null), undefined);
  const traced = verificationsOf(matcherOf("ARBITRUM")).find(({ query }) => query.apiName === "arbtrace_block");
  assertEquals(traced?.query.readWhole?.({ result: [{ blockHash: "0xab" }] }), "0xab");
});

Deno.test("verifications: one entry for each value, with the add-on and the extension that it is about", () => {
  const all = verificationsOf(matcherOf("SEP1"));
  const chainId = all.filter(({ name, addOn }) => name === "chain-id" && addOn === "");
  assertEquals(chainId.map(({ expectedValue, isFatal }) => [expectedValue, isFatal]), [["0xaa36a7", true]]);
  const pruning = all.filter(({ name, addOn }) => name === "pruning" && addOn === "");
  assertEquals(
    pruning.map(({ extension, expectedValue, latestDistance }) => [extension, expectedValue, latestDistance]),
    [
      ["", undefined, 128],
      ["archive", "0x0", 0],
    ],
  );
  assert(pruning.every(({ query }) => query.template.includes("earliest")), "the question is the collection's own");
  assert(all.some(({ addOn }) => addOn === "debug"));
});

Deno.test("what starts and ends subscriptions is in the spec", () => {
  const namesOf = (index: string, tag: "SUBSCRIBE" | "UNSUBSCRIBE" | "UNSUBSCRIBE_ALL") =>
    subscriptionDirectives(matcherOf(index, index === "COSMOSHUB" ? "tendermintrpc" : "jsonrpc"), tag)
      .map(({ api_name }) => api_name);
  assertEquals(namesOf("ETH1", "SUBSCRIBE"), ["eth_subscribe"]);
  assertEquals(namesOf("COSMOSHUB", "UNSUBSCRIBE_ALL"), ["unsubscribe_all"]);
  assert(namesOf("SOLANA", "SUBSCRIBE").includes("slotSubscribe"));
});
