import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { ApiFacts } from "../domain/relay_request.ts";
import { BlockHeads } from "./block_heads.ts";
import type { SampleSource } from "./node_health.ts";
import { Optimizer, type OptimizerOptions, type ProviderScores } from "./optimizer/optimizer.ts";
import { stakesOf } from "./optimizer/stakes.ts";
import { hasSameUrls } from "./kept_nodes.ts";
import type { NodeUrl, Provider } from "./provider.ts";
import type { Candidate, Sample, Selection, Selector } from "./selector.ts";
import { isWanted, servesCall } from "./serves_call.ts";
import { StickyChoices, stickyRank } from "./sticky_choices.ts";

/** What the selector works with. */
export interface OptimizerSelectorDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** A number from 0 up to 1. */
  random(): number;
}

/** Options, resolved. */
export interface OptimizerSelectorOptions extends OptimizerOptions {
  /** Milliseconds between two blocks of the chain. */
  readonly averageBlockTimeMs: number;
}

/** Lower is asked first; those of one rank are chosen among by their scores. */
const RANK = { available: 0, backup: 1, leftAlone: 2, blocked: 4, none: 8 } as const;

/**
 * Chooses by chance, and the better a provider does the higher its chance.
 *
 * Available primaries come first, then available backups, then those that are being left alone, and then those that are
 * blocked, since an attempt that may fail is better than an error that is certain. A provider whose node is not what it
 * is configured as is not asked at all. Its URLs are tried in the order of the configuration.
 */
export class OptimizerSelector implements Selector {
  readonly #providers: readonly Provider[];
  readonly #indexes: ReadonlyMap<Provider, number>;
  readonly #names: ReadonlyMap<string, number>;
  readonly #deps: OptimizerSelectorDeps;
  readonly #optimizer: Optimizer;
  readonly #heads: BlockHeads;
  readonly #sticky = new StickyChoices();
  readonly #isPrivate: boolean;
  /** Who is asked while only one is to know. */
  #only = -1;
  /** The choice that is being made: providers of the best rank, their URLs, and the sum of their composites. */
  readonly #rivals: number[];
  #rivalCount = 0;
  readonly #urls: (NodeUrl | undefined)[];
  #total = 0;

  constructor(providers: readonly Provider[], deps: OptimizerSelectorDeps, options: OptimizerSelectorOptions) {
    this.#providers = providers;
    this.#indexes = new Map(providers.map((provider, index) => [provider, index]));
    this.#names = new Map(providers.map(({ name }, index) => [name, index]));
    this.#deps = deps;
    this.#optimizer = new Optimizer(comparedStakes(providers), options, deps.clock.monotonic());
    this.#heads = new BlockHeads(providers.length, options.averageBlockTimeMs);
    this.#isPrivate = options.strategy === "privacy";
    this.#urls = new Array<NodeUrl | undefined>(providers.length).fill(undefined);
    this.#rivals = new Array<number>(providers.length).fill(-1);
  }

  /** Goes on with what another selector knows of the chain, and of the providers that have the same name and URLs. */
  adopt(previous: OptimizerSelector): void {
    const from = this.#providers.map((provider) => {
      const index = previous.#names.get(provider.name) ?? -1;
      return index >= 0 && hasSameUrls(previous.#providers[index]!, provider) ? index : -1;
    });
    this.#optimizer.adopt(previous.#optimizer, from);
    this.#heads.adopt(previous.#heads, from);
    this.#sticky.adopt(previous.#sticky, from);
    this.#only = previous.#only < 0 ? -1 : from.indexOf(previous.#only);
  }

  select(selection: Selection): Candidate | undefined {
    const nowMs = selection.nowMs ?? this.#deps.clock.monotonic();
    this.#optimizer.refresh(nowMs);
    const rank = this.#gather(selection, nowMs);
    if (rank === RANK.none) return undefined;
    const { steering: { stickiness }, caller } = selection.request;
    const index = stickiness !== ""
      ? this.#pickSticky(`${caller.project}\n${stickiness}`, rank)
      : this.#isPrivate
      ? this.#pickOnly(nowMs)
      : this.#pickByChance();
    return this.#candidateOf(index);
  }

  selectSeveral(selection: Selection, atLeast: number, atMost: number): readonly Candidate[] {
    const nowMs = this.#deps.clock.monotonic();
    this.#optimizer.refresh(nowMs);
    if (this.#isPrivate && selection.request.steering.crossValidation === undefined) {
      const only = this.select(selection);
      return only === undefined ? [] : [only];
    }
    const chosen: { readonly index: number; readonly rank: number }[] = [];
    this.#providers.forEach((provider, index) => {
      const rank = this.#find(provider, index, selection, nowMs);
      if (rank !== RANK.none) chosen.push({ index, rank });
    });
    const score = (index: number) => this.#optimizer.compositeOf(index);
    chosen.sort((a, b) => a.rank - b.rank || score(b.index) - score(a.index));
    const worst = chosen[Math.min(atLeast, chosen.length) - 1]?.rank ?? RANK.none;
    return chosen.filter(({ rank }) => rank <= worst).slice(0, atMost).map(({ index }) => this.#candidateOf(index));
  }

  report(candidate: Candidate, sample: Sample, { computeUnits }: Pick<ApiFacts, "computeUnits">, nowMs?: number): void {
    this.#take(candidate, sample, computeUnits, "relay", nowMs);
  }

  /** Takes in how something ended that the relay asked by itself. Nothing is cheaper than to say which block is newest. */
  reportProbe(candidate: Candidate, sample: Sample): void {
    this.#take(candidate, sample, 0, "probe");
  }

  /** A provider has said that this block is its newest. False when that can't be believed. */
  see({ provider }: Pick<Candidate, "provider">, height: number): boolean {
    const index = this.#indexes.get(provider);
    return index !== undefined && this.#heads.see(index, height, this.#deps.clock.monotonic());
  }

  /** What the optimizer thinks of a provider; undefined while it knows nothing of it. */
  scoresOf(provider: string): ProviderScores | undefined {
    this.#optimizer.refresh(this.#deps.clock.monotonic());
    return this.#optimizer.scoresOf(this.#names.get(provider) ?? -1);
  }

  /** Each provider, the best first: its composite, and what keeps it from being asked. */
  explain(selection: Selection): string {
    const nowMs = this.#deps.clock.monotonic();
    this.#optimizer.refresh(nowMs);
    const ranked = this.#providers.map((provider, index) => {
      const rank = this.#find(provider, index, selection, nowMs);
      return { name: provider.name, rank, composite: this.#optimizer.compositeOf(index) };
    });
    ranked.sort((a, b) => a.rank - b.rank || b.composite - a.composite);
    return ranked.map(({ name, rank, composite }) => `${name}=${composite.toFixed(4)}${RANK_TEXTS[rank]}`).join(", ");
  }

  serves(name: string): boolean {
    return this.#providers.some(({ nodeUrls }) =>
      nodeUrls.some(({ addOns, health }) => addOns.has(name) && !health.lacks(name))
    );
  }

  head(): number {
    return this.#heads.head;
  }

  headOf(provider: string): number {
    return this.#heads.headOf(this.#names.get(provider) ?? -1);
  }

  isHealthy(): boolean {
    const nowMs = this.#deps.clock.monotonic();
    return this.#providers.some(({ nodeUrls }) => nodeUrls.some(({ health }) => health.isAvailable(nowMs)));
  }

  #take(
    { provider, nodeUrl: { health } }: Candidate,
    sample: Sample,
    computeUnits: number,
    source: SampleSource,
    nowMs: number = this.#deps.clock.monotonic(),
  ): void {
    const index = this.#indexes.get(provider);
    if (index === undefined) return;
    const { log } = this.#deps;
    switch (sample.kind) {
      case "answered":
        this.#optimizer.answered(index, sample.latencyMs, computeUnits, this.#heads.lagMs(index, nowMs), source, nowMs);
        if (health.succeed(nowMs, source)) log.info("provider answers again", { provider: provider.name });
        return;
      case "outrun":
        return this.#optimizer.outrun(index, sample.latencyMs, computeUnits, nowMs);
      case "failed": {
        this.#optimizer.failed(index, source, nowMs);
        const leftAloneMs = health.fail(nowMs, source);
        if (leftAloneMs === 0) return;
        log.warn("provider failed and is left alone", { provider: provider.name, for_ms: leftAloneMs });
        return;
      }
      case "rate_limited":
        return health.holdOff(nowMs, sample.retryAfterMs);
    }
  }

  /** Collects those of the best rank there is. Comes back with that rank. */
  #gather(selection: Selection, nowMs: number): number {
    let best: number = RANK.none;
    this.#rivalCount = 0;
    this.#total = 0;
    for (let index = 0; index < this.#providers.length; index++) {
      const rank = this.#find(this.#providers[index]!, index, selection, nowMs);
      if (rank > best || rank === RANK.none) continue;
      if (rank < best) {
        best = rank;
        this.#rivalCount = 0;
        this.#total = 0;
      }
      this.#rivals[this.#rivalCount++] = index;
      this.#total += this.#optimizer.compositeOf(index);
    }
    return best;
  }

  /** Finds the URL of a provider that would be asked. Comes back with its rank. */
  #find(
    provider: Provider,
    index: number,
    { request: { steering }, api, tried, minBlock, overSocket }: Selection,
    nowMs: number,
  ): number {
    if (!isWanted(provider, steering)) return RANK.none;
    if (minBlock > 0) {
      const head = this.#heads.headOf(index);
      if (head > 0 && head < minBlock) return RANK.none;
    }
    const shift = provider.isBackup ? RANK.backup : 0;
    let best: number = RANK.none;
    for (const nodeUrl of overSocket ? provider.socketUrls : provider.nodeUrls) {
      const { health } = nodeUrl;
      if (health.isRefuted || tried.has(nodeUrl) || !servesCall(nodeUrl, api)) continue;
      const isAvailable = health.isAvailable(nowMs);
      const rank = shift + (isAvailable ? RANK.available : health.isBlocked(nowMs) ? RANK.blocked : RANK.leftAlone);
      if (rank >= best) continue;
      best = rank;
      this.#urls[index] = nodeUrl;
      if (isAvailable) break;
    }
    return best;
  }

  #pickByChance(): number {
    let left = this.#rivalCount > 1 ? this.#deps.random() * this.#total : 0;
    for (let i = 0; i < this.#rivalCount; i++) {
      const index = this.#rivals[i]!;
      left -= this.#optimizer.compositeOf(index);
      if (left < 0) return index;
    }
    return this.#rivals[this.#rivalCount - 1]!;
  }

  #isRival(index: number): boolean {
    const at = this.#rivals.indexOf(index);
    return at >= 0 && at < this.#rivalCount;
  }

  /** The one that is asked already. Another takes its place for good only when it is not available any more. */
  #pickOnly(nowMs: number): number {
    if (this.#isRival(this.#only)) return this.#only;
    const picked = this.#pickByChance();
    const isGone = !this.#providers[this.#only]?.nodeUrls.some(({ health }) => health.isAvailable(nowMs));
    if (isGone) this.#only = picked;
    return picked;
  }

  /** The one that was asked before for the same text, as long as it is available. */
  #pickSticky(key: string, rank: number): number {
    const known = this.#sticky.of(key);
    if (known !== undefined && this.#isRival(known)) return known;
    let first = this.#rivals[0]!;
    let lowest = Infinity;
    for (let i = 0; i < this.#rivalCount; i++) {
      const index = this.#rivals[i]!;
      const own = stickyRank(key, this.#providers[index]!.name);
      if (own < lowest) [first, lowest] = [index, own];
    }
    if (rank < RANK.leftAlone) this.#sticky.set(key, first);
    return first;
  }

  #candidateOf(index: number): Candidate {
    return { provider: this.#providers[index]!, nodeUrl: this.#urls[index]! };
  }
}

/** What is added to a provider's composite, by rank. */
const RANK_TEXTS: Readonly<Record<number, string>> = {
  [RANK.available]: "",
  [RANK.available + RANK.backup]: " (backup)",
  [RANK.leftAlone]: " (left alone)",
  [RANK.leftAlone + RANK.backup]: " (backup, left alone)",
  [RANK.blocked]: " (blocked)",
  [RANK.blocked + RANK.backup]: " (backup, blocked)",
  [RANK.none]: " (not asked)",
};

/** Primaries are measured against primaries, and backups against backups. */
function comparedStakes(providers: readonly Provider[]): { own: number; total: number }[] {
  const stakes = stakesOf(providers);
  const totalOf = (isBackup: boolean) =>
    providers.reduce((sum, provider, i) => provider.isBackup === isBackup ? sum + stakes[i]! : sum, 0);
  const totals = { primary: totalOf(false), backup: totalOf(true) };
  return providers.map(({ isBackup }, i) => ({ own: stakes[i]!, total: isBackup ? totals.backup : totals.primary }));
}
