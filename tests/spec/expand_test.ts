import { assert, assertEquals } from "@std/assert";
import type { Api, ApiCollection, ChainSpec, CollectionData, Verification } from "../../src/domain/chain_spec.ts";
import { expandSpec } from "../../src/spec/expand.ts";
import { builtinSpec } from "../../src/spec/builtin.ts";

function api(name: string, units: number, enabled = true): Api {
  const block_parsing = { parser_func: "EMPTY", parser_arg: [] } as const;
  return { name, enabled, compute_units: units, category: {}, block_parsing };
}

function collection(
  apis: readonly Api[],
  data: Partial<CollectionData> = {},
  more: Partial<ApiCollection> = {},
): ApiCollection {
  const identity = { api_interface: "jsonrpc", internal_path: "", type: "POST", add_on: "" } as const;
  return { enabled: true, apis, collection_data: { ...identity, ...data }, ...more };
}

function spec(index: string, imports: readonly string[], ...api_collections: ApiCollection[]): ChainSpec {
  return { ...builtinSpec("ETH1")!, index, imports, api_collections };
}

function expand(index: string, ...specs: ChainSpec[]): ChainSpec {
  const expansion = expandSpec(index, (name) => specs.find((each) => each.index === name));
  assert(expansion.kind === "spec", JSON.stringify(expansion));
  return expansion.spec;
}

function reasonsOf(index: string, ...specs: ChainSpec[]): readonly string[] {
  const expansion = expandSpec(index, (name) => specs.find((each) => each.index === name));
  assert(expansion.kind === "failure", "it expands");
  return expansion.reasons;
}

/** `name:units` of each collection's APIs, switched off ones with a minus. */
function apisOf({ api_collections }: ChainSpec): string[] {
  return api_collections.map(({ apis }) =>
    apis.map(({ name, compute_units, enabled }) => `${enabled ? "" : "-"}${name}:${compute_units}`).join(" ")
  );
}

Deno.test("a child takes what it does not have from its parents, and its own wins", () => {
  const grand = spec("G", [], collection([api("a", 1), api("b", 2)]));
  const parent = spec("P", ["G"], collection([api("b", 20), api("c", 30)]));
  const child = spec("C", ["P"], collection([api("c", 300)]));
  assertEquals(apisOf(expand("C", grand, parent, child)), ["c:300 b:20 a:1"]);
  assertEquals(apisOf(expand("P", grand, parent, child)), ["b:20 c:30 a:1"]);
});

Deno.test("what a parent has switched off is not taken over, and a child can take something away", () => {
  const parent = spec(
    "P",
    [],
    collection([api("a", 1), api("b", 2, false)]),
    collection([api("x", 1)], { add_on: "x" }, { enabled: false }),
  );
  assertEquals(apisOf(expand("C", parent, spec("C", ["P"], collection([])))), ["a:1"]);
  assertEquals(apisOf(expand("C", parent, spec("C", ["P"], collection([api("a", 0, false)])))), ["-a:0"]);
});

Deno.test("collections without a counterpart are merged among the parents and stand at the end", () => {
  const p = spec("P", [], collection([api("a", 1)], { add_on: "debug" }));
  const q = spec("Q", [], collection([api("b", 2)], { add_on: "debug" }));
  assertEquals(apisOf(expand("C", p, q, spec("C", ["P", "Q"], collection([api("c", 3)])))), ["c:3", "a:1 b:2"]);
});

Deno.test("what two parents say differently has to be settled by the child", () => {
  const p = spec("P", [], collection([api("a", 1), api("same", 5)]));
  const q = spec("Q", [], collection([api("a", 2), api("same", 5)]));
  const reasons = reasonsOf("C", p, q, spec("C", ["P", "Q"], collection([])));
  assertEquals(reasons, ["C: jsonrpc POST: api a comes from two parents that differ; set it in C"]);
  assertEquals(apisOf(expand("C", p, q, spec("C", ["P", "Q"], collection([api("a", 3)])))), ["a:3 same:5"]);
  assertEquals(reasonsOf("C", p, q, spec("C", ["P", "Q"])).length, 1, "without a counterpart as well");
});

Deno.test("a parent that is reached on two ways is no conflict", () => {
  const base = spec("B", [], collection([api("a", 1)]));
  const p = spec("P", ["B"], collection([api("p", 1)]));
  const q = spec("Q", ["B"], collection([api("q", 1)]));
  assertEquals(apisOf(expand("C", base, p, q, spec("C", ["P", "Q"], collection([])))), ["p:1 a:1 q:1"]);
});

Deno.test("cycles are told with their members, and so is what is missing", () => {
  const a = spec("A", ["B"]);
  const b = spec("B", ["C"]);
  const c = spec("C", ["B"]);
  assertEquals(reasonsOf("A", a, b, c), ["imports form a cycle: B -> C -> B; take one of them out"]);
  assertEquals(reasonsOf("A", spec("A", ["A"])), ["imports form a cycle: A -> A; take one of them out"]);
  assertEquals(reasonsOf("A", a), ["A imports B, which is not there; load it as well"]);
  assertEquals(reasonsOf("A"), ["there is no chain spec A"]);
});

Deno.test("a collection builds on others of its spec, disabled ones too, before the parents'", () => {
  const base = collection([api("a", 1), api("b", 2)], { internal_path: "base" }, { enabled: false });
  const data = base.collection_data;
  const heir = collection([api("b", 20)], {}, { inheritance_apis: [data] });
  const parent = spec("P", [], collection([api("a", 100), api("z", 9)]));
  assertEquals(apisOf(expand("C", parent, spec("C", ["P"], base, heir)))[1], "b:20 a:1 z:9");
  const self = collection([], {}, { inheritance_apis: [collection([]).collection_data] });
  assertEquals(reasonsOf("C", spec("C", [], self)), [
    "C: inheritance_apis form a cycle: jsonrpc POST -> jsonrpc POST; take one of them out",
  ]);
  const lost = collection([], {}, { inheritance_apis: [data] });
  assertEquals(reasonsOf("C", spec("C", [], lost)), [
    "C: jsonrpc POST inherits from jsonrpc POST base, which the spec does not have",
  ]);
});

Deno.test("a base above that is switched off hands on what it has from the parents, as to an internal path", () => {
  const data = collection([]).collection_data;
  const base = collection([], {}, { enabled: false });
  const heir = collection([api("own", 3), api("gone", 1, false)], { internal_path: "/C" }, {
    inheritance_apis: [data],
  });
  const parent = spec("P", [], collection([api("a", 1), api("gone", 2)]));
  const [off, inner, ...rest] = expand("C", parent, spec("C", ["P"], base, heir)).api_collections;
  assertEquals(off!.enabled, false);
  assertEquals(inner!.apis.map(({ name, enabled }) => [name, enabled]), [["own", true], ["gone", false], ["a", true]]);
  assertEquals(rest, [], "the parents' collection does not come back at the end");
});

Deno.test("two collections may build on the same third one", () => {
  const base = collection([api("a", 1)]);
  const inherit = { inheritance_apis: [base.collection_data] };
  const debug = collection([], { add_on: "debug" }, inherit);
  const trace = collection([], { add_on: "trace" }, {
    inheritance_apis: [base.collection_data, debug.collection_data],
  });
  assertEquals(apisOf(expand("C", spec("C", [], base, debug, trace))), ["a:1", "a:1", "a:1"]);
});

Deno.test("an overridden verification keeps the question and the values of extensions that it leaves out", () => {
  const directive = { function_tag: "VERIFICATION", function_template: "{}", api_name: "a" } as const;
  const ofParent: Verification = {
    name: "chain-id",
    parse_directive: directive,
    values: [{ expected_value: "1" }, { extension: "archive", expected_value: "0" }],
  };
  const ofChild: Verification = { name: "chain-id", values: [{ expected_value: "2" }] };
  const expanded = expand(
    "C",
    spec("P", [], collection([], {}, { verifications: [ofParent] })),
    spec("C", ["P"], collection([], {}, { verifications: [ofChild] })),
  );
  assertEquals(expanded.api_collections[0]!.verifications, [{
    name: "chain-id",
    parse_directive: directive,
    values: [{ expected_value: "2" }, { extension: "archive", expected_value: "0" }],
  }]);
});

Deno.test("directives are told apart by tag, those of subscriptions by their API as well", () => {
  const subscribe = (api_name: string) => ({ function_tag: "SUBSCRIBE", api_name }) as const;
  const block = (function_template: string) => ({ function_tag: "GET_BLOCKNUM", function_template }) as const;
  const parent = collection([], {}, { parse_directives: [block("old"), subscribe("a"), subscribe("b")] });
  const child = collection([], {}, { parse_directives: [block("new"), subscribe("b")] });
  const expanded = expand("C", spec("P", [], parent), spec("C", ["P"], child));
  assertEquals(expanded.api_collections[0]!.parse_directives, [block("new"), subscribe("b"), subscribe("a")]);
});

Deno.test("a wide and deep family of specs is expanded once each", () => {
  const levels = 60;
  const specs = Array.from({ length: levels }, (_, level) => {
    const imports = level === 0 ? [] : [`L${level - 1}`, `M${level - 1}`];
    return [spec(`L${level}`, imports, collection([api(`l${level}`, 1)])), spec(`M${level}`, imports, collection([]))];
  }).flat();
  assertEquals(apisOf(expand(`L${levels - 1}`, ...specs))[0]!.split(" ").length, levels);
});
