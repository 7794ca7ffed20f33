import { assert, assertEquals } from "@std/assert";
import { compileMatcher } from "../../src/spec/matcher.ts";
import { readSpecFile } from "../../src/spec/spec_schema.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";

const DATA = { api_interface: "jsonrpc", internal_path: "", type: "POST", add_on: "" };

/** A file with one spec, of which some members are other ones. */
function fileOf(changes: Record<string, unknown>): unknown {
  const collection = { enabled: true, collection_data: DATA, apis: [{ name: "a", enabled: true, compute_units: 10 }] };
  return {
    proposal: { specs: [{ index: "T1", name: "t", enabled: true, api_collections: [collection], ...changes }] },
  };
}

/** A file whose one API is this. */
function apiFile(api: Record<string, unknown>, data: Record<string, unknown> = {}): unknown {
  return fileOf({ api_collections: [{ enabled: true, collection_data: { ...DATA, ...data }, apis: [api] }] });
}

function mistakesIn(content: unknown): string[] {
  const read = readSpecFile(content);
  assert(read.kind === "mistakes", "it is good");
  return read.mistakes.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

Deno.test("every mistake is told at once, with its path, its value and what is allowed", () => {
  const api = "proposal.specs.0.api_collections.0.apis.0";
  const cases: [name: string, content: unknown, mistakes: string[]][] = [
    ["no object", 7, [": must be an object; 7 is not"]],
    ["no proposal", {}, ["proposal: must be an object; it is missing"]],
    ["no list", { proposal: { specs: {} } }, ["proposal.specs: must be a list of specs"]],
    ["an index with a space", fileOf({ index: "a b" }), [
      'proposal.specs.0.index: must be 1 to 64 letters, digits, - or _; "a b" is not',
    ]],
    ["negative units", apiFile({ name: "a", compute_units: -1 }), [
      `${api}.compute_units: must be a whole number from 0 to 1000000000; -1 is not`,
    ]],
    ["fractional units", apiFile({ name: "a", compute_units: 1.5 }), [
      `${api}.compute_units: must be a whole number from 0 to 1000000000; 1.5 is not`,
    ]],
    ["units in quotes", apiFile({ name: "a", compute_units: "10" }), [
      `${api}.compute_units: must be a whole number from 0 to 1000000000; "10" is not`,
    ]],
    ["two mistakes", apiFile({ name: "", compute_units: true }), [
      `${api}.name: must not be empty; "" is not`,
      `${api}.compute_units: must be a whole number from 0 to 1000000000; true is not`,
    ]],
    [
      "a position that is none",
      apiFile({ name: "a", block_parsing: { parser_func: "PARSE_BY_ARG", parser_arg: ["x"] } }),
      [
        `${api}.block_parsing: parser_arg must hold a position of the params where parser_func needs one`,
      ],
    ],
    ["unbalanced braces", apiFile({ name: "/a/{b", compute_units: 1 }, { api_interface: "rest", type: "GET" }), [
      `${api}.name: "/a/{b" must be a path whose {parameters} are whole segments`,
    ]],
    ["one name twice", fileOf({ api_collections: [{ collection_data: DATA, apis: [{ name: "a" }, { name: "a" }] }] }), [
      'proposal.specs.0.api_collections.0.apis.1.name: "a" stands twice in the collection',
    ]],
    ["one collection twice", fileOf({ api_collections: [{ collection_data: DATA }, { collection_data: DATA }] }), [
      "proposal.specs.0.api_collections.1.collection_data: another collection has the same four",
    ]],
  ];
  for (const [name, content, mistakes] of cases) assertEquals(mistakesIn(content), mistakes, name);
});

Deno.test("a million mistakes are not a million lines", () => {
  const apis = Array.from({ length: 20_000 }, () => ({ name: 1 }));
  assertEquals(mistakesIn(fileOf({ api_collections: [{ collection_data: DATA, apis }] })).length, 100);
});

Deno.test("what the format leaves out is filled in, and what a relay has no use for is named", () => {
  const read = readSpecFile(
    fileOf({ shares: 1, api_collections: [{ collection_data: DATA, apis: [{ name: "a" }], x: 1 }] }),
  );
  assert(read.kind === "specs");
  assertEquals(read.ignored, ["shares", "x"]);
  const [spec] = read.specs;
  assertEquals(spec!.imports, []);
  assertEquals(spec!.api_collections[0]!.apis[0], {
    name: "a",
    enabled: false,
    compute_units: 0,
    category: {},
    block_parsing: { parser_func: "EMPTY", parser_arg: [] },
  });
});

Deno.test("ten thousand APIs load, and any of them is found, also under names that objects have by nature", () => {
  const names = [...Array.from({ length: 10_000 }, (_, index) => `m${index}`), "__proto__", "constructor"];
  const apis = names.map((name, index) => ({ name, enabled: true, compute_units: index }));
  const read = readSpecFile(fileOf({ api_collections: [{ enabled: true, collection_data: DATA, apis }] }));
  assert(read.kind === "specs");
  const expansion = new SpecSet(read.specs).expand("T1");
  assert(expansion.kind === "spec");
  const matcher = compileMatcher(expansion.spec, "jsonrpc")!;
  const unitsOf = (name: string) => matcher.match({ name, verb: "POST", params: () => undefined }, "")?.computeUnits;
  assertEquals([unitsOf("m0"), unitsOf("m9999"), unitsOf("__proto__"), unitsOf("constructor")], [
    0,
    9_999,
    10_000,
    10_001,
  ]);
  assertEquals(unitsOf("toString"), 20, "an unknown method");
  assertEquals(unitsOf("x".repeat(1_000_000)), 20, "a long unknown method");
});

Deno.test("of specs with one index the last one counts, over the one that ships with the relay", () => {
  const first = readSpecFile(fileOf({ index: "ETH1", name: "first" }));
  const second = readSpecFile(fileOf({ index: "ETH1", name: "second" }));
  assert(first.kind === "specs" && second.kind === "specs");
  const specs = new SpecSet([...first.specs, ...second.specs]);
  assertEquals(specs.specOf("ETH1")!.name, "second");
  assertEquals(specs.indexes().filter((index) => index === "ETH1"), ["ETH1"]);
  assertEquals(specs.specOf("__proto__"), undefined);
});
