import { type Address, addressText, isLoopback } from "../config/address.ts";
import { systemClock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { listen } from "../hosts/deno.ts";
import type { UsageStore } from "../store/usage_store.ts";
import { liveRelayOfRow, liveScoreOfRow } from "../ui/live_event.ts";
import { LiveFeed } from "../ui/live_feed.ts";
import { hostsOf, UiHandler } from "../ui/ui_handler.ts";
import { WatchedSink } from "../ui/watched_sink.ts";
import { NoopUsageSink, type UsageSink, type UsageStats } from "../usage/usage_sink.ts";
import type { UsageRow } from "../usage/usage_row.ts";

/** Pages that may be open at once. */
const MAX_WATCHERS = 16;
/** How much of the past a page is shown when it is opened: as much as it has room for, and what is read in 50 ms. */
const PAST_MS = 300_000;
const MAX_PAST_RELAYS = 10_000;
const MAX_PAST_SCORES = 5_000;

/** A page that is served. */
export interface UsagePage {
  readonly url: string;
  /** Ends the streams of open pages, and stops listening. */
  shutdown(): Promise<void>;
}

/** Serves the page. Throws when the address can't be listened on. */
export function servePage(
  feed: LiveFeed,
  address: Address,
  names: readonly string[],
  log: Log,
): UsagePage {
  const listener = listen(address, (request) => Promise.resolve(handler.fetch(request)));
  const handler = new UiHandler(feed, {
    hosts: hostsOf(address.hostname, listener.port, names),
    maxWatchers: MAX_WATCHERS,
  });
  const url = `http://${addressText(listener)}/`;
  log.info("usage page is served", { url });
  if (!isLoopback(address)) {
    log.warn("the usage page asks nobody who they are; put something that does before it", { url });
  }
  return {
    url,
    shutdown() {
      handler.close();
      return listener.shutdown();
    },
  };
}

/** A feed of what a store is given, and of what it has kept from before. */
export interface StoreFeed {
  readonly feed: LiveFeed;
  /** Says which store it is, once that is open. */
  setStore(store: UsageStore): void;
  /** Has to be told what is stored. */
  onStored(rows: readonly UsageRow[]): void;
}

/** Makes a feed for a store; with `ledger` the page shows that as well. */
export function feedOfStore(ledger?: () => UsageStats): StoreFeed {
  let store: UsageStore | undefined;
  const recent = (kind: UsageRow["kind"], maxCount: number) =>
    store?.recent(kind, systemClock.now() - PAST_MS, maxCount) ?? [];
  const feed = new LiveFeed({
    clock: systemClock,
    ...(ledger && { ledger }),
    past: () => ({
      relays: recent("relay_usage", MAX_PAST_RELAYS).flatMap((row) => liveRelayOfRow(row) ?? []),
      scores: recent("optimizer_qos", MAX_PAST_SCORES).flatMap((row) => liveScoreOfRow(row) ?? []),
    }),
  });
  return {
    feed,
    setStore: (opened) => store = opened,
    onStored(rows) {
      if (!feed.isWatched) return;
      for (const row of rows) {
        const relay = liveRelayOfRow(row);
        if (relay !== undefined) feed.pushRelay(relay);
        const score = liveScoreOfRow(row);
        if (score !== undefined) feed.pushScore(score);
      }
    },
  };
}

/** The page of a relay's own events: the sink that it has to emit to, and what serves the page. */
export function pageOfRelay(
  sink: UsageSink,
  address: Address,
  names: readonly string[],
  log: Log,
): { readonly usage: UsageSink; shutdown(): Promise<void> } {
  const isLedgerKept = !(sink instanceof NoopUsageSink);
  const feed = new LiveFeed({ clock: systemClock, ...(isLedgerKept && { ledger: () => sink.stats() }) });
  const page = servePage(feed, address, names, log);
  return { usage: new WatchedSink(sink, feed), shutdown: () => page.shutdown() };
}
