import { silentLog } from "../../src/domain/log.ts";
import type { Clock } from "../../src/domain/clock.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { openDatabase } from "../../src/store/sqlite.ts";
import type { RetentionOptions } from "../../src/store/retention.ts";
import { UsageStore, type UsageStoreDeps } from "../../src/store/usage_store.ts";
import { rowOfEvent, type UsageRow } from "../../src/usage/usage_row.ts";
import { qosEvent, relayEvent } from "./usage.ts";

/** Keeps everything. */
export const KEEP: RetentionOptions = {
  maxAgeMs: { relay_usage: Infinity, optimizer_qos: Infinity },
  maxBytes: Infinity,
};

/** A store that opens, or a failed test. */
export function openStore(
  path: string,
  { clock = systemClock, ...deps }: Partial<UsageStoreDeps> & { clock?: Clock } = {},
  retention: RetentionOptions = KEEP,
): UsageStore {
  const opened = UsageStore.open(path, { clock, log: silentLog, ...deps }, retention);
  if (opened.kind === "failure") throw new Error(opened.message);
  return opened.store;
}

/** Rows of relays, numbered in a boot from `first` to `last`. */
export function relayRows(
  boot: string,
  first: number,
  last: number,
  different: (sequence: number) => Parameters<typeof relayEvent>[0] = () => ({}),
): UsageRow[] {
  const rows: UsageRow[] = [];
  for (let sequence = first; sequence <= last; sequence++) {
    rows.push(rowOfEvent(relayEvent(different(sequence)), `${boot}/${sequence}`));
  }
  return rows;
}

/** Rows of scores, one tick each. */
export function qosRows(count: number, startUnixMs: number): UsageRow[] {
  return Array.from({ length: count }, (_, tick) => rowOfEvent(qosEvent({ timeUnixMs: startUnixMs + tick }), ""));
}

/** The rows that a query of the file finds. */
export function query(path: string, sql: string): Record<string, unknown>[] {
  const db = openDatabase(path, true, 1_000);
  try {
    return db.prepare(sql).all().map((row) => ({ ...row as object }));
  } finally {
    db.close();
  }
}

/** A folder for files of stores, gone after the test. */
export async function storeFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "relaymeter-store-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
