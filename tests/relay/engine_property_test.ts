import { assert, assertEquals } from "@std/assert";
import type { ApiFacts } from "../../src/domain/relay_request.ts";
import type { Steering } from "../../src/domain/steering.ts";
import { Engine, type EngineOptions, fail, HANG, nodeError, ok, type Step } from "../support/engine.ts";
import { seededRandom } from "../support/seeded_random.ts";

const SCENARIOS = 200;
const PROCESSING_MS = 4_000;

interface Scenario {
  readonly nodes: Readonly<Record<string, Step>>;
  readonly api: Partial<ApiFacts>;
  readonly steering: Partial<Steering>;
  readonly isBatch: boolean;
  readonly options: EngineOptions;
  /** When the client leaves; never where it is infinite. */
  readonly leavesAtMs: number;
}

function scenarioOf(random: () => number): Scenario {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  const delay = () => pick([0, 0, 50, 300, 950, 1_050, 2_500]);
  const step = (): Step =>
    pick<() => Step>([
      () => ok(pick(["1", "2"]), delay()),
      () => ok(pick(["1", "2"]), delay()),
      () => HANG,
      () =>
        nodeError(pick(["deterministic", "missing_data", "syncing", "overloaded", "rate_limited", "unknown"]), delay()),
      () =>
        fail(pick(["upstream_unreachable", "upstream_disconnected", "malformed_answer", "answer_too_large"]), delay()),
    ])();
  const names = [..."abcdefghijkl"].slice(0, 1 + Math.floor(random() * 12));
  const maxParticipants = 1 + Math.floor(random() * 5);
  const crossValidation = { maxParticipants, agreementThreshold: 1 + Math.floor(random() * maxParticipants) };
  return {
    nodes: Object.fromEntries(names.map((name) => [name, step()])),
    api: { stateful: pick([0, 0, 0, 1, 2] as const) },
    steering: { ...(random() < 0.2 && { crossValidation }), debug: random() < 0.5 },
    isBatch: random() < 0.2,
    options: {
      processingTimeoutMs: PROCESSING_MS,
      retryLimit: Math.floor(random() * 4),
      disableBatchRetry: random() < 0.5,
      addOns: Object.fromEntries(names.filter(() => random() < 0.3).map((name) => [name, ["archive"]])),
    },
    leavesAtMs: random() < 0.15 ? pick([25, 500, 1_500]) : Infinity,
  };
}

Deno.test("whatever nodes and clients do: one outcome in time, one true event, nothing left behind", async () => {
  for (let seed = 0; seed < SCENARIOS; seed++) {
    const { nodes, api, steering, isBatch, options, leavesAtMs } = scenarioOf(seededRandom(seed));
    const told = `seed ${seed}`;
    const engine = new Engine(nodes, options);
    const client = new AbortController();
    if (leavesAtMs < Infinity) engine.clock.schedule(leavesAtMs, () => client.abort());
    const outcome = await engine.finish(engine.run(api, steering, { isBatch, signal: client.signal }));

    // Each attempt is one request to one node, and no node is asked twice.
    assertEquals(outcome.attempts, engine.sent.length, told);
    assertEquals(new Set(outcome.tried).size, outcome.tried.length, told);
    assertEquals(outcome.tried.join(), engine.sent.map((sent) => sent.split(" ")[0]).join(), told);
    assert(outcome.attempts <= 10, told);
    const isOne = steering.crossValidation === undefined && api.stateful !== 1;
    if (isOne && outcome.attempts > 0) assertEquals(1 + outcome.retries + outcome.hedges, outcome.attempts, told);
    if (!isOne) assertEquals([outcome.retries, outcome.hedges], [0, 0], told);

    // The event says what the outcome was.
    assertEquals(engine.usage.events.length, 1, told);
    const event = engine.usage.events[0]!;
    const { provider, success, computeUnits, hedgeCount, attempts, errorClass, latencyMs } = event;
    assertEquals([attempts, hedgeCount], [outcome.attempts, outcome.hedges], told);
    assert(latencyMs <= (api.stateful === 1 ? 180_000 : PROCESSING_MS), `${told}: ${latencyMs} ms`);
    if (outcome.kind === "answer") {
      assertEquals([provider, success, errorClass], [outcome.provider, outcome.success, ""], told);
      const step = nodes[provider]!;
      assertEquals([step.kind, success], [success ? "answer" : "node_error", step.kind === "answer"], told);
      assertEquals(computeUnits, outcome.api.computeUnits, told);
    } else {
      assertEquals([provider, success, errorClass], [outcome.tried.at(-1) ?? "", false, outcome.error.code], told);
      assertEquals(computeUnits, 0, told);
      // Nobody is left without an answer that a node had already given, but who wanted agreement.
      const gaveOne = outcome.tried.some((name) => nodes[name]!.kind === "answer");
      const hadTime = leavesAtMs === Infinity && isOne && gaveOne;
      if (hadTime) assert(outcome.tried.some((name) => lateOf(nodes[name]!)), `${told}: an answer was lost`);
    }
    if (computeUnits > 0) assertEquals(event.isArchive, computeUnits === 50, told);

    // The selector hears of each attempt once at the most, and every timer ends.
    await engine.clock.advance(200_000);
    assert(engine.selector.samples.length <= outcome.attempts, told);
    assertEquals(engine.clock.pending, 0, told);
    const counted = [...engine.counts.methods.values()].flatMap(({ providers }) => [...providers.values()]);
    assertEquals(counted.reduce((sum, { total }) => sum + total, 0), 1, told);
  }
});

/** Whether a node's answer may come too late to be waited for. */
function lateOf(step: Step): boolean {
  return step.kind === "answer" && step.afterMs >= 1_000;
}
