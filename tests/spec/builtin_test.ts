import { assert, assertEquals } from "@std/assert";
import type { ApiCollection, ChainSpec } from "../../src/domain/chain_spec.ts";
import { builtinIndexes, builtinSpec } from "../../src/spec/builtin.ts";
import { collectionKey } from "../../src/spec/expand.ts";
import { directiveKey } from "../../src/spec/merge.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";
import { referenceSpecs } from "../support/reference_specs.ts";

Deno.test("the chains that ship with the relay", () => {
  const families =
    "ETH1 SEP1 HOL1 ARBITRUM BASE OPTM POLYGON BSC AVAX TENDERMINT IBC COSMOSSDK COSMOSHUB LAVA BTC LTC DOGE BCH SOLANA NEAR";
  for (const index of families.split(" ")) assert(builtinIndexes().includes(index), index);
  const specs = new SpecSet();
  for (const index of builtinIndexes()) {
    assertEquals(builtinSpec(index)!.index, index);
    const expansion = specs.expand(index);
    assert(expansion.kind === "spec", JSON.stringify(expansion));
    assert(expansion.spec.average_block_time > 0, `${index} has a block time`);
    assert(expansion.spec.api_collections.some(({ enabled, apis }) => enabled && apis.length > 0), `${index} has APIs`);
  }
});

Deno.test("an index that does not ship is not found", () => {
  for (const index of ["", "eth1", "ETH", "__proto__", "constructor", "toString"]) {
    assertEquals(builtinSpec(index), undefined, index);
  }
});

Deno.test("what ships agrees with the ecosystem's specs, item by item", () => {
  const reference = referenceSpecs();
  if (reference === undefined) return;
  const differences: string[] = [];
  const onlyThere: string[] = [];
  for (const index of builtinIndexes()) {
    const theirs = reference.get(index);
    if (theirs === undefined) continue;
    const [ours, expected] = [itemsOf(builtinSpec(index)!), itemsOf(theirs)];
    for (const [item, text] of expected) {
      if (!ours.has(item)) onlyThere.push(`${index} ${item}`);
      else if (ours.get(item) !== text) differences.push(`${index} ${item}: ${ours.get(item)} instead of ${text}`);
    }
    for (const item of ours.keys()) if (!expected.has(item)) differences.push(`${index} ${item} is only here`);
  }
  // deno-lint-ignore no-console -- the list is what the test is for
  console.log(`only in the ecosystem's specs: ${onlyThere.join(", ") || "nothing"}`);
  assertEquals(differences, []);
});

/** Everything that a spec says, each item with the text of its facts. */
function itemsOf(spec: ChainSpec): Map<string, string> {
  const { average_block_time, block_distance_for_finalized_data, allowed_block_lag_for_qos_sync, imports = [] } = spec;
  const chain = [imports, average_block_time, block_distance_for_finalized_data, allowed_block_lag_for_qos_sync];
  const items = new Map([["chain", JSON.stringify(chain)]]);
  for (const collection of spec.api_collections) {
    const key = collectionKey(collection.collection_data);
    for (const [item, facts] of factsOf(collection)) items.set(`${key} ${item}`, canonical(facts));
  }
  return items;
}

function factsOf(collection: ApiCollection): [item: string, facts: unknown][] {
  const { apis, headers = [], extensions = [], parse_directives = [], verifications = [] } = collection;
  return [
    ["collection", [collection.enabled, collection.inheritance_apis ?? []]],
    ...apis.map((api): [string, unknown] => [`api ${api.name}`, api.enabled ? api : "switched off"]),
    ...headers.map((header): [string, unknown] => [`header ${header.name}`, header]),
    ...extensions.map((extension): [string, unknown] => [`extension ${extension.name}`, extension]),
    ...parse_directives.map((directive): [string, unknown] => [`directive ${directiveKey(directive)}`, directive]),
    ...verifications.map((verification): [string, unknown] => [`verification ${verification.name}`, verification]),
  ];
}

/** JSON without what is the same as leaving it out, its members in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    const said = Object.entries(inner).filter(([, item]) => item !== "" && item !== false && item !== 0);
    const parts = said.map(([name, item]) =>
      name === "parser_arg" ? [name, (item as string[]).filter(Boolean)] : [name, item]
    );
    return Object.fromEntries(parts.sort(([a], [b]) => a! < b! ? -1 : 1));
  });
}
