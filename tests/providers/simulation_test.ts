/** Ten thousand relays, by a clock and a chance that are the same each time: whom the optimizer comes to ask. */
import { assert } from "@std/assert";
import type { OptimizerConfig, Strategy } from "../../mod.ts";
import type { Provider } from "../../src/providers/provider.ts";
import { apiFacts } from "../support/engine.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { candidateOf, providerOf, selectionOf, selectorOf } from "../support/providers.ts";
import { seededRandom } from "../support/seeded_random.ts";

const RELAYS = 10_000;
const BLOCK_MS = 12_000;

interface Habit {
  readonly latencyMs: number;
  /** Blocks behind the chain. */
  readonly behind: number;
  readonly failureRate: number;
}

/** A good provider, and three that each have one fault. */
const HABITS: Readonly<Record<string, Habit>> = {
  good: { latencyMs: 60, behind: 0, failureRate: 0 },
  slow: { latencyMs: 900, behind: 0, failureRate: 0 },
  stale: { latencyMs: 60, behind: 8, failureRate: 0 },
  failing: { latencyMs: 60, behind: 0, failureRate: 0.05 },
};

/** The share of each provider in the second half of the relays, ten of which are made in a second. */
async function simulate(
  names: readonly string[],
  config: OptimizerConfig,
  seed: number,
): Promise<Record<string, number>> {
  const clock = new FakeClock();
  const random = seededRandom(seed);
  const providers = new Map<string, Provider>(names.map((name) => [name, providerOf(name)]));
  const selector = selectorOf([...providers.values()], clock, config, random);
  const shares: Record<string, number> = Object.fromEntries(names.map((name) => [name, 0]));
  let block = 0;
  for (let i = 0; i < RELAYS; i++) {
    await clock.advance(100);
    const head = 1_000_000 + Math.floor(clock.monotonic() / BLOCK_MS);
    if (head !== block) {
      block = head;
      for (const [name, provider] of providers) selector.see({ provider }, head - HABITS[name]!.behind);
    }
    const { provider } = selector.select(selectionOf())!;
    const { latencyMs, failureRate } = HABITS[provider.name]!;
    const sample = random() < failureRate
      ? { kind: "failed" } as const
      : { kind: "answered", latencyMs: latencyMs * (0.5 + random()) } as const;
    selector.report(candidateOf(provider), sample, apiFacts());
    if (i >= RELAYS / 2) shares[provider.name]!++;
  }
  for (const name of names) shares[name]! /= RELAYS / 2;
  return shares;
}

/** With the weights as they are by default, strategies differ little: these bounds hold for all that choose by score. */
const SHARES = { slow: [0.33, 0.4], stale: [0.35, 0.43], failing: [0.2, 0.29] } as const;
const BY_SCORE: readonly Strategy[] = ["balanced", "latency", "sync-freshness", "cost", "accuracy", "distributed"];

for (const strategy of BY_SCORE) {
  Deno.test(`${strategy}: a provider that fails is asked least, and one without a fault more than all others`, async () => {
    for (const seed of [1, 2, 3]) {
      const three = await simulate(["slow", "stale", "failing"], { strategy }, seed);
      for (const [name, [low, high]] of Object.entries(SHARES)) {
        assert(three[name]! >= low && three[name]! <= high, `seed ${seed}: ${JSON.stringify(three)}`);
      }
      const { good, ...others } = await simulate(["good", "slow", "stale", "failing"], { strategy }, seed);
      assert(
        good! >= 0.3 && Math.max(...Object.values(others)) <= 0.27,
        `seed ${seed}: ${good} ${JSON.stringify(others)}`,
      );
    }
  });
}

Deno.test("privacy: one provider has all, and another once that one is not available", async () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const shares = await simulate(["slow", "stale", "failing"], { strategy: "privacy" }, seed);
    const [most = 0, ...rest] = Object.values(shares).sort((a, b) => b - a);
    assert(most === 1 && rest.every((share) => share === 0), JSON.stringify(shares));
    assert(shares["failing"] === 0, "it is left once it has failed");
  }
});

/** What all the weight is on, and the most that the provider with that fault gets then. */
const SINGLE: readonly (readonly [keyof OptimizerConfig, string, number])[] = [
  ["latencyWeight", "slow", 0.12],
  ["syncWeight", "stale", 0.03],
  ["availabilityWeight", "failing", 0.26],
];

for (const [weight, name, most] of SINGLE) {
  Deno.test(`with all the weight on ${weight}, the provider that is ${name} gets ${most * 100} % at the most`, async () => {
    const none = { availabilityWeight: 0, latencyWeight: 0, syncWeight: 0, stakeWeight: 0 };
    for (const seed of [1, 2, 3]) {
      const shares = await simulate(["slow", "stale", "failing"], { ...none, [weight]: 1 }, seed);
      assert(shares[name]! > 0 && shares[name]! <= most, `seed ${seed}: ${JSON.stringify(shares)}`);
    }
  });
}
