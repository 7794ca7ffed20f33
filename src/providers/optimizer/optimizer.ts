import type { OptimizerQosEvent } from "../../domain/usage_event.ts";
import type { SampleSource } from "../node_health.ts";
import { DecayingAverage } from "./decaying_average.ts";
import { DecayingDigest } from "./decaying_digest.ts";
import {
  availabilityScore,
  LATENCY_BOUNDS,
  type Spread,
  spreadOf,
  stakeScore,
  SYNC_BOUNDS,
  timeScore,
} from "./normalise.ts";
import { RelayTimes } from "./relay_times.ts";
import { composite, normaliseWeights, type Parts, type Strategy } from "./strategy.ts";

/** Options of the optimizer, resolved. */
export interface OptimizerOptions {
  readonly strategy: Strategy;
  /** How much each score counts; not all of them 0. */
  readonly weights: Parts;
  /** What even the worst provider's composite is, so that it is asked now and then. */
  readonly minSelectionChance: number;
  /** What a probe's sample counts, against 1 for a relay's. */
  readonly probeWeight: number;
}

/** What the optimizer thinks of a provider: scores from 0 to 1, higher is better, and what each adds to the composite. */
export type ProviderScores = Pick<
  OptimizerQosEvent,
  Extract<keyof OptimizerQosEvent, `selection${string}` | `${string}Contribution`>
>;

/** Before any sample; in seconds. */
const START_LATENCY = 0.01;
const START_SYNC = 0.1;
const START_AVAILABILITY = 1;
const DIGEST_HALF_LIFE_MS = 3_600_000;
/** How long the chain's quantiles are taken as they are. */
const SPREAD_AGE_MS = 100;
/** Quantiles below and above which there is the chain's best and worst. */
const [LOW, HIGH] = [0.1, 0.9];

interface Row {
  readonly latency: DecayingAverage;
  readonly sync: DecayingAverage;
  readonly availability: DecayingAverage;
  readonly times: RelayTimes;
  readonly stake: number;
  hasSamples: boolean;
  composite: number;
}

/** Keeps the score of each provider of a chain, from how its answers come. Providers are known by their position. */
export class Optimizer {
  readonly #options: OptimizerOptions;
  readonly #weights: Parts;
  readonly #rows: Row[];
  #latencies = digestOf(LATENCY_BOUNDS.p10[0], LATENCY_BOUNDS.p90[1]);
  #lags = digestOf(SYNC_BOUNDS.p10[0], SYNC_BOUNDS.p90[1]);
  #latencySpread: Spread | undefined;
  #syncSpread: Spread | undefined;
  #freshUntilMs = -Infinity;

  /** `stakes` of the providers, and for each the sum of the stakes that it is measured against. */
  constructor(
    stakes: readonly { readonly own: number; readonly total: number }[],
    options: OptimizerOptions,
    nowMs: number,
  ) {
    this.#options = options;
    this.#weights = normaliseWeights(options.weights);
    this.#rows = stakes.map(({ own, total }): Row => ({
      latency: new DecayingAverage(START_LATENCY, nowMs),
      sync: new DecayingAverage(START_SYNC, nowMs),
      availability: new DecayingAverage(START_AVAILABILITY, nowMs),
      times: new RelayTimes(),
      stake: stakeScore(own, total),
      hasSamples: false,
      composite: 0,
    }));
    this.#scoreAll();
  }

  /**
   * Goes on with what another optimizer knows of the chain, and of the providers that stay; `from` says for each where it
   * stood there, or -1. What the other one is told from now on still counts, as calls may be under way there.
   */
  adopt(previous: Optimizer, from: readonly number[]): void {
    this.#latencies = previous.#latencies;
    this.#lags = previous.#lags;
    from.forEach((old, index) => {
      const known = previous.#rows[old];
      if (known !== undefined) this.#rows[index] = { ...known, stake: this.#rows[index]!.stake };
    });
    this.#freshUntilMs = -Infinity;
  }

  /**
   * A provider answered. A dear call may take longer, so that its latency counts a tenth from 50 compute units, and a
   * hundredth beyond 100. `lagMs` is how far the provider was behind, undefined where that is not known.
   */
  answered(
    index: number,
    latencyMs: number,
    computeUnits: number,
    lagMs: number | undefined,
    source: SampleSource,
    nowMs: number,
  ): void {
    const row = this.#rows[index]!;
    const [halfLifeMs, weight] = this.#take(row, source, nowMs);
    const latency = scaledSeconds(latencyMs, computeUnits);
    row.availability.add(1, weight, nowMs, halfLifeMs);
    if (row.latency.add(latency, weight, nowMs, halfLifeMs)) this.#latencies.add(latency, weight, nowMs);
    if (lagMs !== undefined) {
      const lag = lagMs / 1_000;
      if (row.sync.add(lag, weight, nowMs, halfLifeMs)) this.#lags.add(lag, weight, nowMs);
    }
    this.#score(row);
  }

  /** A provider was still not there after that time: counts only where it makes its latency worse. */
  outrun(index: number, latencyMs: number, computeUnits: number, nowMs: number): void {
    const row = this.#rows[index]!;
    const latency = scaledSeconds(latencyMs, computeUnits);
    if (latency <= row.latency.value) return;
    const [halfLifeMs, weight] = this.#take(row, "relay", nowMs);
    if (row.latency.add(latency, weight, nowMs, halfLifeMs)) this.#latencies.add(latency, weight, nowMs);
    this.#score(row);
  }

  /** A provider failed. */
  failed(index: number, source: SampleSource, nowMs: number): void {
    const row = this.#rows[index]!;
    const [halfLifeMs, weight] = this.#take(row, source, nowMs);
    row.availability.add(0, weight, nowMs, halfLifeMs);
    this.#score(row);
  }

  /** Brings the scores up to date with the chain's quantiles, where these are some time old. */
  refresh(nowMs: number): void {
    if (nowMs < this.#freshUntilMs) return;
    this.#freshUntilMs = nowMs + SPREAD_AGE_MS;
    this.#latencySpread = spreadOf(this.#latencies.quantile(LOW), this.#latencies.quantile(HIGH), LATENCY_BOUNDS);
    this.#syncSpread = spreadOf(this.#lags.quantile(LOW), this.#lags.quantile(HIGH), SYNC_BOUNDS);
    this.#scoreAll();
  }

  /** The score that a provider is chosen by, as of the last refresh. */
  compositeOf(index: number): number {
    return this.#rows[index]!.composite;
  }

  /** All scores of a provider, as of the last refresh; undefined while nothing is known of it. */
  scoresOf(index: number): ProviderScores | undefined {
    const row = this.#rows[index];
    if (row === undefined || !row.hasSamples) return undefined;
    const { availability, latency, sync, stake } = this.#partsOf(row);
    return {
      selectionAvailability: availability,
      selectionLatency: latency,
      selectionSync: sync,
      selectionStake: stake,
      selectionComposite: row.composite,
      availabilityContribution: availability * this.#weights.availability,
      latencyContribution: latency * this.#weights.latency,
      syncContribution: sync * this.#weights.sync,
      stakeContribution: stake * this.#weights.stake,
    };
  }

  #take(row: Row, source: SampleSource, nowMs: number): readonly [halfLifeMs: number, weight: number] {
    row.hasSamples = true;
    if (source === "probe") return [row.times.halfLifeMs(nowMs), this.#options.probeWeight];
    row.times.add(nowMs);
    return [row.times.halfLifeMs(nowMs), 1];
  }

  #scoreAll(): void {
    for (const row of this.#rows) this.#score(row);
  }

  #score(row: Row): void {
    const { strategy, minSelectionChance } = this.#options;
    row.composite = composite(this.#partsOf(row), this.#weights, strategy, minSelectionChance);
  }

  #partsOf({ availability, latency, sync, stake }: Row): Parts {
    return {
      availability: availabilityScore(availability.value),
      latency: timeScore(latency.value, this.#latencySpread, LATENCY_BOUNDS),
      sync: timeScore(sync.value, this.#syncSpread, SYNC_BOUNDS),
      stake,
    };
  }
}

function digestOf(min: number, max: number): DecayingDigest {
  return new DecayingDigest({ min, max, halfLifeMs: DIGEST_HALF_LIFE_MS });
}

function scaledSeconds(latencyMs: number, computeUnits: number): number {
  const scale = computeUnits > 100 ? 0.01 : computeUnits >= 50 ? 0.1 : 1;
  return scale * latencyMs / 1_000;
}
