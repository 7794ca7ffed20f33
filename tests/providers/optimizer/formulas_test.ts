import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { DecayingAverage } from "../../../src/providers/optimizer/decaying_average.ts";
import { DecayingDigest } from "../../../src/providers/optimizer/decaying_digest.ts";
import {
  availabilityScore,
  LATENCY_BOUNDS,
  spreadOf,
  stakeScore,
  SYNC_BOUNDS,
  timeScore,
} from "../../../src/providers/optimizer/normalise.ts";
import { RelayTimes } from "../../../src/providers/optimizer/relay_times.ts";
import { stakesOf } from "../../../src/providers/optimizer/stakes.ts";
import { composite, normaliseWeights, type Parts, type Strategy } from "../../../src/providers/optimizer/strategy.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const HOUR = 3_600_000;
const WEIGHTS = normaliseWeights({ availability: 0.3, latency: 0.3, sync: 0.2, stake: 0.2 });

Deno.test("the worked example, to four decimals", () => {
  const scores: Parts = {
    availability: availabilityScore(0.98),
    latency: timeScore(0.25, spreadOf(0.05, 1.05, LATENCY_BOUNDS), LATENCY_BOUNDS),
    sync: timeScore(0, spreadOf(0.1, 30, SYNC_BOUNDS), SYNC_BOUNDS),
    stake: stakeScore(10, 20),
  };
  const rounded = Object.values(scores).map((score) => score.toFixed(4));
  assertEquals(rounded, ["0.9000", "0.8000", "1.0000", "0.7071"]);
  assertEquals(composite(scores, WEIGHTS, "balanced", 0.01).toFixed(4), "0.8514");
  assertEquals((scores.stake * WEIGHTS.stake).toFixed(4), "0.1414");
});

/** Strategy, latency and sync scores, and the composite with all weight on these two. */
const STRATEGY_CASES: readonly (readonly [Strategy, number, number, number])[] = [
  ["balanced", 0.8, 0.6, 0.7],
  ["cost", 0.8, 0.6, 0.7],
  ["privacy", 0.8, 0.6, 0.7],
  ["latency", 0.8, 0.8, (0.8 ** 0.8 + 0.8) / 2],
  ["latency", 0.7, 0.8, 0.75],
  ["sync-freshness", 0.8, 0.8, (0.8 + 0.8 ** 0.8) / 2],
  ["sync-freshness", 0.8, 0.7, 0.75],
  ["accuracy", 0.8, 0.6, (0.8 ** 1.2 + 0.6 ** 1.2) / 2],
  ["distributed", 0.8, 0.6, (0.8 ** 1.2 + 0.6 ** 1.2) / 2],
  ["balanced", 0, 0, 0.05],
  ["balanced", 1, 1, 1],
];

for (const [strategy, latency, sync, expected] of STRATEGY_CASES) {
  Deno.test(`${strategy} makes ${expected.toFixed(3)} of a latency of ${latency} and a sync of ${sync}`, () => {
    const weights = normaliseWeights({ availability: 0, latency: 3, sync: 3, stake: 0 });
    assertAlmostEquals(
      composite({ availability: 0, latency, sync, stake: 0 }, weights, strategy, 0.05),
      expected,
      1e-12,
    );
  });
}

Deno.test("availability counts from 80 % on", () => {
  const cases = [[0, 0], [0.8, 0], [0.9, 0.5], [1, 1], [1.5, 1], [NaN, 0]] as const;
  for (const [availability, score] of cases) assertAlmostEquals(availabilityScore(availability), score, 1e-12);
});

Deno.test("without quantiles, or with ones that don't differ, times are measured against a fixed worst", () => {
  assertEquals(spreadOf(undefined, 2, LATENCY_BOUNDS), undefined);
  assertEquals(spreadOf(50, 5, LATENCY_BOUNDS), undefined, "10 at the most against 5");
  assertEquals(timeScore(15, undefined, LATENCY_BOUNDS), 0.5);
  assertEquals(timeScore(300, undefined, SYNC_BOUNDS), 0.75);
  assertEquals(timeScore(9_999, undefined, SYNC_BOUNDS), 0);
  assertEquals(timeScore(0, undefined, SYNC_BOUNDS), 1);
});

Deno.test("quantiles are held to bounds, and times to quantiles", () => {
  assertEquals(spreadOf(0.0001, 0.2, LATENCY_BOUNDS), { p10: 0.001, p90: 1 });
  assertEquals(spreadOf(99, 99, LATENCY_BOUNDS), { p10: 10, p90: 30 });
  assertEquals(spreadOf(0, 0, SYNC_BOUNDS), { p10: 0.1, p90: 30 });
  assertEquals(spreadOf(9_999, 9_999, SYNC_BOUNDS), { p10: 60, p90: 1_200 });
  const spread = { p10: 1, p90: 3 };
  const scores = [0, 1, 2, 3, 4].map((seconds) => timeScore(seconds, spread, LATENCY_BOUNDS));
  assertEquals(scores, [1, 1, 0.5, 0, 0]);
});

Deno.test("an average forgets by half in each half-life, and its start with the first sample", () => {
  const average = new DecayingAverage(0.01, 0);
  assertEquals(average.value, 0.01);
  average.add(1, 1, 0, HOUR);
  assertAlmostEquals(average.value, 1, 1e-6, "a start value is a day old");
  average.add(0, 1, HOUR, HOUR);
  assertAlmostEquals(average.value, 0.5 / 1.5, 1e-6);
  average.add(1, 0.25, HOUR, HOUR);
  assertAlmostEquals(average.value, (0.5 + 0.25) / (1.5 + 0.25), 1e-6, "a probe counts a quarter");
});

Deno.test("samples that are older than the last one, or no numbers, change nothing", () => {
  const average = new DecayingAverage(0.5, 0);
  const digest = new DecayingDigest({ min: 0.001, max: 30, halfLifeMs: HOUR });
  assertEquals([average.add(1, 1, 5_000, HOUR), digest.add(1, 1, 5_000)], [true, true]);
  const [value, quantile] = [average.value, digest.quantile(0.5)];
  assertEquals([average.add(0, 1, 4_999, HOUR), digest.add(9, 9, 4_999)], [false, false]);
  assertEquals([average.add(NaN, 1, 6_000, HOUR), digest.add(Infinity, 1, 6_000)], [false, false]);
  assertEquals([average.value, digest.quantile(0.5)], [value, quantile]);
});

Deno.test("quantiles of a digest are right to within 1 % of those of all samples", () => {
  const random = seededRandom(7);
  const digest = new DecayingDigest({ min: 0.001, max: 30, halfLifeMs: HOUR });
  const samples = Array.from({ length: 20_000 }, () => 0.002 * Math.exp(8 * random()));
  for (const sample of samples) digest.add(sample, 1, 0);
  samples.sort((a, b) => a - b);
  for (const share of [0.1, 0.5, 0.9]) {
    const exact = samples[Math.ceil(share * samples.length) - 1]!;
    const off = digest.quantile(share)! / exact - 1;
    assert(Math.abs(off) < 0.0101, `${share}: ${off}`);
  }
});

Deno.test("a digest has no quantile without samples, and its bounds for what is beyond them", () => {
  const digest = new DecayingDigest({ min: 0.1, max: 10, halfLifeMs: HOUR });
  assertEquals(digest.quantile(0.5), undefined);
  digest.add(0, 1, 0);
  assertEquals([digest.quantile(0.1), digest.quantile(0.9)], [0.1, 0.1], "all equal");
  for (let i = 0; i < 9; i++) digest.add(99, 1, 0);
  assertEquals([digest.quantile(0.1), digest.quantile(0.9)], [0.1, 10]);
});

Deno.test("old samples lose weight in a digest, for years on end", () => {
  const digest = new DecayingDigest({ min: 0.001, max: 30, halfLifeMs: HOUR });
  for (let i = 0; i < 1_000; i++) digest.add(20, 1, 0);
  for (let i = 0; i < 10; i++) digest.add(0.5, 1, 12 * HOUR);
  assertAlmostEquals(digest.quantile(0.9)!, 0.5, 0.01, "a thousand halved twelve times are less than one");
  for (let year = 1; year <= 5; year++) {
    digest.add(1, 1, year * 8_766 * HOUR);
    assertAlmostEquals(digest.quantile(0.5)!, 1, 0.02);
  }
});

Deno.test("the half-life is the age of the median relay, from one hour to three, in bounded memory", () => {
  const times = new RelayTimes();
  assertEquals(times.halfLifeMs(0), HOUR, "no relay yet");
  for (let second = 0; second <= 4 * 3_600; second++) times.add(second * 1_000);
  const halfLifeMs = times.halfLifeMs(4 * HOUR);
  assert(Math.abs(halfLifeMs - 2 * HOUR) < 0.1 * HOUR, `${halfLifeMs / HOUR} h`);
  assertEquals(times.halfLifeMs(100 * HOUR), 3 * HOUR);
  assertEquals(times.halfLifeMs(0), HOUR, "a clock that goes back");
});

/** Stakes as configured, and as they count. */
const STAKES: readonly (readonly [readonly (number | undefined)[], readonly number[]])[] = [
  [[undefined, undefined], [10, 10]],
  [[5, undefined, 7], [5, 70, 7]],
  [[0, undefined], [0, 10]],
  [[3], [3]],
  [[], []],
];

for (const [configured, counted] of STAKES) {
  Deno.test(`stakes of ${JSON.stringify(configured)} count ${JSON.stringify(counted)}`, () => {
    assertEquals(stakesOf(configured.map((stake) => ({ stake }))), counted);
  });
}

Deno.test("stakes that are all 0 have no score", () => assertEquals(stakeScore(0, 0), 0));
