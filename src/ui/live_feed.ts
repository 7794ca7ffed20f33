import type { Clock } from "../domain/clock.ts";
import type { UsageStats } from "../usage/usage_sink.ts";
import type { LiveRelay, LiveScore } from "./live_event.ts";
import { type LiveSecond, Second } from "./second.ts";

/** What has happened before a page was opened. */
export interface LivePast {
  readonly relays: readonly LiveRelay[];
  readonly scores: readonly LiveScore[];
}

/** Where the page's figures come from, beside the events. */
export interface LiveFeedDeps {
  readonly clock: Clock;
  /** The last minutes, where they are kept; asked when a page is opened. */
  readonly past?: () => LivePast;
  /** The ledger, where the events are this process's own. */
  readonly ledger?: () => UsageStats;
}

/** A second with the ledger at its end. */
export interface LiveTick extends LiveSecond {
  readonly ledger?: UsageStats["relay_usage"];
}

/** What a page is told first. */
export interface LiveHello {
  readonly nowUnixMs: number;
  /** The past, second by second, oldest first. */
  readonly past: readonly LiveTick[];
  readonly hasLedger: boolean;
}

/** One page that is open. */
export interface Watcher {
  hello(hello: LiveHello): void;
  tick(tick: LiveTick): void;
}

const TICK_MS = 1_000;

/**
 * Tells open pages what happens, once a second. While no page is open it holds nothing and does nothing: events are
 * to be pushed only if it is watched.
 */
export class LiveFeed {
  readonly #deps: LiveFeedDeps;
  readonly #watchers = new Set<Watcher>();
  #second = new Second();
  #cancelTick: (() => void) | undefined;

  constructor(deps: LiveFeedDeps) {
    this.#deps = deps;
  }

  /** Whether a page is open. */
  get isWatched(): boolean {
    return this.#watchers.size > 0;
  }

  /** Pages that are open. */
  get watcherCount(): number {
    return this.#watchers.size;
  }

  /** Counts a relay. */
  pushRelay(relay: LiveRelay): void {
    this.#second.addRelay(relay);
  }

  /** Takes a provider's scores. */
  pushScore(score: LiveScore): void {
    this.#second.addScore(score);
  }

  /** Tells a page from now on. The function that comes back ends that. */
  watch(watcher: Watcher): () => void {
    const { clock, ledger } = this.#deps;
    watcher.hello({ nowUnixMs: clock.now(), past: this.#past(), hasLedger: ledger !== undefined });
    if (this.#watchers.size === 0) this.#second = new Second();
    this.#watchers.add(watcher);
    this.#cancelTick ??= clock.schedule(TICK_MS, () => this.#tick());
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      this.#cancelTick?.();
      this.#cancelTick = undefined;
      this.#second = new Second();
    };
  }

  #tick(): void {
    const { clock, ledger } = this.#deps;
    this.#cancelTick = clock.schedule(TICK_MS, () => this.#tick());
    const tick: LiveTick = {
      ...this.#second.read(clock.now()),
      ...(ledger !== undefined && { ledger: ledger().relay_usage }),
    };
    this.#second = new Second();
    for (const watcher of this.#watchers) watcher.tick(tick);
  }

  #past(): LiveTick[] {
    const past = this.#deps.past?.();
    if (past === undefined) return [];
    const seconds = new Map<number, Second>();
    const secondOf = (timeUnixMs: number) => {
      const start = Math.floor(timeUnixMs / TICK_MS) * TICK_MS;
      let second = seconds.get(start);
      if (second === undefined) seconds.set(start, second = new Second());
      return second;
    };
    for (const relay of past.relays) secondOf(relay.timeUnixMs).addRelay(relay);
    for (const score of past.scores) secondOf(score.timeUnixMs).addScore(score);
    return [...seconds].sort(([a], [b]) => a - b).map(([start, second]) => second.read(start + TICK_MS));
  }
}
