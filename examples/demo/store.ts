/** The demo's collector: the embedded one, with a file that is gone afterwards, and the page that shows it. */
import { listen } from "../../src/hosts/deno.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { silentLog } from "../../src/domain/log.ts";
import { feedOfStore, servePage, type UsagePage } from "../../src/cli/usage_page.ts";
import { UsageReceiver } from "../../src/store/receiver.ts";
import { type StoreCounts, UsageStore } from "../../src/store/usage_store.ts";
import type { UsageStats } from "../../mod.ts";
import type { UsageRow } from "../../src/usage/usage_row.ts";

/** A collector that listens. */
export interface DemoStore extends AsyncDisposable {
  /** URL of its logs endpoint. */
  readonly url: string;
  /** URL of the page. */
  readonly pageUrl: string;
  readonly path: string;
  counts(): StoreCounts;
}

const PAGE_PORT = 7780;
const MIB = 1024 * 1024;

/** Starts it on free ports of loopback; the page has port 7780 where that is free. `onRow` sees what arrives. */
export async function startStore(ledger: () => UsageStats, onRow: (row: UsageRow) => void): Promise<DemoStore> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "relaymeter-demo-" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const path = `${folder}/usage.db`;
  const page = feedOfStore(ledger);
  const onStored = (rows: readonly UsageRow[]) => {
    rows.forEach(onRow);
    page.onStored(rows);
  };
  const hourMs = 3_600_000;
  const opened = UsageStore.open(path, { clock: systemClock, log: silentLog, onStored }, {
    maxAgeMs: { relay_usage: hourMs, optimizer_qos: hourMs },
    maxBytes: 100 * MIB,
  });
  if (opened.kind === "failure") throw new Error(opened.message);
  const { store } = opened;
  cleanup.use(store);
  page.setStore(store);
  const limits = { maxBodyBytes: 16 * MIB, maxHeldBytes: 64 * MIB, bodyTimeoutMs: 10_000 };
  const receiver = new UsageReceiver(store, systemClock, limits);
  const listener = listen({ hostname: "127.0.0.1", port: 0 }, (request) => receiver.fetch(request));
  cleanup.defer(() => listener.shutdown());
  const served = serve(page.feed);
  cleanup.defer(() => served.shutdown());
  const owned = cleanup.move();
  return {
    url: `http://127.0.0.1:${listener.port}/v1/logs`,
    pageUrl: served.url,
    path,
    counts: () => store.counts(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function serve(feed: Parameters<typeof servePage>[0]): UsagePage {
  try {
    return servePage(feed, { hostname: "127.0.0.1", port: PAGE_PORT }, [], silentLog);
  } catch {
    return servePage(feed, { hostname: "127.0.0.1", port: 0 }, [], silentLog);
  }
}
