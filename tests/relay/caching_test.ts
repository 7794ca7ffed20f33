import { assert, assertEquals } from "@std/assert";
import { MemoryCache, type RelayUsageEvent } from "../../mod.ts";
import { FINALIZED, LATEST, PENDING } from "../../src/domain/block.ts";
import type { ApiFacts, RelayRequest } from "../../src/domain/relay_request.ts";
import type { ReplyCache } from "../../src/domain/reply_cache.ts";
import { NO_STEERING, type Steering } from "../../src/domain/steering.ts";
import { isCacheable } from "../../src/relay/cache_policy.ts";
import { nodeReply } from "../support/wire.ts";
import { apiFacts, Engine, fail, HANG, nodeError, ok } from "../support/engine.ts";

const HOUR = 3_600_000;
/** A quarter of the time between two blocks. */
const SHARE = 3_000;

function engineOf(nodes: ConstructorParameters<typeof Engine>[0], head = 1_000): Engine {
  const engine = new Engine(nodes, {});
  engine.selector.heads.set(Object.keys(nodes)[0]!, head);
  return engine;
}

/** An engine with a cache on its own clock. */
function cached(nodes: ConstructorParameters<typeof Engine>[0], head = 1_000): Engine {
  const cache: { current?: MemoryCache } = {};
  const lazy: ReplyCache = {
    get: (key) => cache.current!.get(key),
    set: (key, entry, ttlMs) => cache.current!.set(key, entry, ttlMs),
  };
  const engine = new Engine(nodes, { cache: lazy });
  cache.current = new MemoryCache({ clock: engine.clock });
  engine.selector.heads.set(Object.keys(nodes)[0]!, head);
  return engine;
}

const block = (height: number) => ({ requestedBlock: { from: height, to: height } });
const brief = (events: readonly RelayUsageEvent[]) =>
  events.map(({ provider, cacheHit, success, computeUnits, attempts }) =>
    [provider, cacheHit, success, computeUnits, attempts].join()
  );

Deno.test("without a cache every request reaches a node", async () => {
  const engine = engineOf({ a: ok() });
  for (let i = 0; i < 2; i++) await engine.finish(engine.run(block(5)));
  assertEquals(engine.sent.length, 2);
});

Deno.test("the second of two identical requests is answered from the cache, at the same price", async () => {
  const engine = cached({ a: ok("x") });
  await engine.finish(engine.run(block(5)));
  const outcome = await engine.finish(engine.run(block(5)));
  assert(outcome.kind === "answer");
  assertEquals(new TextDecoder().decode(outcome.response.body!), "x");
  assertEquals(engine.sent.length, 1);
  assertEquals(brief(engine.usage.events), ["a,false,true,10,1", ",true,true,10,0"]);
});

interface Kept {
  readonly api: Partial<ApiFacts>;
  readonly nodes: ConstructorParameters<typeof Engine>[0];
  /** Milliseconds for which it is kept; 0 for not at all. */
  readonly forMs: number;
  readonly head?: number;
}

const KEPT: Readonly<Record<string, Kept>> = {
  "a final block": { api: block(992), nodes: { a: ok() }, forMs: HOUR },
  "a block that is not final yet": { api: block(993), nodes: { a: ok() }, forMs: SHARE },
  "a range that ends in one": { api: { requestedBlock: { from: 5, to: 995 } }, nodes: { a: ok() }, forMs: SHARE },
  "a range of final blocks": { api: { requestedBlock: { from: 5, to: 9 } }, nodes: { a: ok() }, forMs: HOUR },
  "an old block while the head is not known": { api: block(5), nodes: { a: ok() }, forMs: SHARE, head: 0 },
  "the newest block": { api: block(LATEST), nodes: { a: ok() }, forMs: SHARE },
  "the final block by that name": { api: block(FINALIZED), nodes: { a: ok() }, forMs: SHARE },
  "nothing where a final block should be": { api: block(5), nodes: { a: ok("null") }, forMs: SHARE },
  "an error that all nodes would give": { api: block(5), nodes: { a: nodeError("deterministic") }, forMs: 250 },
  "an error that is the node's own trouble": { api: block(5), nodes: { a: nodeError("overloaded") }, forMs: 0 },
  "the block that is being made": { api: block(PENDING), nodes: { a: ok() }, forMs: 0 },
  "what depends on the node": { api: { ...block(5), isDeterministic: false }, nodes: { a: ok() }, forMs: 0 },
  "a write": { api: { ...block(5), stateful: 1 }, nodes: { a: ok() }, forMs: 0 },
  "a failure": { api: block(5), nodes: { a: fail("upstream_disconnected") }, forMs: 0 },
};

for (const [what, { api, nodes, forMs, head }] of Object.entries(KEPT)) {
  Deno.test(`the cache keeps ${what} for ${forMs} ms`, async () => {
    const engine = cached(nodes, head);
    await engine.finish(engine.run(api));
    const asked = engine.sent.length;
    if (forMs > 0) {
      await engine.clock.advance(forMs - 1);
      await engine.finish(engine.run(api));
      assertEquals(engine.sent.length, asked, "still kept");
      await engine.clock.advance(1);
    }
    await engine.finish(engine.run(api));
    assert(engine.sent.length > asked, "kept no longer");
  });
}

Deno.test("what is newest is not kept over a new block, what has a height is", async () => {
  const engine = cached({ a: ok() });
  const other = { nodeRequest: nodeRequest("5") };
  await engine.finish(engine.run(block(LATEST)));
  await engine.finish(engine.run(block(5), {}, other));
  engine.selector.heads.set("a", 1_001);
  await engine.finish(engine.run(block(5), {}, other));
  assertEquals(engine.sent.length, 2);
  await engine.finish(engine.run(block(LATEST)));
  assertEquals(engine.sent.length, 3);
});

Deno.test("a caller that has seen more than a reply shows is not given it", async () => {
  const engine = cached({ a: ok() }, 1_000);
  await engine.finish(engine.run(block(LATEST)));
  // The head that is known falls back, as when the provider that had told of it is gone.
  engine.selector.heads.set("a", 1_050);
  await engine.finish(engine.run({ ...block(LATEST), apiNames: ["other"] }, {}, { nodeRequest: nodeRequest("other") }));
  engine.selector.heads.set("a", 1_000);
  await engine.finish(engine.run(block(LATEST)));
  assertEquals(engine.sent.length, 3);
});

Deno.test("requests that a node could tell apart are kept apart", async () => {
  const engine = cached({ a: ok() });
  const variants: [Partial<ApiFacts>, Partial<RelayRequest>][] = [
    [{}, {}],
    [{}, { chain: "SEP1" }],
    [{}, { apiInterface: "rest" }],
    [{ internalPath: "/x" }, {}],
    [{}, { nodeRequest: nodeRequest("{}", { path: "/q" }) }],
    [{}, { nodeRequest: nodeRequest("{}", { query: "a=1" }) }],
    [{}, { nodeRequest: nodeRequest("{}", { verb: "PUT" }) }],
    [{}, { nodeRequest: nodeRequest("{}", { headers: [["x-cosmos-block-height", "7"]] }) }],
    [{}, { nodeRequest: nodeRequest("{ }") }],
    [{}, { nodeRequest: nodeRequest(Uint8Array.of(0xff)) }],
    [{}, { nodeRequest: nodeRequest(Uint8Array.of(0xfe)) }],
  ];
  for (const [api, changes] of variants) await engine.finish(engine.run({ ...block(5), ...api }, {}, changes));
  assertEquals(engine.sent.length, variants.length);
});

Deno.test("identical requests that come together share one call; each is on the bill, one as the cause", async () => {
  const engine = cached({ a: ok("x", 100) });
  const running = Array.from({ length: 5 }, () => engine.run(block(5)));
  const outcomes = await Promise.all(running.map((outcome) => engine.finish(outcome)));
  assertEquals(outcomes.map(({ kind }) => kind), Array(5).fill("answer"));
  assertEquals(engine.sent.length, 1);
  assertEquals(brief(engine.usage.events).sort(), [...Array(4).fill(",true,true,10,0"), "a,false,true,10,1"]);
  assertEquals(engine.usage.events.map(({ latencyMs }) => latencyMs), Array(5).fill(100));
});

Deno.test("those who wait share a failure too, and no attempt is counted twice", async () => {
  const engine = cached({ a: fail("upstream_disconnected", 100) });
  const running = [engine.run(block(5)), engine.run(block(5))];
  for (const outcome of running) assertEquals((await engine.finish(outcome)).kind, "failure");
  assertEquals(engine.sent.length, 1);
  assertEquals(brief(engine.usage.events).sort(), ["a,false,false,0,0", "a,false,false,0,1"]);
});

Deno.test("the one who caused the call leaves: it goes on for the others, and its event says how the call ended", async () => {
  const engine = cached({ a: ok("x", 100) });
  const client = new AbortController();
  const first = engine.run(block(5), {}, { signal: client.signal });
  const second = engine.run(block(5));
  await engine.clock.advance(50);
  client.abort();
  assertEquals((await engine.finish(second)).kind, "answer");
  await engine.finish(first);
  assertEquals(engine.aborted, []);
  assertEquals(brief(engine.usage.events).sort(), [",true,true,10,0", "a,false,true,10,1"]);
});

Deno.test("one who waits leaves: no event, and the call goes on", async () => {
  const engine = cached({ a: ok("x", 100) });
  const client = new AbortController();
  const first = engine.run(block(5));
  const second = engine.run(block(5), {}, { signal: client.signal });
  await engine.clock.advance(50);
  client.abort();
  assertEquals((await engine.finish(second)).kind, "failure");
  assertEquals((await engine.finish(first)).kind, "answer");
  assertEquals(brief(engine.usage.events), ["a,false,true,10,1"]);
});

Deno.test("all leave: the call ends", async () => {
  const engine = cached({ a: HANG });
  const clients = [new AbortController(), new AbortController()];
  const running = clients.map(({ signal }) => engine.run(block(5), {}, { signal }));
  await engine.clock.advance(50);
  for (const client of clients) client.abort();
  for (const outcome of running) await engine.finish(outcome);
  assertEquals([engine.aborted, engine.clock.pending], [["a"], 0]);
  assertEquals(engine.usage.events.map(({ errorClass }) => errorClass), ["client_closed"]);
});

Deno.test("who comes just when the last one has left has a call of its own", async () => {
  const engine = cached({ a: [HANG, ok("x")] });
  const client = new AbortController();
  const first = engine.run(block(5), {}, { signal: client.signal });
  await engine.clock.advance(50);
  client.abort();
  const second = await engine.finish(engine.run(block(5)));
  assertEquals([second.kind, (await engine.finish(first)).kind], ["answer", "failure"]);
  assertEquals(engine.sent.length, 2);
  await engine.finish(engine.run(block(5)));
  assertEquals(engine.sent.length, 2);
});

Deno.test("what the cache holds and nobody can read is asked for again", async () => {
  const strange = { reply: nodeReply('{"kind":"html"}'), head: 0 };
  const engine = new Engine({ a: ok("x") }, { cache: { get: () => strange, set() {} } });
  const outcome = await engine.finish(engine.run(block(5)));
  assert(outcome.kind === "answer" && !outcome.cacheHit);
  assertEquals(brief(engine.usage.events), ["a,false,true,10,1"]);
});

Deno.test("a forced refresh reaches a node, and others get what it brought", async () => {
  const engine = cached({ a: [ok("old"), ok("new")] });
  await engine.finish(engine.run(block(5)));
  await engine.finish(engine.run(block(5), { forcesCacheRefresh: true }));
  const outcome = await engine.finish(engine.run(block(5)));
  assert(outcome.kind === "answer" && outcome.cacheHit);
  assertEquals([new TextDecoder().decode(outcome.response.body!), engine.sent.length], ["new", 2]);
});

Deno.test("who has a wish about the providers is not answered from the cache", () => {
  const requestOf = (steering: Partial<Steering>, api: Partial<ApiFacts> = {}) =>
    ({
      api: apiFacts({ ...block(5), ...api }),
      steering: { ...NO_STEERING, ...steering },
      nodeRequest: nodeRequest("{}"),
    }) as RelayRequest;
  const crossValidation = { maxParticipants: 2, agreementThreshold: 2 };
  const wishes: Partial<Steering>[] = [
    { selectProvider: "a" },
    { stickiness: "s" },
    { blockedProviders: ["b"] },
    { crossValidation },
  ];
  assertEquals([isCacheable(requestOf({})), ...wishes.map((wish) => isCacheable(requestOf(wish)))], [
    true,
    ...wishes.map(() => false),
  ]);
  for (const api of [{ isHanging: true }, { isSubscription: true }, { stateful: 2 as const }]) {
    assertEquals(isCacheable(requestOf({}, api)), false);
  }
  const long = { ...requestOf({}), nodeRequest: nodeRequest(new Uint8Array(65_537)) };
  assertEquals(isCacheable(long), false, "nor a request that is very long");
});

Deno.test("a cache that is asked over a network is asked once for those who come together", async () => {
  let asked = 0;
  const pending = Promise.withResolvers<undefined>();
  const slow: ReplyCache = { get: () => (asked++, pending.promise), set() {} };
  const engine = new Engine({ a: ok("x") }, { cache: slow });
  const running = [engine.run(block(5)), engine.run(block(5))];
  await engine.clock.advance(1);
  assertEquals([asked, engine.sent.length], [1, 0]);
  pending.resolve(undefined);
  for (const outcome of running) assertEquals((await engine.finish(outcome)).kind, "answer");
  assertEquals(engine.sent.length, 1);
});

function nodeRequest(body: string | Uint8Array<ArrayBuffer>, changes: Partial<RelayRequest["nodeRequest"]> = {}) {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  return { verb: "POST", path: "/p", query: "", headers: [], body: bytes, ...changes };
}
