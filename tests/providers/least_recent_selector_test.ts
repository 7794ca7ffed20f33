import { assertEquals } from "@std/assert";
import { silentLog } from "../../mod.ts";
import { NO_STEERING, type Steering } from "../../src/domain/steering.ts";
import type { Selection } from "../../src/providers/selector.ts";
import { LeastRecentSelector } from "../../src/providers/least_recent_selector.ts";
import { NodeHealth } from "../../src/providers/node_health.ts";
import type { NodeUrl, Provider } from "../../src/providers/provider.ts";
import { FakeClock } from "../support/fake_clock.ts";

function urlOf(addOns: readonly string[] = [], methods?: readonly string[]): NodeUrl {
  return {
    target: "https://node.example/",
    internalPath: "",
    headers: [],
    extraTimeoutMs: 0,
    addOns: new Set(addOns),
    methods: methods && new Set(methods),
    forwardsAddress: false,
    health: new NodeHealth(),
  };
}

function providerOf(name: string, isBackup = false, nodeUrls: readonly NodeUrl[] = [urlOf()]): Provider {
  return { name, isBackup, nodeUrls, socketUrls: [] };
}

function requestOf(
  method = "eth_call",
  addOn = "",
  extensions: readonly string[] = [],
  steering: Partial<Steering> = {},
): Selection {
  const request = { steering: { ...NO_STEERING, ...steering } };
  const api = { addOn, extensions, apiNames: [method] };
  return { request, api, tried: new Set(), minBlock: 0 } as unknown as Selection;
}

/** Names of those who are asked, one request after the other. */
function turns(selector: LeastRecentSelector, count: number, request = requestOf()): string {
  return Array.from({ length: count }, () => selector.select(request)?.provider.name ?? "-").join("");
}

Deno.test("primaries share the load evenly, backups have none of it", () => {
  const providers = [providerOf("a"), providerOf("b"), providerOf("z", true), providerOf("c")];
  assertEquals(turns(new LeastRecentSelector(providers, new FakeClock(), silentLog), 7), "abcabca");
});

Deno.test("nobody is starved or flooded when kinds of requests alternate", () => {
  const selector = new LeastRecentSelector(
    [providerOf("a", false, [urlOf(["debug"])]), providerOf("b"), providerOf("c", false, [urlOf(["debug"])])],
    new FakeClock(),
    silentLog,
  );
  let names = "";
  for (let i = 0; i < 300; i++) {
    names += turns(selector, 1, requestOf("debug_x", "debug")) + turns(selector, 1);
  }
  const shares = [..."abc"].map((name) => names.split(name).length - 1);
  assertEquals(shares.every((share) => share >= 140 && share <= 240), true, String(shares));
});

Deno.test("one that failed is left alone, then backups come, and the failed ones last", async () => {
  const clock = new FakeClock();
  const [a, b] = [providerOf("a"), providerOf("b", true)];
  const selector = new LeastRecentSelector([a, b], clock, silentLog);
  selector.report({ provider: a, nodeUrl: a.nodeUrls[0]! }, { kind: "failed" }, requestOf().api);
  assertEquals([turns(selector, 2), selector.isHealthy()], ["bb", true]);
  selector.report(
    { provider: b, nodeUrl: b.nodeUrls[0]! },
    { kind: "rate_limited", retryAfterMs: 60_000 },
    requestOf().api,
  );
  assertEquals([turns(selector, 2), selector.isHealthy()], ["aa", false]);
  await clock.advance(3_000);
  assertEquals([turns(selector, 1), selector.isHealthy()], ["a", true]);
});

Deno.test("what has been tried is not asked again", () => {
  const [first, second] = [urlOf(), urlOf()];
  const provider = providerOf("a", false, [first, second]);
  const selector = new LeastRecentSelector([provider], new FakeClock(), silentLog);
  assertEquals(selector.select(requestOf())?.nodeUrl, first);
  assertEquals(selector.select({ ...requestOf(), tried: new Set([first]) })?.nodeUrl, second);
  assertEquals(selector.select({ ...requestOf(), tried: new Set([first, second]) }), undefined);
});

Deno.test("add-ons, extensions and methods decide who can be asked at all", () => {
  const providers = [
    providerOf("d", false, [urlOf(["debug"])]),
    providerOf("x", false, [urlOf(["debug", "archive"])]),
    providerOf("m", false, [urlOf([], ["eth_call"])]),
  ];
  const askable = (request: Selection) => {
    const selector = new LeastRecentSelector(providers, new FakeClock(), silentLog);
    return [...new Set(turns(selector, 6, request))].sort().join("");
  };
  assertEquals(askable(requestOf("eth_call")), "dmx");
  assertEquals(askable(requestOf("eth_other")), "dx");
  assertEquals(askable(requestOf("debug_x", "debug")), "dx");
  assertEquals(askable(requestOf("debug_x", "debug", ["archive"])), "x");
  assertEquals(askable(requestOf("trace_x", "trace")), "-");
});

Deno.test("the caller may choose the only provider to ask, or some that are not", () => {
  const selector = new LeastRecentSelector(["a", "b", "c"].map((name) => providerOf(name)), new FakeClock(), silentLog);
  const asked = (steering: Partial<Steering>) => turns(selector, 4, requestOf("eth_call", "", [], steering));
  assertEquals(asked({ selectProvider: "b" }), "bbbb");
  assertEquals(asked({ selectProvider: "nobody" }), "----");
  assertEquals([...new Set(asked({ blockedProviders: ["b"] }))].sort(), ["a", "c"]);
  assertEquals(asked({ selectProvider: "b", blockedProviders: ["b"] }), "----");
});

Deno.test("requests with the same stickiness go to the same provider while it is well, and others elsewhere", () => {
  const providers = ["a", "b", "c", "d"].map((name) => providerOf(name));
  const selector = new LeastRecentSelector(providers, new FakeClock(), silentLog);
  const asked = (stickiness: string, count = 1) =>
    turns(selector, count, requestOf("eth_call", "", [], { stickiness }));
  const home = asked("session 1");
  assertEquals(asked("session 1", 5), home.repeat(5));
  const homes = Array.from({ length: 400 }, (_, index) => asked(`session ${index}`)).join("");
  for (const name of "abcd") {
    const share = homes.split(name).length - 1;
    assertEquals(share >= 60 && share <= 140, true, `${name} has ${share} of 400`);
  }
  const provider = providers.find(({ name }) => name === home)!;
  selector.report({ provider, nodeUrl: provider.nodeUrls[0]! }, { kind: "failed" }, requestOf().api);
  const next = asked("session 1");
  assertEquals([next === home, asked("session 1", 5)], [false, next.repeat(5)]);
});
