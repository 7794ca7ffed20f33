import { assert, assertEquals } from "@std/assert";
import { createRelay, MemoryCache, type RelayHandle, type RelayOptions, type RelayUsageEvent } from "../../mod.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { until } from "../support/prometheus.ts";
import { type Behaviour, type ScriptedProvider, startScriptedProvider } from "../support/scripted_provider.ts";
import { upstreamTransport } from "../support/upstream_transport.ts";
import { fastClock } from "../support/usage.ts";

/** What one fault of the first provider comes to, while the second one is well. */
interface Fault {
  /** A behaviour of `a`, or its URL where nothing of the kind listens. */
  readonly a: Behaviour | { readonly url: string };
  /** Whose answer the client gets, and how. */
  readonly event: Partial<RelayUsageEvent>;
  /** Whether `a` is left alone after that. */
  readonly isAvoided: boolean;
  /** Whether the relay gives its call to `a` up. */
  readonly isGivenUp?: boolean;
}

const BY_B = { provider: "b", attempts: 2, success: true, hedgeCount: 0 };
const HEDGED = { ...BY_B, hedgeCount: 1 };
const BY_A = { provider: "a", attempts: 1, success: true, hedgeCount: 0 };

const FAULTS: Readonly<Record<string, Fault>> = {
  "hangs": { a: "hang", event: HEDGED, isAvoided: true, isGivenUp: true },
  "takes longer than its time": { a: "very_slow", event: HEDGED, isAvoided: true, isGivenUp: true },
  "is slow, but within its time": { a: "slow", event: BY_A, isAvoided: false },
  "closes the connection": { a: "close", event: BY_B, isAvoided: true },
  "closes it in the middle of its answer": { a: "close_midway", event: BY_B, isAvoided: true },
  "does not speak HTTP": { a: "garbage", event: BY_B, isAvoided: true },
  "answers another call": { a: "other_id", event: BY_B, isAvoided: true },
  "answers 200 with a page": { a: "html_200", event: BY_B, isAvoided: true },
  "answers 500 with a page": { a: "html_500", event: BY_B, isAvoided: true },
  "refuses the key": { a: "html_403", event: BY_B, isAvoided: false },
  "asks for fewer requests": { a: "rate_limit", event: BY_B, isAvoided: true },
  "answers with an error that all nodes would give": {
    a: "revert",
    event: { ...BY_A, success: false, computeUnits: 20 },
    isAvoided: false,
  },
  "does not listen": { a: { url: "http://127.0.0.1:1" }, event: BY_B, isAvoided: true },
  "has a name that is none": { a: { url: "http://node.invalid" }, event: BY_B, isAvoided: true },
};

const CALL = JSON.stringify({ jsonrpc: "2.0", id: "x", method: "eth_getBalance", params: ["0x0", "latest"] });

function ask(relay: RelayHandle, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<Response> {
  return relay.fetch(
    new Request("http://relay.example/", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: CALL,
      ...(signal && { signal }),
    }),
  );
}

function relayTo(urls: Readonly<Record<string, string>>, options: Partial<RelayOptions> = {}) {
  const usage = new MemorySink();
  const providers = Object.entries(urls).map(([name, url]) => ({ name, nodeUrls: [{ url }] }));
  return { usage, relay: createRelay({ chainId: "ETH1", providers, usage, ...upstreamTransport(), ...options }) };
}

/** Asks until `a` has its turn; comes back with that relay's event. */
async function untilAsked(relay: RelayHandle, usage: MemorySink, timeoutMs = 300): Promise<RelayUsageEvent> {
  for (let i = 0; i < 100; i++) {
    const response = await ask(relay, { "lava-relay-timeout": `${timeoutMs}ms` });
    assertEquals(response.status, 200, "no client sees the fault");
    assertEquals((await response.json()).id, "x");
    const event = usage.events.at(-1)!;
    if (event.attempts > 1 || event.provider === "a") return event;
  }
  throw new Error("a was never asked");
}

for (const [what, { a, event, isAvoided, isGivenUp = false }] of Object.entries(FAULTS)) {
  Deno.test(`a provider that ${what}: ${isAvoided ? "left alone" : "asked again"}`, async () => {
    await using good = startScriptedProvider("answer");
    await using bad = startScriptedProvider(typeof a === "string" ? a : "answer");
    const urlOfBad = typeof a === "string" ? bad.url : a.url;
    const { relay, usage } = relayTo({ a: urlOfBad, b: good.url });
    const told = await untilAsked(relay, usage);
    const seen = Object.fromEntries(Object.keys(event).map((key) => [key, told[key as keyof RelayUsageEvent]]));
    assertEquals(seen, event);
    if (isGivenUp) await until(() => Promise.resolve(bad.givenUp === 1));
    else assertEquals(bad.givenUp, 0);

    bad.follow("answer");
    const before = usage.events.length;
    for (let i = 0; i < 30; i++) await (await ask(relay)).body?.cancel();
    const later = usage.events.slice(before);
    assertEquals(later.some(({ provider, attempts }) => provider === "a" || attempts > 1), !isAvoided);
    await relay.close();
  });
}

Deno.test("a provider that flaps is asked again when its time is over, and again left alone", async () => {
  await using good = startScriptedProvider("answer");
  await using flapping = startScriptedProvider("close", "answer", "close", "answer");
  const { relay, usage } = relayTo({ a: flapping.url, b: good.url }, { clock: fastClock(20) });
  await until(async () => {
    assertEquals((await (await ask(relay)).json()).result, "0x2a");
    return flapping.calls >= 4;
  });
  assertEquals(usage.events.every(({ success }) => success), true);
  await relay.close();
});

Deno.test("all are down: 502 at no price, and answers again as soon as one is back", async () => {
  const providers: ScriptedProvider[] = ["close", "html_500", "html_200"].map((step) =>
    startScriptedProvider(step as Behaviour)
  );
  const urls = Object.fromEntries(providers.map(({ url }, index) => ["abc"[index]!, url]));
  const { relay, usage } = relayTo(urls);
  const response = await ask(relay);
  assertEquals([response.status, (await response.json()).id], [502, "x"]);
  assertEquals([usage.events[0]!.success, usage.events[0]!.attempts], [false, 3]);
  providers[1]!.follow("answer");
  assertEquals((await (await ask(relay)).json()).result, "0x2a");
  await relay.close();
  for (const provider of providers) await provider[Symbol.asyncDispose]();
});

Deno.test("a client that leaves in mid-flight: its attempt ends at the node, the event says so, nobody is blamed", async () => {
  await using node = startScriptedProvider("hang", "answer");
  const { relay, usage } = relayTo({ a: node.url });
  const client = new AbortController();
  const answering = ask(relay, {}, client.signal);
  await until(() => Promise.resolve(node.calls === 1));
  client.abort();
  await (await answering).body?.cancel();
  await until(() => Promise.resolve(node.givenUp === 1));
  assertEquals([usage.events[0]!.errorClass, usage.events[0]!.computeUnits], ["client_closed", 0]);
  assertEquals((await (await ask(relay)).json()).result, "0x2a");
  await relay.close();
});

Deno.test("a write reaches all; one that hangs is waited for by nobody", async () => {
  await using good = startScriptedProvider("answer");
  await using hanging = startScriptedProvider("hang");
  await using refusing = startScriptedProvider("revert");
  const { relay, usage } = relayTo({ a: hanging.url, b: refusing.url, c: good.url });
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_sendRawTransaction", params: ["0x00"] });
  const headers = { "content-type": "application/json", "lava-relay-timeout": "400ms" };
  const response = await relay.fetch(new Request("http://relay.example/", { method: "POST", headers, body }));
  assertEquals((await response.json()).result, "0x2a");
  assertEquals([good, hanging, refusing].map(({ calls }) => calls), [1, 1, 1]);
  const { provider, attempts, isWrite, success, latencyMs } = usage.events[0]!;
  assertEquals([provider, attempts, isWrite, success], ["c", 3, true, true]);
  assert(latencyMs < 400);
  await until(() => Promise.resolve(hanging.givenUp === 1));
  await relay.close();
});

Deno.test("one of three lies: who asks for agreement of two gets the truth, and is told", async () => {
  await using good = startScriptedProvider("answer");
  await using other = startScriptedProvider("answer");
  await using liar = startScriptedProvider("lie");
  const { relay, usage } = relayTo({ a: liar.url, b: good.url, c: other.url });
  const agreement = (threshold: number) => ({
    "lava-cross-validation-max-participants": "3",
    "lava-cross-validation-agreement-threshold": String(threshold),
  });
  for (let i = 0; i < 10; i++) {
    const response = await ask(relay, agreement(2));
    assertEquals(response.headers.get("lava-cross-validation-status"), "success");
    assertEquals((await response.json()).result, "0x2a");
  }
  const response = await ask(relay, agreement(3));
  assertEquals([response.status, response.headers.get("lava-cross-validation-status")], [502, "failed"]);
  assertEquals((await response.json()).error.data.code, "no_agreement");
  assertEquals(usage.events.map(({ attempts }) => attempts), Array(11).fill(3));
  assertEquals(usage.events.at(-1)!.computeUnits, 0);
  await relay.close();
});

Deno.test("headers that choose, refuse, refresh and ask how it came about do so over HTTP", async () => {
  await using one = startScriptedProvider("answer");
  await using other = startScriptedProvider("answer");
  const { relay, usage } = relayTo({ a: one.url, b: other.url }, { cache: new MemoryCache() });
  const provider = async (headers: Record<string, string>) => {
    const response = await ask(relay, headers);
    await response.body?.cancel();
    return response.headers.get("lava-provider-address");
  };
  for (let i = 0; i < 4; i++) assertEquals(await provider({ "lava-select-provider": "b" }), "b");
  for (let i = 0; i < 4; i++) assertEquals(await provider({ "lava-providers-block": "b" }), "a");
  await provider({});
  assertEquals(await provider({}), "Cached");
  assert(await provider({ "lava-force-cache-refresh": "true" }) !== "Cached");
  const debugged = await ask(relay, { "lava-debug-relay": "true", "lava-select-provider": "a" });
  assert(/^one; a answered \d+ms; hedges 0$/.test(debugged.headers.get("lava-debug-relay")!));
  await debugged.body?.cancel();
  const nobody = await ask(relay, { "lava-select-provider": "nobody" });
  assertEquals([nobody.status, (await nobody.json()).error.data.code], [502, "no_provider"]);
  assertEquals(usage.events.filter(({ cacheHit }) => cacheHit).length, 1);
  await relay.close();
});
