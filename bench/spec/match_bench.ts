/** What it costs to find a call's API, its price and its block, on the chains with the most APIs. */
import { matchCall, type MatchContext } from "../../src/spec/api_facts.ts";
import { compileMatcher, type Matcher } from "../../src/spec/matcher.ts";
import { readSpecFile } from "../../src/spec/spec_schema.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";

const CONTEXT: MatchContext = { extensions: [], path: "/", head: 1_000_000, servesExtension: () => true };

/** A matcher with that many methods, or paths with two parameters each. */
function matcherOf(apiInterface: "jsonrpc" | "rest", count: number): Matcher {
  const type = apiInterface === "rest" ? "GET" : "POST";
  const nameOf = (i: number) => apiInterface === "rest" ? `/module${i % 100}/v1/{a}/thing${i}/{b}` : `method_${i}`;
  const apis = Array.from({ length: count }, (_, i) => ({ name: nameOf(i), enabled: true, compute_units: 10 }));
  const collection = { enabled: true, collection_data: { api_interface: apiInterface, type }, apis };
  const read = readSpecFile({
    proposal: { specs: [{ index: "BENCH", enabled: true, api_collections: [collection] }] },
  });
  if (read.kind === "mistakes") throw new Error(JSON.stringify(read.mistakes));
  const expansion = new SpecSet(read.specs).expand("BENCH");
  if (expansion.kind === "failure") throw new Error(expansion.reasons.join());
  return compileMatcher(expansion.spec, apiInterface)!;
}

for (const count of [10, 250, 10_000]) {
  const methods = matcherOf("jsonrpc", count);
  const paths = matcherOf("rest", count);
  const method = { name: `method_${count - 1}`, verb: "POST", params: () => undefined };
  const path = { name: `/module${(count - 1) % 100}/v1/x/thing${count - 1}/y`, verb: "GET", params: () => undefined };
  Deno.bench(`a method among ${count}`, { group: "methods", baseline: count === 10 }, () => {
    matchCall(methods, [method], CONTEXT);
  });
  Deno.bench(`a path among ${count}`, { group: "paths", baseline: count === 10 }, () => {
    matchCall(paths, [path], CONTEXT);
  });
}

const eth1 = new SpecSet().expand("ETH1");
if (eth1.kind === "failure") throw new Error(eth1.reasons.join());
const matcher = compileMatcher(eth1.spec, "jsonrpc")!;
const balance = { name: "eth_getBalance", verb: "POST", params: () => ["0x0", "0x10"] };
Deno.bench("eth_getBalance of an old block on ETH1", { group: "methods" }, () => {
  matchCall(matcher, [balance], CONTEXT);
});
