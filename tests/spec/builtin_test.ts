import { assert, assertEquals } from "@std/assert";
import type { ChainSpec } from "../../src/domain/chain_spec.ts";
import { builtinIndexes, builtinSpec } from "../../src/spec/builtin.ts";
import { compileMatcher } from "../../src/spec/matcher.ts";

const REFERENCE = new URL("../../../shared/specs/ethereum.json", import.meta.url);

/** The reference's spec of that index; undefined where the folder of reference specs is not there. */
async function referenceSpec(index: string): Promise<ChainSpec | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(REFERENCE);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    // deno-lint-ignore no-console -- a comparison that was not made has to be seen
    console.log(`skipped: the reference specs are not there (no shared/specs/ethereum.json beside the repository)`);
    return undefined;
  }
  const file: { proposal: { specs: ChainSpec[] } } = JSON.parse(text);
  const spec = file.proposal.specs.find((candidate) => candidate.index === index);
  assert(spec !== undefined, `the reference has no ${index}`);
  return spec;
}

/** One line for each API: what it costs and how it is treated. */
function priceList(spec: ChainSpec): string[] {
  return spec.api_collections.filter((collection) => collection.enabled).flatMap(({ collection_data, apis }) => {
    const { api_interface, internal_path, type, add_on } = collection_data;
    return apis.filter((api) => api.enabled).map(({ name, category, ...api }) =>
      [
        `${api_interface} ${type} ${internal_path || "/"} ${add_on || "base"} ${name}:`,
        `${api.compute_units}+${api.extra_compute_units ?? 0} units,`,
        `timeout ${api.timeout_ms ?? 0}, stateful ${category.stateful ?? 0},`,
        `hanging ${category.hanging_api ?? false}, subscription ${category.subscription ?? false},`,
        `deterministic ${category.deterministic ?? false}, local ${category.local ?? false}`,
      ].join(" ")
    );
  }).sort();
}

function extensionsOf(spec: ChainSpec): string[] {
  return spec.api_collections.flatMap(({ collection_data, extensions }) =>
    (extensions ?? []).map((extension) =>
      `${collection_data.add_on || "base"} ${extension.name} x${extension.cu_multiplier} from ${extension.rule?.block}`
    )
  ).sort();
}

/** What one list has and the other has not. */
function differences(ours: readonly string[], theirs: readonly string[]): string[] {
  return [
    ...ours.filter((line) => !theirs.includes(line)).map((line) => `built-in: ${line}`),
    ...theirs.filter((line) => !ours.includes(line)).map((line) => `reference: ${line}`),
  ];
}

Deno.test("every API of the built-in ETH1 costs what the ecosystem's spec says and behaves as it says", async () => {
  const theirs = await referenceSpec("ETH1");
  if (theirs === undefined) return;
  const ours = builtinSpec("ETH1")!;
  assertEquals(differences(priceList(ours), priceList(theirs)), []);
  assertEquals(priceList(ours).length, priceList(theirs).length, "an API stands twice");
  assertEquals(differences(extensionsOf(ours), extensionsOf(theirs)), []);
});

Deno.test("the built-in ETH1 says of the chain and of requested blocks what the ecosystem's spec says", async () => {
  const theirs = await referenceSpec("ETH1");
  if (theirs === undefined) return;
  const ours = builtinSpec("ETH1")!;
  const chainOf = (spec: ChainSpec) => [
    spec.enabled,
    spec.average_block_time,
    spec.block_distance_for_finalized_data,
    spec.allowed_block_lag_for_qos_sync,
  ];
  assertEquals(chainOf(ours), chainOf(theirs));
  const blocksOf = (spec: ChainSpec) =>
    spec.api_collections.flatMap(({ apis }) =>
      apis.map(({ name, block_parsing }) => `${name} ${block_parsing.parser_func} ${block_parsing.parser_arg}`)
    );
  assertEquals(differences(blocksOf(ours), blocksOf(theirs)), []);
});

Deno.test("every built-in spec is found by its index, compiles, and names no API twice", () => {
  assert(builtinIndexes().includes("ETH1"));
  for (const index of builtinIndexes()) {
    const spec = builtinSpec(index)!;
    assertEquals(spec.index, index);
    assert(compileMatcher(spec, spec.api_collections[0]!.collection_data.api_interface) !== undefined, index);
    const names = spec.api_collections.flatMap(({ collection_data, apis }) =>
      apis.map(({ name }) => `${collection_data.api_interface} ${collection_data.type} ${name}`)
    );
    assertEquals(names.length, new Set(names).size, `${index} has an API twice`);
    for (const { apis } of spec.api_collections) {
      for (const api of apis) assert(Number.isInteger(api.compute_units) && api.compute_units > 0, api.name);
    }
  }
});

Deno.test("an index that does not ship is not found", () => {
  for (const index of ["", "eth1", "ETH", "__proto__", "constructor", "toString"]) {
    assertEquals(builtinSpec(index), undefined, index);
  }
});
