import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Log, LogFields } from "../../mod.ts";
import type { NodeCheck, NodeProbe, NodeQuestion, ProbeResult } from "../../src/providers/node_probe.ts";
import type { OptimizerSelector } from "../../src/providers/optimizer_selector.ts";
import { Prober } from "../../src/providers/prober.ts";
import type { Provider } from "../../src/providers/provider.ts";
import type { Candidate } from "../../src/providers/selector.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { providerOf, selectionOf, selectorOf, sharesOf, urlOf } from "../support/providers.ts";

/** What nodes answer, by provider: a text, an error, or nothing at all. */
type Answer = string | "REFUSES" | "HANGS" | "FAILS";

/** A question to nodes that answer as told, and who was asked when. */
function question(clock: FakeClock, answers: Record<string, Answer>, asked: string[] = []): NodeQuestion {
  return {
    fits: () => true,
    ask({ provider: { name } }: Candidate, signal: AbortSignal, block?: number): Promise<ProbeResult> {
      asked.push(`${clock.monotonic()} ${name}${block === undefined ? "" : ` ${block}`}`);
      const answer = answers[name] ?? "HANGS";
      const sample = { kind: "answered", latencyMs: 5 } as const;
      if (answer === "FAILS") return Promise.resolve({ kind: "unknown", text: "", sample: { kind: "failed" } });
      if (answer === "REFUSES") return Promise.resolve({ kind: "refusal", text: "", sample });
      if (answer !== "HANGS") return Promise.resolve({ kind: "value", text: answer, sample });
      return new Promise((resolve) =>
        signal.addEventListener("abort", () => resolve({ kind: "unknown", text: "", sample: undefined }))
      );
    },
  };
}

interface Watched extends AsyncDisposable {
  readonly log: Lines;
}

/** Providers that are asked every 12 s, or as is said. */
function watch(
  providers: readonly Provider[],
  selector: OptimizerSelector,
  clock: FakeClock,
  probe: Partial<NodeProbe>,
  pollIntervalMs = 12_000,
): Watched {
  const log = new Lines();
  const prober = new Prober(
    { providers, selector, clock, log, probe: { newestBlock: undefined, checks: [], ...probe } },
    { pollIntervalMs, verifyIntervalMs: 300_000, retryIntervalMs: 180_000, timeoutMs: 5_000, verifiesSockets: false },
  );
  return { log, [Symbol.asyncDispose]: () => prober[Symbol.asyncDispose]() };
}

Deno.test("providers are asked for their newest block once in each interval, and not all at once", async () => {
  const clock = new FakeClock();
  const providers = ["a", "b", "c"].map((name) => providerOf(name));
  const selector = selectorOf(providers, clock);
  const asked: string[] = [];
  await using _watched = watch(providers, selector, clock, {
    newestBlock: question(clock, { a: "100", b: "99", c: "100" }, asked),
  });
  await clock.advance(23_999);
  assertEquals(asked, ["0 a", "4000 b", "8000 c", "12000 a", "16000 b", "20000 c"]);
  assertEquals([selector.head(), selector.headOf("b")], [100, 99]);
  assertEquals(selector.scoresOf("a")?.selectionSync, 1);
  assert(selector.scoresOf("b")!.selectionSync < 1);
});

Deno.test("50 providers are asked at 50 moments", async () => {
  const clock = new FakeClock();
  const providers = Array.from({ length: 50 }, (_, index) => providerOf(`p${index}`));
  const asked: string[] = [];
  const answers = Object.fromEntries(providers.map(({ name }) => [name, "100"]));
  const selector = selectorOf(providers, clock);
  await using _watched = watch(providers, selector, clock, { newestBlock: question(clock, answers, asked) });
  await clock.advance(11_999);
  assertEquals(new Set(asked.map((entry) => entry.split(" ")[0])).size, 50);
});

Deno.test("a node that hangs is given up, counts as failed, and is not asked again meanwhile", async () => {
  const clock = new FakeClock();
  const providers = [providerOf("a"), providerOf("b")];
  const selector = selectorOf(providers, clock);
  const asked: string[] = [];
  const newestBlock = question(clock, { a: "HANGS", b: "7" }, asked);
  await using _watched = watch(providers, selector, clock, { newestBlock }, 2_000);
  await clock.advance(4_999);
  assertEquals(asked.filter((entry) => entry.endsWith("a")), ["0 a"]);
  await clock.advance(1);
  assertEquals(sharesOf(selector, 50), { b: 50 });
  assertEquals(selector.scoresOf("a")?.selectionAvailability, 0);
});

Deno.test("a dead node is kept out by probes, and back as soon as one is answered, before any client asks it", async () => {
  const clock = new FakeClock();
  const providers = [providerOf("a"), providerOf("b")];
  const selector = selectorOf(providers, clock);
  const answers: Record<string, Answer> = { a: "FAILS", b: "7" };
  await using _watched = watch(providers, selector, clock, { newestBlock: question(clock, answers) });
  for (let minute = 0; minute < 10; minute++) {
    await clock.advance(60_000);
    assertEquals(sharesOf(selector, 20), { b: 20 }, `after ${minute + 1} min`);
  }
  answers["a"] = "8";
  await clock.advance(12_000);
  assertEquals(Object.keys(sharesOf(selector, 200)).sort(), ["a", "b"]);
});

Deno.test("a node that answers probes and not clients is left alone all the same", async () => {
  const clock = new FakeClock();
  const [a, b] = [providerOf("a"), providerOf("b")];
  const selector = selectorOf([a, b], clock);
  const newestBlock = question(clock, { a: "7", b: "7" });
  await using _watched = watch([a, b], selector, clock, { newestBlock }, 1_000);
  selector.report({ provider: a, nodeUrl: a.nodeUrls[0]! }, { kind: "failed" }, selectionOf().api);
  await clock.advance(2_900);
  assertEquals(sharesOf(selector, 20), { b: 20 });
});

Deno.test("a prober that is disposed of asks no more, and leaves no timer", async () => {
  const clock = new FakeClock();
  const asked: string[] = [];
  const providers = [providerOf("a"), providerOf("b")];
  const selector = selectorOf(providers, clock);
  const watched = watch(providers, selector, clock, { newestBlock: question(clock, { a: "HANGS" }, asked) });
  await clock.advance(1);
  await watched[Symbol.asyncDispose]();
  assertEquals(clock.pending, 0);
  await clock.advance(60_000);
  assertEquals([asked, selector.scoresOf("a")], [["0 a"], undefined], "what is given up says nothing");
});

class Lines implements Log {
  readonly lines: string[] = [];
  debug(): void {}
  info(message: string, fields?: LogFields): void {
    this.lines.push(`info ${message} ${JSON.stringify(fields)}`);
  }
  warn(message: string, fields?: LogFields): void {
    this.lines.push(`warn ${message} ${JSON.stringify(fields)}`);
  }
  error(message: string, fields?: LogFields): void {
    this.lines.push(`error ${message} ${JSON.stringify(fields)}`);
  }
}

function checkOf(
  clock: FakeClock,
  answer: Answer,
  changes: Partial<NodeCheck> = {},
  asked: string[] = [],
): NodeCheck {
  return {
    name: "chain-id",
    question: question(clock, { a: answer }, asked),
    services: [],
    expectedValue: "0x1",
    latestDistance: 0,
    isAboutBlock: false,
    isFatal: true,
    ...changes,
  };
}

async function verify(
  clock: FakeClock,
  provider: Provider,
  checks: readonly NodeCheck[],
  head: Answer = "1000",
): Promise<Watched> {
  const newestBlock = question(clock, { a: head });
  const watched = watch([provider], selectorOf([provider], clock), clock, { checks, newestBlock });
  await clock.advance(0);
  return watched;
}

const DISTANCE = { expectedValue: undefined, latestDistance: 128 };

/** What a check wants, what the node says, its newest block, and whether it is asked by clients then. */
const VERDICTS: readonly (readonly [string, Partial<NodeCheck>, Answer, Answer, boolean])[] = [
  ["the expected value", {}, "0x1", "1000", true],
  ["it in other letters", { expectedValue: "0xaB" }, "0xAb", "1000", true],
  ["another value", {}, "0x89", "1000", false],
  ["an error", {}, "REFUSES", "1000", false],
  ["no answer", {}, "FAILS", "1000", true],
  ["any value where any will do", { expectedValue: "*" }, "x", "1000", true],
  ["an error where any value will do", { expectedValue: "*" }, "REFUSES", "1000", false],
  ["another value of a check that only warns", { isFatal: false }, "0x89", "1000", true],
  ["an oldest block that is old enough", DISTANCE, "872", "1000", true],
  ["an oldest block that is too young", DISTANCE, "873", "1000", false],
  ["an oldest block that is none", DISTANCE, "x", "1000", false],
  ["an oldest block on a young chain", DISTANCE, "0", "100", true],
  ["an oldest block where the newest is not known", DISTANCE, "0", "FAILS", true],
  ["the block at the distance", { ...DISTANCE, isAboutBlock: true }, "0xhash", "1000", true],
  ["no block at the distance", { ...DISTANCE, isAboutBlock: true }, "REFUSES", "1000", false],
];

for (const [what, changes, answer, head, isAsked] of VERDICTS) {
  Deno.test(`a node that answers ${what} ${isAsked ? "is" : "is not"} asked`, async () => {
    const clock = new FakeClock();
    const provider = providerOf("a");
    await using _watched = await verify(clock, provider, [checkOf(clock, answer, changes)], head);
    assertEquals(!provider.nodeUrls[0]!.health.isRefuted, isAsked);
  });
}

Deno.test("the block at the distance is the one that is asked for", async () => {
  const clock = new FakeClock();
  const asked: string[] = [];
  await using _watched = await verify(clock, providerOf("a"), [
    checkOf(clock, "0xhash", { ...DISTANCE, isAboutBlock: true }, asked),
  ]);
  assertEquals(asked, ["0 a 872"]);
});

Deno.test("a node that hangs does not hold up the others, and is looked at again after three minutes", async () => {
  const clock = new FakeClock();
  const answers: Record<string, Answer> = { a: "HANGS", b: "0x89" };
  const asked: string[] = [];
  const check = { ...checkOf(clock, "0x1"), question: question(clock, answers, asked) };
  const [a, b] = [providerOf("a"), providerOf("b")];
  await using watched = watch([a, b], selectorOf([a, b], clock), clock, { checks: [check] }, 1);
  await clock.advance(1);
  const { log } = watched;
  assertEquals([a, b].map(({ nodeUrls: [url] }) => url!.health.isAvailable(0)), [true, false]);
  assertStringIncludes(
    log.lines.join(),
    '"provider":"b","verification":"chain-id","reason":"it says 0x89 instead of 0x1"',
  );
  await clock.advance(5_000);
  answers["b"] = "0x1";
  await clock.advance(175_000);
  assertEquals(b.nodeUrls[0]!.health.isAvailable(clock.monotonic()), true);
  assertStringIncludes(log.lines.join(), "info provider has passed its verifications");
  await clock.advance(600_000);
  assertEquals(
    asked.filter((entry) => entry.endsWith("b")),
    ["0", "180000", "480000", "780000"].map((at) => `${at} b`),
    "what has passed is looked at every five minutes",
  );
  assert(asked.filter((entry) => entry.endsWith("a")).length >= 3);
});

Deno.test("an add-on or extension that a node turns out not to serve is not asked of it, all else is", async () => {
  const clock = new FakeClock();
  const provider = providerOf("a", { nodeUrls: [urlOf({ addOns: new Set(["debug", "archive"]) })] });
  const selector = selectorOf([provider], clock);
  await using _watched = await verify(clock, provider, [
    checkOf(clock, "0x1"),
    checkOf(clock, "REFUSES", { name: "enabled", services: ["debug"], expectedValue: "*" }),
    checkOf(clock, "0x0", { name: "pruning", services: ["archive"], expectedValue: "0x0" }),
    checkOf(clock, "REFUSES", { name: "trace", services: ["trace"], expectedValue: "*" }),
  ]);
  assertEquals([selector.serves("debug"), selector.serves("archive"), selector.isHealthy()], [false, true, true]);
  assertEquals(sharesOf(selector, 1, selectionOf({ addOn: "debug" })), { "-": 1 });
  assertEquals(sharesOf(selector, 1, selectionOf({ extensions: ["archive"] })), { a: 1 });
});

Deno.test("verifications are skipped by name, and all of them by *", async () => {
  for (const name of ["chain-id", "*"]) {
    const clock = new FakeClock();
    const asked: string[] = [];
    const provider = providerOf("a", { nodeUrls: [urlOf({ skipVerifications: new Set([name]) })] });
    await using _watched = await verify(clock, provider, [checkOf(clock, "0x89", {}, asked)]);
    assertEquals([asked, provider.nodeUrls[0]!.health.isAvailable(0)], [[], true]);
  }
});

Deno.test("a node that was found wrong stays left out while it does not answer, whatever else it answers", async () => {
  const clock = new FakeClock();
  const answers: Record<string, Answer> = { a: "0x89" };
  const provider = providerOf("a", { nodeUrls: [urlOf({ addOns: new Set(["debug"]) })] });
  const chainId = { ...checkOf(clock, "0x1"), question: question(clock, answers) };
  const debug = checkOf(clock, "REFUSES", { name: "enabled", services: ["debug"], expectedValue: "*" });
  await using _watched = await verify(clock, provider, [chainId, debug]);
  const { health } = provider.nodeUrls[0]!;
  assertEquals([health.isRefuted, health.lacks("debug")], [true, true]);
  answers["a"] = "FAILS";
  await clock.advance(180_000);
  assertEquals([health.isRefuted, health.lacks("debug")], [true, true]);
  answers["a"] = "0x1";
  await clock.advance(180_000);
  assertEquals([health.isRefuted, health.lacks("debug")], [false, true]);
});
