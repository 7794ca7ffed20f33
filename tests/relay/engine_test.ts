import { assert, assertEquals } from "@std/assert";
import type { RelayUsageEvent } from "../../mod.ts";
import type { Outcome } from "../../src/domain/outcome.ts";
import type { ApiFacts, RelayRequest } from "../../src/domain/relay_request.ts";
import type { Steering } from "../../src/domain/steering.ts";
import { apiFacts, Engine, type EngineOptions, fail, HANG, nodeError, ok, type Step } from "../support/engine.ts";

interface Branch {
  readonly nodes: Readonly<Record<string, Step | readonly Step[]>>;
  readonly api?: Partial<ApiFacts>;
  readonly steering?: Partial<Steering>;
  readonly changes?: Partial<RelayRequest> & { readonly isBatch?: boolean };
  readonly options?: EngineOptions;
  /** What the client gets: the text of the answer, the node's error, or the relay's. */
  readonly gets: string;
  /** What is special about the event: a success of `a` at the first attempt, at once, is not. */
  readonly event: Partial<RelayUsageEvent>;
  /** What the selector is told, in order. */
  readonly samples: readonly string[];
  /** Whose attempts are aborted. */
  readonly aborted?: readonly string[];
  readonly notes?: readonly (readonly [string, string])[];
}

const crossValidation = (maxParticipants: number, agreementThreshold: number) => ({
  crossValidation: { maxParticipants, agreementThreshold },
});
const WRITE = { stateful: 1 } as const;
const ARCHIVE = { addOns: { b: ["archive"] } };

/** Every way through the engine, and the one event that it leaves. */
const BRANCHES: Readonly<Record<string, Branch>> = {
  "a retry: the second answers": {
    nodes: { a: fail("upstream_disconnected"), b: ok("2") },
    gets: "2",
    event: { provider: "b", attempts: 2 },
    samples: ["a failed", "b answered 0"],
  },
  "a node that is behind is not taken at its word": {
    nodes: { a: nodeError("syncing"), b: ok("2") },
    gets: "2",
    event: { provider: "b", attempts: 2 },
    samples: ["a failed", "b answered 0"],
  },
  "a node that asks for fewer requests is left alone": {
    nodes: { a: nodeError("rate_limited"), b: ok("2") },
    gets: "2",
    event: { provider: "b", attempts: 2 },
    samples: ["a rate_limited", "b answered 0"],
  },
  "an error that all nodes would give is the answer": {
    nodes: { a: nodeError("deterministic"), b: ok("2") },
    gets: "deterministic",
    event: { success: false },
    samples: ["a answered 0"],
  },
  "a node's error is the answer when no other node does better": {
    nodes: { a: nodeError("overloaded"), b: fail("upstream_disconnected") },
    gets: "overloaded",
    event: { provider: "a", success: false, attempts: 2 },
    samples: ["a failed", "b failed"],
  },
  "of two errors the one that says more is the answer": {
    nodes: { a: nodeError("missing_data"), b: nodeError("overloaded") },
    gets: "missing_data",
    event: { provider: "a", success: false, attempts: 2 },
    samples: ["a answered 0", "b failed"],
  },
  "three errors are enough": {
    nodes: { a: nodeError("syncing"), b: nodeError("syncing"), c: nodeError("syncing"), d: ok() },
    gets: "syncing",
    event: { provider: "c", success: false, attempts: 3 },
    samples: ["a failed", "b failed", "c failed"],
  },
  "missing data: the archive is asked, once, at its price": {
    nodes: { a: nodeError("missing_data"), b: ok("old") },
    options: ARCHIVE,
    gets: "old",
    event: { provider: "b", attempts: 2, isArchive: true, computeUnits: 50 },
    samples: ["a answered 0", "b answered 0"],
  },
  "missing data: the archive goes before nodes that are next in turn": {
    nodes: { a: nodeError("missing_data"), c: ok("new"), b: ok("old") },
    options: ARCHIVE,
    gets: "old",
    event: { provider: "b", attempts: 2, isArchive: true, computeUnits: 50 },
    samples: ["a answered 0", "b answered 0"],
  },
  "missing data, and no archive that works: another node": {
    nodes: { a: nodeError("missing_data"), b: fail("upstream_unreachable"), c: ok("luck") },
    options: ARCHIVE,
    gets: "luck",
    event: { provider: "c", attempts: 3 },
    samples: ["a answered 0", "b failed", "c answered 0"],
  },
  "missing data where no provider has an archive": {
    nodes: { a: nodeError("missing_data"), b: nodeError("missing_data") },
    gets: "missing_data",
    event: { provider: "b", success: false, attempts: 2 },
    samples: ["a answered 0", "b answered 0"],
  },
  "a hedge at the relay timeout: the second wins, the first has failed": {
    nodes: { a: HANG, b: ok("2", 50) },
    gets: "2",
    event: { provider: "b", attempts: 2, hedgeCount: 1, latencyMs: 1_050 },
    samples: ["b answered 50", "a failed"],
    aborted: ["a"],
  },
  "a hedge at the relay timeout: the first answers after all": {
    nodes: { a: ok("1", 1_050), b: HANG },
    gets: "1",
    event: { provider: "a", attempts: 2, hedgeCount: 1, latencyMs: 1_050 },
    samples: ["a answered 1050"],
    aborted: ["b"],
  },
  "a hedge fails, and the first is not waited for any longer": {
    nodes: { a: HANG, b: fail("upstream_disconnected", 50) },
    gets: "upstream_timeout",
    event: {
      success: false,
      computeUnits: 0,
      provider: "b",
      attempts: 2,
      hedgeCount: 1,
      latencyMs: 1_050,
      errorClass: "upstream_timeout",
    },
    samples: ["b failed", "a failed"],
    aborted: ["a"],
  },
  "a URL with more time is hedged later": {
    nodes: { a: HANG, b: ok("2") },
    options: { extraTimeoutMs: { a: 2_000 } },
    gets: "2",
    event: { provider: "b", attempts: 2, hedgeCount: 1, latencyMs: 3_000 },
    samples: ["b answered 0", "a failed"],
    aborted: ["a"],
  },
  "nobody answers, one after the other": {
    nodes: { a: HANG, b: HANG },
    gets: "upstream_timeout",
    event: {
      success: false,
      computeUnits: 0,
      provider: "b",
      attempts: 2,
      hedgeCount: 1,
      latencyMs: 2_000,
      errorClass: "upstream_timeout",
    },
    samples: ["a failed", "b failed"],
    aborted: ["a", "b"],
  },
  "ten attempts are enough": {
    nodes: Object.fromEntries([..."abcdefghijkl"].map((name) => [name, HANG])),
    gets: "upstream_timeout",
    event: {
      success: false,
      computeUnits: 0,
      provider: "j",
      attempts: 10,
      hedgeCount: 9,
      latencyMs: 10_000,
      errorClass: "upstream_timeout",
    },
    samples: [..."abcdefghij"].map((name) => `${name} failed`),
    aborted: [..."abcdefghij"],
  },
  "a batch is not hedged": {
    nodes: { a: HANG, b: ok() },
    changes: { isBatch: true },
    gets: "upstream_timeout",
    event: { isBatch: true, success: false, computeUnits: 0, latencyMs: 1_000, errorClass: "upstream_timeout" },
    samples: ["a failed"],
    aborted: ["a"],
  },
  "a write that is kept at its node is not hedged": {
    nodes: { a: HANG, b: ok() },
    api: { stateful: 2 },
    gets: "upstream_timeout",
    event: { isWrite: true, success: false, computeUnits: 0, latencyMs: 1_000, errorClass: "upstream_timeout" },
    samples: ["a failed"],
    aborted: ["a"],
  },
  "a write goes to all, and the first success wins": {
    nodes: { a: ok("1", 100), b: ok("2", 50), c: fail("upstream_unreachable") },
    api: WRITE,
    gets: "2",
    event: { isWrite: true, provider: "b", attempts: 3, latencyMs: 50 },
    samples: ["c failed", "b answered 50"],
  },
  "a write goes to ten at the most": {
    nodes: Object.fromEntries([..."abcdefghijkl"].map((name, index) => [name, ok(name, 50 * (index + 1))])),
    api: WRITE,
    gets: "a",
    event: { isWrite: true, attempts: 10, latencyMs: 50 },
    samples: ["a answered 50"],
  },
  "a write that a node refuses and another takes": {
    nodes: { a: nodeError("unknown"), b: ok("2", 50) },
    api: WRITE,
    gets: "2",
    event: { isWrite: true, provider: "b", attempts: 2, latencyMs: 50 },
    samples: ["a answered 0", "b answered 50"],
  },
  "a write that all refuse": {
    nodes: { a: nodeError("unknown", 50), b: fail("upstream_disconnected") },
    api: WRITE,
    gets: "unknown",
    event: { isWrite: true, provider: "a", success: false, attempts: 2, latencyMs: 50 },
    samples: ["b failed", "a answered 50"],
  },
  "a write that nobody takes": {
    nodes: { a: HANG, b: fail("upstream_unreachable") },
    api: WRITE,
    gets: "upstream_timeout",
    event: {
      isWrite: true,
      provider: "b",
      success: false,
      computeUnits: 0,
      attempts: 2,
      latencyMs: 1_000,
      errorClass: "upstream_timeout",
    },
    samples: ["b failed", "a failed"],
    aborted: ["a"],
  },
  "agreement of two": {
    nodes: { a: ok('{"x":1,"y":2}', 50), b: ok("lie", 50), c: ok('{ "y" : 2, "x" : 1 }', 100), d: HANG },
    steering: crossValidation(4, 2),
    gets: '{"x":1,"y":2}',
    event: { provider: "a", attempts: 4, latencyMs: 100 },
    samples: ["a answered 50", "b answered 50", "c answered 100", "d outrun 100"],
    aborted: ["d"],
    notes: [["lava-cross-validation-status", "success"]],
  },
  "no agreement": {
    nodes: { a: ok("1"), b: ok("2"), c: HANG },
    steering: crossValidation(3, 3),
    gets: "no_agreement",
    event: { provider: "c", attempts: 3, success: false, computeUnits: 0, errorClass: "no_agreement" },
    samples: ["a answered 0", "b answered 0"],
    aborted: ["c"],
    notes: [["lava-cross-validation-status", "failed"]],
  },
  "errors of nodes never agree": {
    nodes: { a: nodeError("deterministic"), b: nodeError("deterministic") },
    steering: crossValidation(2, 2),
    gets: "no_agreement",
    event: { provider: "b", attempts: 2, success: false, computeUnits: 0, errorClass: "no_agreement" },
    samples: ["a answered 0", "b answered 0"],
    notes: [["lava-cross-validation-status", "failed"]],
  },
  "agreement of nodes that are all dead": {
    nodes: { a: fail("upstream_unreachable"), b: fail("upstream_unreachable") },
    steering: crossValidation(2, 1),
    gets: "upstream_unreachable",
    event: { provider: "b", attempts: 2, success: false, computeUnits: 0, errorClass: "upstream_unreachable" },
    samples: ["a failed", "b failed"],
    notes: [["lava-cross-validation-status", "failed"]],
  },
  "agreement within the time of an attempt": {
    nodes: { a: ok("1"), b: HANG },
    steering: crossValidation(2, 2),
    gets: "no_agreement",
    event: {
      provider: "b",
      attempts: 2,
      success: false,
      computeUnits: 0,
      latencyMs: 1_000,
      errorClass: "no_agreement",
    },
    samples: ["a answered 0", "b failed"],
    aborted: ["b"],
    notes: [["lava-cross-validation-status", "failed"]],
  },
  "agreement of more than there are: nobody is asked": {
    nodes: { a: ok(), b: ok() },
    steering: crossValidation(5, 3),
    gets: "no_provider",
    event: { provider: "", attempts: 0, success: false, computeUnits: 0, errorClass: "no_provider" },
    samples: [],
    notes: [["lava-cross-validation-status", "failed"]],
  },
  "nobody serves the add-on": {
    nodes: { a: ok() },
    api: { addOn: "trace" },
    gets: "no_provider",
    event: {
      provider: "",
      attempts: 0,
      success: false,
      computeUnits: 0,
      isDebugTrace: true,
      errorClass: "no_provider",
    },
    samples: [],
  },
  "nobody serves the add-on of a write": {
    nodes: { a: ok() },
    api: { addOn: "trace", stateful: 1 },
    gets: "no_provider",
    event: {
      provider: "",
      attempts: 0,
      success: false,
      computeUnits: 0,
      isDebugTrace: true,
      isWrite: true,
      errorClass: "no_provider",
    },
    samples: [],
  },
};

for (const [name, branch] of Object.entries(BRANCHES)) {
  Deno.test(`engine: ${name}`, async () => {
    const engine = new Engine(branch.nodes, branch.options);
    const outcome = await engine.finish(engine.run(branch.api, branch.steering, branch.changes));
    const text = outcome.kind === "answer" && new TextDecoder().decode(outcome.response.body!);
    const gets = outcome.kind === "failure" ? outcome.error.code : /"nodeError":"(\w+)"/.exec(text || "")?.[1] ?? text;
    assertEquals(gets, branch.gets);
    assertEquals(outcome.notes, branch.notes ?? []);
    assertEquals(engine.selector.samples, branch.samples);
    assertCounted(engine);
    assertEquals(engine.aborted, branch.aborted ?? []);
    assertEquals(engine.usage.events, [{
      kind: "relay_usage",
      timeUnixMs: engine.usage.events[0]!.timeUnixMs,
      project: "acme",
      chain: "ETH1",
      apiInterface: "jsonrpc",
      apiMethod: "read",
      computeUnits: 10,
      latencyMs: 0,
      success: true,
      cacheHit: false,
      isWrite: false,
      isArchive: false,
      isBatch: false,
      isDebugTrace: false,
      hedgeCount: 0,
      provider: "a",
      origin: "",
      errorClass: "",
      attempts: 1,
      ...branch.event,
    }]);
  });
}

/** How a relay ends. */
function ending(engine: Engine, steering?: Partial<Steering>, api?: Partial<ApiFacts>): Promise<Outcome> {
  return engine.finish(engine.run(api, steering));
}

/** The metrics say of the one relay what its event says. */
function assertCounted({ counts, usage }: Engine): void {
  const [event] = usage.events;
  const [method] = counts.methods.values();
  const row = method!.providers.get(event!.provider)!;
  const { total, success, failed, read, write, batch, debugTrace, archive } = row;
  assertEquals([total, success, failed], [1, Number(event!.success), Number(!event!.success)]);
  assertEquals([read + write + batch, write, batch], [1, Number(event!.isWrite), Number(event!.isBatch)]);
  assertEquals([debugTrace, archive], [Number(event!.isDebugTrace), Number(event!.isArchive)]);
  assertEquals(method!.hedges, event!.hedgeCount);
  let faults = 0;
  for (const { nodeErrors, protocolErrors } of method!.providers.values()) faults += nodeErrors + protocolErrors;
  assert(faults <= event!.attempts, "no attempt fails twice");
}

Deno.test("a write's other attempts go on until their time, and are then ended and counted", async () => {
  const engine = new Engine({ a: ok("1", 50), b: ok("2", 100), c: HANG });
  await engine.finish(engine.run({ stateful: 1 }));
  assertEquals([engine.selector.samples, engine.aborted], [["a answered 50"], []]);
  await engine.clock.advance(1_000);
  assertEquals(engine.selector.samples, ["a answered 50", "b answered 100", "c failed"]);
  assertEquals([engine.aborted, engine.clock.pending], [["c"], 0]);
});

Deno.test("nor do they go on for long, as a node that hangs would have more and more of them", async () => {
  const engine = new Engine({ a: ok("1", 50), b: HANG });
  await engine.finish(engine.run({ stateful: 1, timeoutMs: 60_000 }));
  await engine.clock.advance(4_950);
  assertEquals(engine.aborted, []);
  await engine.clock.advance(50);
  assertEquals([engine.aborted, engine.clock.pending], [["b"], 0]);
});

Deno.test("a client that leaves ends every attempt, and the event says so", async () => {
  for (const [nodes, api] of [[{ a: HANG }, {}], [{ a: HANG, b: HANG }, { stateful: 1 }]] as const) {
    const engine = new Engine(nodes);
    const client = new AbortController();
    const running = engine.run(api, {}, { signal: client.signal });
    await engine.clock.advance(500);
    client.abort();
    const outcome = await engine.finish(running);
    assertEquals(outcome.kind === "failure" && outcome.error.code, "client_closed");
    assertEquals([engine.selector.samples, engine.aborted, engine.clock.pending], [[], Object.keys(nodes), 0]);
    const [event] = engine.usage.events;
    assertEquals([event!.success, event!.computeUnits, event!.latencyMs, event!.errorClass], [
      false,
      0,
      500,
      "client_closed",
    ]);
  }
});

Deno.test("a client that had left before anything was asked leaves no event", async () => {
  const engine = new Engine({ a: ok() });
  const outcome = await engine.finish(engine.run({}, {}, { signal: AbortSignal.abort() }));
  assertEquals([outcome.kind, outcome.attempts, engine.usage.events, engine.sent], ["failure", 0, [], []]);
});

Deno.test("a relay that stops ends what is under way, what a write left too, and starts nothing", async () => {
  const engine = new Engine({ a: ok("1", 50), b: HANG });
  await engine.finish(engine.run({ stateful: 1 }));
  const running = engine.run();
  engine.relay.interrupt();
  const outcome = await engine.finish(running);
  assertEquals(outcome.kind === "failure" && outcome.error.code, "shutting_down");
  assertEquals(engine.clock.pending, 0);
  const sent = engine.sent.length;
  const late = await engine.finish(engine.run());
  assertEquals([late.kind, engine.sent.length], ["failure", sent]);
});

Deno.test("APIs of an internal path are asked for below the node's URL, unless it leads there", async () => {
  const engine = new Engine({ a: ok(), b: ok() }, { internalPaths: { b: "/C/rpc" } });
  for (let i = 0; i < 2; i++) await engine.finish(engine.run({ internalPath: "/C/rpc" }));
  for (let i = 0; i < 1; i++) await engine.finish(engine.run());
  assertEquals(engine.sent, ["a /C/rpc/p", "b /p", "a /p"]);
});

Deno.test("a codec that throws is a mistake of the relay: an answer, an event, and nothing left behind", async () => {
  const engine = new Engine({ a: ok() });
  const request = { call: { isBatch: false, readReply: () => JSON.parse("{") } } as unknown as Partial<RelayRequest>;
  const outcome = await engine.finish(engine.run({}, {}, request));
  assertEquals(outcome.kind === "failure" && outcome.error.code, "internal_error");
  assertEquals([engine.usage.events.length, engine.usage.events[0]!.provider, engine.clock.pending], [1, "a", 0]);
});

Deno.test("a mistake in what is told of a choice ends with an event as well", async () => {
  const engine = new Engine({ a: ok() }, { selectionStats: true });
  engine.selector.explain = () => {
    throw new TypeError("a mistake");
  };
  const outcome = await engine.finish(engine.run());
  assertEquals(outcome.kind === "failure" && outcome.error.code, "internal_error");
  assertEquals(engine.usage.events.length, 1);
});

Deno.test("who wants to know is told how the answer came about, and what the choice was made from", async () => {
  const nodes = { a: HANG, b: fail("upstream_disconnected"), c: nodeError("syncing", 100), d: ok("4", 50) };
  const asked = await ending(new Engine(nodes), { debug: true });
  assertEquals(asked.notes, [[
    "lava-debug-relay",
    "one; b upstream_disconnected 0ms; c syncing 100ms; d answered 50ms; a outrun 1150ms; hedges 1",
  ]]);
  const all = await ending(new Engine({ a: ok() }, { debugRelays: true, selectionStats: true }));
  assertEquals(all.notes, [["lava-debug-relay", "one; a answered 0ms; hedges 0"], [
    "lava-selection-stats",
    "a=available",
  ]]);
  const none = await ending(new Engine({ a: ok() }));
  assertEquals(none.notes, []);
  const many = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`provider-${i}`.padEnd(120, "x"), ok()]));
  const long = await ending(new Engine(many, { debugRelays: true, selectionStats: true }), {}, { stateful: 1 });
  assertEquals(long.notes.map(([, text]) => text.length <= 1_024), [true, true]);
  assert(long.notes[1]![1].endsWith("..."));
});

Deno.test("the archive is not asked for where the chain spec does not know it", async () => {
  const engine = new Engine({ a: nodeError("missing_data"), b: ok("2") }, ARCHIVE);
  const api = apiFacts({ withExtension: () => undefined });
  await engine.finish(engine.run(api));
  const [event] = engine.usage.events;
  assertEquals([event!.provider, event!.isArchive, event!.computeUnits], ["b", false, 10]);
});
