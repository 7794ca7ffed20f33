import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Api, ApiCategory, ApiCollection, ChainSpec, CollectionData } from "../../src/domain/chain_spec.ts";
import type { ApiFacts, ApiTarget } from "../../src/domain/relay_request.ts";
import { matchCall, type MatchContext } from "../../src/spec/api_facts.ts";
import { builtinSpec } from "../../src/spec/builtin.ts";
import { compileMatcher, type Matcher } from "../../src/spec/matcher.ts";

function api(name: string, units: number, category: ApiCategory = {}, more: Partial<Api> = {}): Api {
  const block_parsing = { parser_func: "DEFAULT", parser_arg: ["latest"] } as const;
  return { name, enabled: true, compute_units: units, category, block_parsing, ...more };
}

function collection(data: Partial<CollectionData>, apis: Api[], more: Partial<ApiCollection> = {}): ApiCollection {
  const collection_data = { api_interface: "jsonrpc", internal_path: "", type: "POST", add_on: "", ...data } as const;
  return { enabled: true, collection_data, apis, ...more };
}

function compiled(...collections: ApiCollection[]): Matcher {
  const spec: ChainSpec = { ...builtinSpec("ETH1")!, index: "TEST", api_collections: collections };
  const matcher = compileMatcher(spec, "jsonrpc");
  assert(matcher !== undefined);
  return matcher;
}

const ARCHIVE = { name: "archive", cu_multiplier: 5, rule: { block: 127 } };

const matcher = compiled(
  collection({}, [
    api("read", 10),
    api("write", 30, { stateful: 1 }),
    api("keep", 7, { stateful: 2 }),
    api("wait", 8, { hanging_api: true }),
    api("dear", 100, {}, { extra_compute_units: 11 }),
    api("quick", 20, {}, { timeout_ms: 1000 }),
    api("slow", 20, {}, { timeout_ms: 60_000 }),
    api("heavy", 500),
    api("off", 99, {}, { enabled: false }),
    api("subscribe", 1000, { subscription: true }),
  ], { extensions: [ARCHIVE] }),
  collection({ add_on: "debug" }, [api("debug_a", 200), api("debug_b", 50)], { extensions: [ARCHIVE] }),
  collection({ add_on: "trace" }, [api("trace_a", 40, { stateful: 1 })], { extensions: [] }),
  collection({ add_on: "hidden" }, [api("hidden_a", 1)], { enabled: false }),
  collection({ api_interface: "rest", type: "GET" }, [api("/rest", 3)]),
);

function targetsOf(names: readonly string[]): ApiTarget[] {
  return names.map((name) => ({ name, verb: "POST", params: () => undefined }));
}

function contextOf(extensions: readonly string[]): MatchContext {
  return { extensions, path: "/", head: 0, servesExtension: () => false };
}

/** What most of these tests look at. */
type Facts = Pick<ApiFacts, "apiMethod" | keyof typeof DEFAULTS>;

function briefFactsOf(names: string[]): Facts {
  const { apiMethod, computeUnits, addOn, extensions, timeoutMs, stateful, isHanging } = factsOf(names);
  return { apiMethod, computeUnits, addOn, extensions, timeoutMs, stateful, isHanging };
}

function factsOf(names: string[], extensions: string[] = []): ApiFacts {
  const result = matchCall(matcher, targetsOf(names), contextOf(extensions));
  assert(result.kind === "matched", `${names} is refused`);
  return result.api;
}

const DEFAULTS = {
  computeUnits: 20,
  addOn: "",
  extensions: [],
  timeoutMs: 0,
  stateful: 0,
  isHanging: false,
} as const;

Deno.test("one call has the name, the price and the nature that the spec gives it", () => {
  const cases: [name: string, facts: Partial<ApiFacts>][] = [
    ["read", { computeUnits: 10 }],
    ["write", { computeUnits: 30, stateful: 1 }],
    ["keep", { computeUnits: 7, stateful: 2 }],
    ["wait", { computeUnits: 8, isHanging: true }],
    ["dear", { computeUnits: 111 }],
    ["quick", { timeoutMs: 1000 }],
    ["debug_a", { computeUnits: 200, addOn: "debug" }],
    ["trace_a", { computeUnits: 40, addOn: "trace", stateful: 1 }],
  ];
  for (const [name, facts] of cases) {
    assertEquals(briefFactsOf([name]), { apiMethod: name, ...DEFAULTS, ...facts }, name);
  }
});

Deno.test("a call that the spec does not know, or has switched off, is a default call for 20 units", () => {
  const names = ["foo", "off", "hidden_a", "/rest", "Read", "read ", "", "__proto__", "constructor", "toString"];
  for (const name of [...names, "Default-read", "hasOwnProperty", "archive", "debug"]) {
    assertEquals(briefFactsOf([name]), { apiMethod: `Default-${name}`, ...DEFAULTS }, name);
  }
  assertEquals(factsOf(["__proto__"], ["archive"]).computeUnits, 100, "the base collection's extensions hold");
});

Deno.test("an extension multiplies the price where the collection knows it", () => {
  const cases: [names: string[], asked: string[], units: number, used: string[]][] = [
    [["read"], [], 10, []],
    [["read"], ["archive"], 50, ["archive"]],
    [["dear"], ["archive"], 555, ["archive"]],
    [["foo"], ["archive"], 100, ["archive"]],
    [["debug_a"], ["archive"], 1000, ["archive"]],
    [["trace_a"], ["archive"], 40, []],
    [["read"], ["nonsense", "debug", "__proto__", "Archive", ""], 10, []],
    [["read", "trace_a"], ["archive"], 90, ["archive"]],
    [["trace_a", "read", "read"], ["archive"], 140, ["archive"]],
  ];
  for (const [names, asked, units, used] of cases) {
    const { computeUnits, extensions } = factsOf(names, asked);
    assertEquals({ computeUnits, extensions: [...extensions] }, { computeUnits: units, extensions: used }, `${names}`);
  }
});

Deno.test("an extension that is asked for twice is charged once", () => {
  assertEquals(factsOf(["read"], ["archive", "archive"]).computeUnits, 50);
});

Deno.test("a batch is charged the sum, named by its parts in order, and is what any part of it is", () => {
  const cases: [names: string[], facts: Partial<ApiFacts>][] = [
    [["read", "read"], { computeUnits: 20 }],
    [["write", "read"], { computeUnits: 40, stateful: 1 }],
    [["read", "write"], { computeUnits: 40, stateful: 1 }],
    [["read", "keep", "read"], { computeUnits: 27, stateful: 2 }],
    [["wait", "read"], { computeUnits: 18, isHanging: true }],
    [["read", "wait"], { computeUnits: 18, isHanging: true }],
    [["read", "debug_a", "debug_b"], { computeUnits: 260, addOn: "debug" }],
    [["debug_b", "read"], { computeUnits: 60, addOn: "debug" }],
    [["quick", "slow"], { computeUnits: 40, timeoutMs: 60_000 }],
  ];
  for (const [names, facts] of cases) {
    assertEquals(briefFactsOf(names), { apiMethod: names.join("&"), ...DEFAULTS, ...facts }, `${names}`);
  }
  assertEquals(factsOf(["read", "foo", "write"]).apiMethod, "read&Default-foo&write");
});

Deno.test("a short timeout of one part does not bind the parts for which the spec sets none", () => {
  // The spec's own timeout takes the place of the one worked out from the units: 1 s here, for 500 units of work.
  for (const names of [["quick", "heavy"], ["heavy", "quick"]]) {
    const { timeoutMs } = factsOf(names);
    assert(timeoutMs === 0 || timeoutMs >= 50_000, `${names} has ${timeoutMs} ms`);
  }
});

Deno.test("a batch that mixes add-ons is refused, in words that name both", () => {
  for (const names of [["debug_a", "trace_a"], ["read", "trace_a", "read", "debug_b"]]) {
    const result = matchCall(matcher, targetsOf(names), contextOf([]));
    assert(result.kind === "failure", `${names}`);
    assertEquals(result.error.code, "invalid_request");
    for (const word of ["debug", "trace"]) assertStringIncludes(result.error.message, word);
  }
});

Deno.test("a subscription is known as one, alone and in a batch", () => {
  for (const names of [["subscribe"], ["read", "subscribe"], ["subscribe", "read"]]) {
    assertEquals(factsOf(names).isSubscription, true, `${names}`);
  }
  assertEquals(factsOf(["read"]).isSubscription, false);
});

Deno.test("the services of a chain are its add-ons and extensions that are switched on", () => {
  assertEquals([...matcher.serviceNames].sort(), ["archive", "debug", "trace"]);
});

Deno.test("an interface without a base collection that is switched on is not supported", () => {
  const spec = { ...builtinSpec("ETH1")! };
  for (const apiInterface of ["rest", "grpc", "tendermintrpc"] as const) {
    assertEquals(compileMatcher(spec, apiInterface), undefined, apiInterface);
  }
  const collections: [name: string, collection: ApiCollection][] = [
    ["only an add-on", collection({ add_on: "debug" }, [api("a", 1)])],
    ["switched off", collection({}, [api("a", 1)], { enabled: false })],
  ];
  for (const [name, only] of collections) {
    assertEquals(compileMatcher({ ...spec, api_collections: [only] }, "jsonrpc"), undefined, name);
  }
});

Deno.test("an API of an internal path serves the root only where the root has none of that name", () => {
  const root = collection({}, [api("both", 10)]);
  const inner = collection({ internal_path: "/C/rpc" }, [api("both", 99), api("own", 30)]);
  for (const collections of [[root, inner], [inner, root]]) {
    const paths = compiled(...collections);
    const first = collections[0] === root ? "root first" : "internal path first";
    const unitsAt = (name: string, path: string) =>
      paths.match(targetsOf([name])[0]!, paths.internalPathOf(path))?.computeUnits;
    assertEquals(unitsAt("both", "/"), 10, first);
    assertEquals(unitsAt("own", "/"), 30, first);
    for (const path of ["/C/rpc", "/ext/bc/C/rpc", "/ext/bc/C/rpc/"]) assertEquals(unitsAt("both", path), 99, path);
  }
});
