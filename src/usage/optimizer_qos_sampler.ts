import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { OptimizerQosEvent } from "../domain/usage_event.ts";
import type { UsageSink } from "./usage_sink.ts";

/** An optimizer's opinion of one provider: scores from 0 to 1, and what each adds to the composite. */
export type OptimizerQosScores = Pick<
  OptimizerQosEvent,
  | "selectionAvailability"
  | "selectionLatency"
  | "selectionSync"
  | "selectionStake"
  | "selectionComposite"
  | "availabilityContribution"
  | "latencyContribution"
  | "syncContribution"
  | "stakeContribution"
>;

/**
 * Where scores come from: the optimizer of one chain.
 *
 * @example
 * ```ts
 * import { NoopUsageSink, OptimizerQosSampler, type OptimizerQosSource, systemClock } from "@relaymeter/relay";
 *
 * const source: OptimizerQosSource = {
 *   scoresOf: () => ({
 *     selectionAvailability: 1,
 *     selectionLatency: 1,
 *     selectionSync: 1,
 *     selectionStake: 0.5,
 *     selectionComposite: 0.9,
 *     availabilityContribution: 0.3,
 *     latencyContribution: 0.3,
 *     syncContribution: 0.2,
 *     stakeContribution: 0.1,
 *   }),
 * };
 * using sampler = new OptimizerQosSampler(new NoopUsageSink(), systemClock, { hostname: "a", publicAddress: "b" });
 * if (!sampler.register("ETH1", source)) throw new Error("the chain has no source yet");
 * ```
 */
export interface OptimizerQosSource {
  /** The scores of a provider; undefined while the optimizer has none, and then there is no record of it either. */
  scoresOf(provider: string): OptimizerQosScores | undefined;
}

/** A provider of a chain, in the order of the configuration. */
export interface OptimizerQosProvider {
  /** Its name. */
  readonly name: string;
  /** Its stake, a whole number. */
  readonly stake: number;
}

/** Options of the sampler. */
export interface OptimizerQosSamplerOptions {
  /** Milliseconds between two ticks; default 1,000. */
  readonly intervalMs?: number;
  /** Milliseconds of an epoch, which are counted from the Unix epoch; default 900,000. */
  readonly epochDurationMs?: number;
  /** Name of the host, as the records give it. */
  readonly hostname: string;
  /** Name of the relay process, as the records give it: `smart-router-<random>`. */
  readonly publicAddress: string;
  /** Region of the relay; default 0. */
  readonly geoLocation?: number;
  /** Told when an optimizer fails; default: nobody is. */
  readonly log?: Log;
}

/**
 * Records the scores of every provider of every chain, once in each interval.
 *
 * All records of a tick have the same time. A provider without scores is left out, and so is a chain whose providers
 * are not known.
 *
 * @example The scores of a relay's providers, each second
 * ```ts
 * import { createRelay, NoopUsageSink, OptimizerQosSampler, systemClock } from "@relaymeter/relay";
 *
 * const usage = new NoopUsageSink();
 * using qos = new OptimizerQosSampler(usage, systemClock, { hostname: "a", publicAddress: "smart-router-1" });
 * await using _relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 *   usage,
 *   qos,
 * });
 * if (qos.latest().length !== 0) throw new Error("the first tick comes after a second");
 * ```
 */
export class OptimizerQosSampler implements Disposable {
  readonly #usage: UsageSink;
  readonly #clock: Clock;
  readonly #options: OptimizerQosSamplerOptions;
  readonly #sources = new Map<string, OptimizerQosSource>();
  readonly #providers = new Map<string, readonly OptimizerQosProvider[]>();
  #latest: readonly OptimizerQosEvent[] = [];
  #cancelTick: (() => void) | undefined;

  /** Ticks from now on, until it is disposed of. */
  constructor(usage: UsageSink, clock: Clock, options: OptimizerQosSamplerOptions) {
    this.#usage = usage;
    this.#clock = clock;
    this.#options = options;
    this.#scheduleTick();
  }

  /**
   * Samples a chain's optimizer from the next tick on. False when the chain has one already, which stays unless it is the
   * one whose place is to be taken.
   */
  register(chainId: string, source: OptimizerQosSource, replaced?: OptimizerQosSource): boolean {
    const known = this.#sources.get(chainId);
    if (known !== undefined && known !== replaced) return false;
    this.#sources.set(chainId, source);
    return true;
  }

  /** Says which providers a chain has, in the order of the configuration. */
  setProviders(chainId: string, providers: readonly OptimizerQosProvider[]): void {
    this.#providers.set(chainId, providers);
  }

  /** The records of the last tick, all of them. */
  latest(): readonly OptimizerQosEvent[] {
    return this.#latest;
  }

  /** Ticks no more. */
  [Symbol.dispose](): void {
    this.#cancelTick?.();
  }

  #scheduleTick(): void {
    this.#cancelTick = this.#clock.schedule(this.#options.intervalMs ?? 1_000, () => {
      this.#scheduleTick();
      try {
        this.#tick();
      } catch (error) {
        // The batch before stays the latest; the next tick is another try.
        this.#options.log?.error("an optimizer could not be sampled", { error: String(error) });
      }
    });
  }

  #tick(): void {
    const timeUnixMs = this.#clock.now();
    const events: OptimizerQosEvent[] = [];
    for (const [chainId, source] of this.#sources) {
      this.#providers.get(chainId)?.forEach(({ name, stake }, entryIndex) => {
        const scores = source.scoresOf(name);
        if (scores !== undefined) events.push(this.#event(timeUnixMs, chainId, name, stake, entryIndex, scores));
      });
    }
    this.#latest = events;
    for (const event of events) this.#usage.emitOptimizerQos(event);
  }

  #event(
    timeUnixMs: number,
    chainId: string,
    provider: string,
    providerStake: number,
    entryIndex: number,
    scores: OptimizerQosScores,
  ): OptimizerQosEvent {
    const { hostname, publicAddress, geoLocation = 0, epochDurationMs = 900_000 } = this.#options;
    return {
      kind: "optimizer_qos",
      timeUnixMs,
      provider,
      consumerHostname: hostname,
      consumerPubAddress: publicAddress,
      chainId,
      epoch: Math.floor(timeUnixMs / epochDurationMs),
      entryIndex,
      geoLocation,
      providerStake,
      ...scores,
    };
  }
}
