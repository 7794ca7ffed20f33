import type { Clock } from "../../src/domain/clock.ts";
import type { Log } from "../../src/domain/log.ts";
import type { ApiFacts } from "../../src/domain/relay_request.ts";
import type { NodeUrl, Provider } from "../../src/providers/provider.ts";
import type { Candidate, Sample, Selection, Selector } from "../../src/providers/selector.ts";
import { isWanted, servesCall } from "../../src/providers/serves_call.ts";

/**
 * A selector without chance, for tests that say who is asked when.
 *
 * Asks the provider that has not been asked for the longest time, and for requests with the same `lava-stickiness` the
 * same provider as long as it is available.
 *
 * Available primaries come first, then available backups, then those that are being left alone, since an attempt that
 * may fail is better than an error that is certain. A provider's URLs are tried in the order of the configuration.
 */
export class TurnSelector implements Selector {
  readonly #providers: readonly Provider[];
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lastTurn = new Map<Provider, number>();
  #turn = 0;

  constructor(providers: readonly Provider[], clock: Clock, log: Log) {
    this.#providers = providers;
    this.#clock = clock;
    this.#log = log;
  }

  select({ request: { steering }, api, tried }: Selection): Candidate | undefined {
    const nowMs = this.#clock.monotonic();
    let best: Candidate | undefined;
    let bestRank = Infinity;
    let bestTurn = Infinity;
    for (const provider of this.#providers) {
      if (!isWanted(provider, steering)) continue;
      const turn = steering.stickiness === ""
        ? this.#lastTurn.get(provider) ?? -1
        : hashOf(steering.stickiness, provider);
      for (const nodeUrl of provider.nodeUrls) {
        if (tried.has(nodeUrl) || !servesCall(nodeUrl, api)) continue;
        const rank = rankOf(provider, nodeUrl.health.isAvailable(nowMs));
        if (rank > bestRank || (rank === bestRank && turn >= bestTurn)) continue;
        best = { provider, nodeUrl };
        bestRank = rank;
        bestTurn = turn;
      }
    }
    if (best !== undefined) this.#lastTurn.set(best.provider, this.#turn++);
    return best;
  }

  selectSeveral(selection: Selection, _atLeast: number, atMost: number): readonly Candidate[] {
    const candidates: Candidate[] = [];
    const tried = new Set<NodeUrl>();
    while (candidates.length < atMost) {
      const candidate = this.select({ ...selection, tried });
      if (candidate === undefined) break;
      for (const nodeUrl of candidate.provider.nodeUrls) tried.add(nodeUrl);
      candidates.push(candidate);
    }
    return candidates;
  }

  report({ provider: { name: provider }, nodeUrl: { health } }: Candidate, sample: Sample, _api: ApiFacts): void {
    switch (sample.kind) {
      case "answered":
        if (health.succeed(this.#clock.monotonic(), "relay")) this.#log.info("provider answers again", { provider });
        return;
      case "failed": {
        const leftAloneMs = health.fail(this.#clock.monotonic(), "relay");
        if (leftAloneMs > 0) this.#log.warn("provider failed and is left alone", { provider, for_ms: leftAloneMs });
        return;
      }
      case "rate_limited":
        return health.holdOff(this.#clock.monotonic(), sample.retryAfterMs);
    }
  }

  /** Each provider in the order of its turn, and whether it can be expected to answer. */
  explain({ api }: Selection): string {
    const nowMs = this.#clock.monotonic();
    const turnOf = (provider: Provider) => this.#lastTurn.get(provider) ?? -1;
    return [...this.#providers].sort((a, b) => turnOf(a) - turnOf(b)).map(({ name, nodeUrls }) => {
      const serving = nodeUrls.filter((nodeUrl) => servesCall(nodeUrl, api));
      if (serving.length === 0) return `${name}=does not serve it`;
      return `${name}=${serving.some(({ health }) => health.isAvailable(nowMs)) ? "available" : "left alone"}`;
    }).join(", ");
  }

  serves(name: string): boolean {
    return this.#providers.some(({ nodeUrls }) => nodeUrls.some(({ addOns }) => addOns.has(name)));
  }

  /** Blocks are not followed here. */
  head(): number {
    return 0;
  }

  /** Blocks are not followed here. */
  headOf(_provider: string): number {
    return 0;
  }

  isHealthy(): boolean {
    const nowMs = this.#clock.monotonic();
    return this.#providers.some(({ nodeUrls }) => nodeUrls.some((nodeUrl) => nodeUrl.health.isAvailable(nowMs)));
  }
}

/** The same number for the same text and provider: each text has its own order of providers, which lasts. */
function hashOf(stickiness: string, { name }: Provider): number {
  let hash = 0x811c9dc5;
  const text = `${stickiness}\n${name}`;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // The last characters, which tell the providers apart, are to change all of it.
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}

/** Lower is asked first. */
function rankOf(provider: Provider, isAvailable: boolean): number {
  return (isAvailable ? 0 : 2) + (provider.isBackup ? 1 : 0);
}
