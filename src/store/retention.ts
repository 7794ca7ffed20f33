import type { Database } from "./sqlite.ts";
import type { UsageEventKind } from "../domain/usage_event.ts";
import { joinRanges, type NumberRange, rangesOf } from "./number_ranges.ts";
import { pragma } from "./schema.ts";

/** How much is kept. */
export interface RetentionOptions {
  /** Longest that an event of a kind is kept, milliseconds. */
  readonly maxAgeMs: Readonly<Record<UsageEventKind, number>>;
  /** Most bytes of the file that hold something. */
  readonly maxBytes: number;
}

/** Events that are removed at a stretch: some 20 ms. */
const EVENTS_PER_STEP = 2_000;
/** Pages that are given back to the file system at a stretch. */
const PAGES_PER_STEP = 2_000;

/** Removes some events that are too old or too many, oldest first. True when there may be more of them. */
export function removeOldest(db: Database, { maxAgeMs, maxBytes }: RetentionOptions, nowUnixMs: number): boolean {
  for (const kind of ["relay_usage", "optimizer_qos"] as const) {
    if (removeBefore(db, kind, nowUnixMs - maxAgeMs[kind]) > 0) return true;
  }
  if (usedBytes(db) <= maxBytes) return false;
  const [oldestRelay, oldestQos] = [oldestOf(db, "relay_usage"), oldestOf(db, "optimizer_qos")];
  return removeBefore(db, oldestQos < oldestRelay ? "optimizer_qos" : "relay_usage", Infinity) > 0;
}

/** Bytes of the file that hold something. */
export function usedBytes(db: Database): number {
  return (pragma(db, "page_count") - pragma(db, "freelist_count")) * pragma(db, "page_size");
}

/** Gives room back to the file system that the removed events have left. */
export function giveBack(db: Database): void {
  // `exec` would stop after the first page.
  if (pragma(db, "freelist_count") > 0) db.prepare(`PRAGMA incremental_vacuum(${PAGES_PER_STEP})`).all();
}

function oldestOf(db: Database, kind: UsageEventKind): number {
  const { oldest } = db.prepare(`SELECT min(time_unix_ms) AS oldest FROM ${kind}`).get() as { oldest: number | null };
  return oldest ?? Infinity;
}

interface Doomed {
  readonly id: number;
  readonly time_unix_ms: number;
  readonly boot_id?: number | null;
  readonly sequence?: number | null;
}

function removeBefore(db: Database, kind: UsageEventKind, beforeUnixMs: number): number {
  const idColumns = kind === "relay_usage" ? ", boot_id, sequence" : "";
  const doomed = db.prepare(
    `SELECT id, time_unix_ms${idColumns} FROM ${kind} WHERE time_unix_ms < ? ORDER BY time_unix_ms LIMIT ?`,
  ).all(Math.min(beforeUnixMs, Number.MAX_SAFE_INTEGER), EVENTS_PER_STEP) as unknown as Doomed[];
  if (doomed.length === 0) return 0;
  db.exec("BEGIN IMMEDIATE");
  try {
    const remove = db.prepare(`DELETE FROM ${kind} WHERE id = ?`);
    for (const { id } of doomed) remove.run(id);
    noteRemoved(db, doomed);
    db.prepare(`
      INSERT INTO removed_until (kind, time_unix_ms, count) VALUES (?, ?, ?)
      ON CONFLICT (kind) DO UPDATE SET time_unix_ms = max(time_unix_ms, excluded.time_unix_ms), count = count + excluded.count
    `).run(kind, doomed.at(-1)!.time_unix_ms, doomed.length);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
  return doomed.length;
}

/** Keeps the numbers of what is removed, so that a hole that retention made is not taken for a loss. */
function noteRemoved(db: Database, doomed: readonly Doomed[]): void {
  const ofBoots = Map.groupBy(doomed, ({ boot_id }) => boot_id ?? 0);
  for (const [bootId, events] of ofBoots) {
    if (bootId === 0) continue;
    const numbers = events.map(({ sequence }) => sequence!).toSorted((a, b) => a - b);
    const known = db.prepare("SELECT first, last FROM removed WHERE boot_id = ?").all(
      bootId,
    ) as unknown as NumberRange[];
    db.prepare("DELETE FROM removed WHERE boot_id = ?").run(bootId);
    const insert = db.prepare("INSERT INTO removed (boot_id, first, last) VALUES (?, ?, ?)");
    for (const { first, last } of joinRanges([...known, ...rangesOf(numbers)])) insert.run(bootId, first, last);
  }
}
