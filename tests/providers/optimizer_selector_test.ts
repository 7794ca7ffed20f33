import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import type { OptimizerSelector } from "../../src/providers/optimizer_selector.ts";
import type { Provider } from "../../src/providers/provider.ts";
import type { Selection } from "../../src/providers/selector.ts";
import { apiFacts } from "../support/engine.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { candidateOf, providerOf, selectionOf, selectorOf, sharesOf, urlOf } from "../support/providers.ts";

const API = apiFacts();

function answer(selector: OptimizerSelector, provider: Provider, latencyMs = 50): void {
  selector.report(candidateOf(provider), { kind: "answered", latencyMs }, API);
}

function fail(selector: OptimizerSelector, provider: Provider): void {
  selector.report(candidateOf(provider), { kind: "failed" }, API);
}

function namesOf(selector: OptimizerSelector, selection: Selection = selectionOf()): string {
  return Object.keys(sharesOf(selector, 200, selection)).sort().join("");
}

Deno.test("equal providers share evenly, and the same seed gives the same choices", () => {
  const providers = ["a", "b", "c", "d"].map((name) => providerOf(name));
  const shares = sharesOf(selectorOf(providers, new FakeClock()), 4_000);
  for (const share of Object.values(shares)) assert(share > 900 && share < 1_100, JSON.stringify(shares));
  assertEquals(sharesOf(selectorOf(providers, new FakeClock()), 4_000), shares);
});

Deno.test("one provider is all there is; without any there is none", () => {
  assertEquals(sharesOf(selectorOf([providerOf("a")], new FakeClock()), 5), { a: 5 });
  assertEquals(sharesOf(selectorOf([], new FakeClock()), 1), { "-": 1 });
});

Deno.test("healthy primaries come first, then backups, then those that are left alone, then blocked ones", async () => {
  const clock = new FakeClock();
  const [a, b, z] = [providerOf("a"), providerOf("b"), providerOf("z", { isBackup: true })];
  const selector = selectorOf([a, b, z], clock);
  assertEquals(namesOf(selector), "ab");
  fail(selector, a);
  assertEquals(namesOf(selector), "b");
  fail(selector, b);
  assertEquals([namesOf(selector), selector.isHealthy()], ["z", true]);
  fail(selector, z);
  assertEquals([namesOf(selector), selector.isHealthy()], ["ab", false]);
  for (let i = 0; i < 20; i++) {
    await clock.advance(1_000);
    fail(selector, a);
  }
  b.nodeUrls[0]!.health.holdOff(clock.monotonic(), 60_000);
  z.nodeUrls[0]!.health.holdOff(clock.monotonic(), 60_000);
  assertEquals(namesOf(selector), "b", "more than 15 failures in a row are worse than a few");
  await clock.advance(180_000);
  assertEquals(namesOf(selector), "ab", "after three minutes there is a second chance");
});

Deno.test("a node that is not what it is configured as is not asked, not even last", () => {
  const [a, b] = [providerOf("a"), providerOf("b")];
  const selector = selectorOf([a, b], new FakeClock());
  a.nodeUrls[0]!.health.verify(new Set([""]));
  assertEquals(namesOf(selector), "b");
  b.nodeUrls[0]!.health.verify(new Set([""]));
  assertEquals([namesOf(selector), selector.isHealthy()], ["-", false]);
  b.nodeUrls[0]!.health.verify(new Set());
  assertEquals(namesOf(selector), "b");
});

Deno.test("a provider's URLs are tried in order, those that are left alone last", () => {
  const clock = new FakeClock();
  const [first, second] = [urlOf(), urlOf()];
  const selector = selectorOf([providerOf("a", { nodeUrls: [first, second] })], clock);
  assertEquals(selector.select(selectionOf())?.nodeUrl, first);
  assertEquals(selector.select(selectionOf({}, {}, { tried: new Set([first]) }))?.nodeUrl, second);
  assertEquals(selector.select(selectionOf({}, {}, { tried: new Set([first, second]) })), undefined);
  first.health.fail(clock.monotonic(), "relay");
  assertEquals(selector.select(selectionOf())?.nodeUrl, second);
  assertEquals(selector.select(selectionOf({}, {}, { tried: new Set([second]) }))?.nodeUrl, first);
});

Deno.test("URLs serve what they are configured for: add-on, extensions, path, methods", () => {
  const providers = [
    providerOf("p"),
    providerOf("d", { nodeUrls: [urlOf({ addOns: new Set(["debug", "archive"]) })] }),
    providerOf("c", { nodeUrls: [urlOf({ internalPath: "/C/rpc" })] }),
    providerOf("m", { nodeUrls: [urlOf({ methods: new Set(["eth_chainId"]) })] }),
  ];
  const selector = selectorOf(providers, new FakeClock());
  assertEquals(namesOf(selector), "dp");
  assertEquals(namesOf(selector, selectionOf({ apiNames: ["eth_chainId"] })), "dmp");
  assertEquals(namesOf(selector, selectionOf({ apiNames: ["eth_chainId", "other"] })), "dp");
  assertEquals(namesOf(selector, selectionOf({ addOn: "debug" })), "d");
  assertEquals(namesOf(selector, selectionOf({ addOn: "trace" })), "-");
  assertEquals(namesOf(selector, selectionOf({ extensions: ["archive"] })), "d");
  assertEquals(namesOf(selector, selectionOf({ internalPath: "/C/rpc" })), "cdp");
  assertEquals([selector.serves("archive"), selector.serves("trace")], [true, false]);
});

Deno.test("a caller may name the provider, and those that are not asked", () => {
  const selector = selectorOf(["a", "b", "c"].map((name) => providerOf(name)), new FakeClock());
  assertEquals(namesOf(selector, selectionOf({}, { selectProvider: "b" })), "b");
  assertEquals(namesOf(selector, selectionOf({}, { selectProvider: "x" })), "-");
  assertEquals(namesOf(selector, selectionOf({}, { blockedProviders: ["a", "c"] })), "b");
  assertEquals(namesOf(selector, selectionOf({}, { blockedProviders: ["a", "b", "c"] })), "-");
});

Deno.test("requests that stick together stay with a provider, with another when it fails, and do not go back", async () => {
  const clock = new FakeClock();
  const providers = ["a", "b", "c"].map((name) => providerOf(name));
  const selector = selectorOf(providers, clock);
  const selection = selectionOf({}, { stickiness: "session-1" });
  const [first] = Object.keys(sharesOf(selector, 50, selection));
  assertEquals(namesOf(selector, selection), first);
  fail(selector, providers.find(({ name }) => name === first)!);
  const second = namesOf(selector, selection);
  assert(second !== first && second.length === 1, second);
  await clock.advance(3_000);
  assertEquals(namesOf(selector, selection), second);
  const others = new Set(
    Array.from({ length: 50 }, (_, i) => namesOf(selector, selectionOf({}, { stickiness: `${i}` }))),
  );
  assertEquals(others.size, 3, "other texts go elsewhere");
});

Deno.test("the same text leads to the same provider in another process, and memory of texts is bounded", () => {
  const of = () => selectorOf(["a", "b", "c"].map((name) => providerOf(name)), new FakeClock());
  const [one, other] = [of(), of()];
  for (let i = 0; i < 30_000; i++) {
    const selection = selectionOf({}, { stickiness: `text ${i}` });
    assertEquals(one.select(selection)?.provider.name, other.select(selection)?.provider.name);
  }
});

Deno.test("a provider that is known to be behind is passed by where a block is wanted, an unknown one is not", () => {
  const [a, b, c] = [providerOf("a"), providerOf("b"), providerOf("c")];
  const selector = selectorOf([a, b, c], new FakeClock());
  selector.see(candidateOf(a), 100);
  selector.see(candidateOf(b), 90);
  assertEquals(namesOf(selector, selectionOf({}, {}, { minBlock: 95 })), "ac");
  assertEquals(namesOf(selector, selectionOf()), "abc");
  assertEquals([selector.head(), selector.headOf("b"), selector.headOf("c"), selector.headOf("x")], [100, 90, 0, 0]);
});

Deno.test("privacy asks one provider as long as it is there, and another only for what that does not serve", () => {
  const clock = new FakeClock();
  const providers = ["a", "b", "c"].map((name) => providerOf(name, { nodeUrls: [urlOf({ methods: undefined })] }));
  const debug = providerOf("d", { nodeUrls: [urlOf({ addOns: new Set(["debug"]), methods: new Set(["debug_x"]) })] });
  const selector = selectorOf([...providers, debug], clock, { strategy: "privacy" });
  const only = namesOf(selector);
  assertEquals(only.length, 1);
  assertEquals(namesOf(selector, selectionOf({ addOn: "debug", apiNames: ["debug_x"] })), "d");
  assertEquals(selector.selectSeveral(selectionOf(), 1, 10).map(({ provider }) => provider.name).join(), only);
  const tried = new Set(providers.find(({ name }) => name === only)!.nodeUrls);
  assert(namesOf(selector, selectionOf({}, {}, { tried })) !== only);
  assertEquals(namesOf(selector), only, "a retry elsewhere changes nothing");
  fail(selector, providers.find(({ name }) => name === only)!);
  const next = namesOf(selector);
  assert(next !== only && next.length === 1, next);
  const crossValidation = { maxParticipants: 3, agreementThreshold: 2 };
  assertEquals(
    selector.selectSeveral(selectionOf({}, { crossValidation }), 3, 3).length,
    3,
    "who asks for several gets them",
  );
});

Deno.test("several are the best ones in order, and spare ones only where too few are left", () => {
  const clock = new FakeClock();
  const providers = ["a", "b", "c"].map((name) => providerOf(name));
  const backup = providerOf("z", { isBackup: true });
  const selector = selectorOf([...providers, backup], clock);
  const [a, b, c] = providers as [Provider, Provider, Provider];
  for (const [provider, latencyMs] of [[a, 900], [b, 100], [c, 500]] as const) answer(selector, provider, latencyMs);
  const names = (atLeast: number, atMost: number) =>
    selector.selectSeveral(selectionOf(), atLeast, atMost).map(({ provider }) => provider.name).join("");
  assertEquals([names(1, 10), names(1, 2), names(4, 4), names(9, 9)], ["bca", "bc", "bcaz", "bcaz"]);
  fail(selector, b);
  assertEquals([names(1, 10), names(3, 3), names(4, 4)], ["ca", "caz", "cazb"]);
  for (const provider of [a, c, backup]) fail(selector, provider);
  assertEquals(names(1, 10).length, 3, "better than an error that is certain");
});

Deno.test("latencies count by what calls cost, and one that was outrun can only get worse", () => {
  const clock = new FakeClock();
  const providers = ["a", "b", "c", "d"].map((name) => providerOf(name));
  const selector = selectorOf(providers, clock);
  const [a, b, c, d] = providers as [Provider, Provider, Provider, Provider];
  const latencyOf = ({ name }: Provider) => selector.scoresOf(name)!.selectionLatency;
  selector.report(candidateOf(a), { kind: "answered", latencyMs: 500 }, apiFacts({ computeUnits: 49 }));
  selector.report(candidateOf(b), { kind: "answered", latencyMs: 500 }, apiFacts({ computeUnits: 50 }));
  selector.report(candidateOf(c), { kind: "answered", latencyMs: 500 }, apiFacts({ computeUnits: 101 }));
  selector.report(candidateOf(d), { kind: "answered", latencyMs: 5 }, apiFacts({ computeUnits: 10 }));
  clock.advance(200);
  assertAlmostEquals(latencyOf(c), latencyOf(d), 1e-9);
  assert(latencyOf(a) < latencyOf(b) && latencyOf(b) < latencyOf(c));
  const before = latencyOf(a);
  selector.report(candidateOf(a), { kind: "outrun", latencyMs: 400 }, API);
  assertEquals(latencyOf(a), before, "that it took longer than 400 ms is nothing new");
  selector.report(candidateOf(a), { kind: "outrun", latencyMs: 900 }, API);
  assert(latencyOf(a) < before);
});

Deno.test("a node that asks for fewer requests is left alone without its availability getting worse", async () => {
  const clock = new FakeClock();
  const [a, b] = [providerOf("a"), providerOf("b")];
  const selector = selectorOf([a, b], clock);
  answer(selector, a);
  selector.report(candidateOf(a), { kind: "rate_limited", retryAfterMs: 20_000 }, API);
  assertEquals([namesOf(selector), selector.scoresOf("a")?.selectionAvailability], ["b", 1]);
  await clock.advance(20_000);
  assertEquals(namesOf(selector), "ab");
});

Deno.test("there are scores of providers that something is known of, and their parts add up", () => {
  const [a, b, z] = [
    providerOf("a", { stake: 10 }),
    providerOf("b", { stake: 10 }),
    providerOf("z", { isBackup: true }),
  ];
  const selector = selectorOf([a, b, z], new FakeClock());
  assertEquals([selector.scoresOf("a"), selector.scoresOf("x")], [undefined, undefined]);
  answer(selector, a);
  const scores = selector.scoresOf("a")!;
  assertAlmostEquals(scores.selectionStake, Math.SQRT1_2, 1e-9, "half of what primaries have");
  const sum = scores.availabilityContribution + scores.latencyContribution + scores.syncContribution +
    scores.stakeContribution;
  assertAlmostEquals(sum, scores.selectionComposite, 1e-12);
  assertEquals(selector.scoresOf("b"), undefined);
});

Deno.test("what a choice is made from can be read", () => {
  const [a, b, z] = [providerOf("a"), providerOf("b"), providerOf("z", { isBackup: true })];
  const selector = selectorOf([a, b, z], new FakeClock());
  fail(selector, b);
  const text = selector.explain(selectionOf());
  assert(/^a=0\.\d{4}, z=\d\.\d{4} \(backup\), b=0\.\d{4} \(left alone\)$/.test(text), text);
});
