import type { Database, SqlValue, Statement } from "./sqlite.ts";
import type { Clock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { UsageEventKind } from "../domain/usage_event.ts";
import { type AttributeValue, parseEventId, ROW_FIELDS, type UsageRow } from "../usage/usage_row.ts";
import { describe, openForWriting, type StoreFile } from "./open_store.ts";
import { recentRows } from "./recent.ts";
import { giveBack, removeOldest, type RetentionOptions } from "./retention.ts";
import type { ProjectUnits } from "./worker_messages.ts";
import { columnsOf } from "./schema.ts";

/** What became of rows that were handed over. */
export type StoreResult =
  /** They are on disk; the duplicates among them were there before. */
  | { readonly kind: "stored"; readonly duplicates: number }
  /** None of them is. */
  | { readonly kind: "failure"; readonly message: string };

/** What a store works with. */
export interface UsageStoreDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Sees what has been stored, duplicates too, after each commit. */
  readonly onStored?: (rows: readonly UsageRow[]) => void;
}

/** What has been done since the store was opened. Each only grows. */
export interface StoreCounts {
  readonly stored: number;
  readonly duplicates: number;
  readonly removed: number;
}

interface Waiting {
  readonly rows: readonly UsageRow[];
  readonly resolve: (result: StoreResult) => void;
}

/** Rows after which a transaction takes no more requests. */
const ROWS_PER_COMMIT = 10_000;
const DAY_MS = 86_400_000;
const RETENTION_INTERVAL_MS = 60_000;
/** At most one line about a failing disk in this time. */
const FAILURE_LOG_INTERVAL_MS = 10_000;
/** Boots whose numbers are remembered between transactions. */
const MAX_KNOWN_BOOTS = 1_000;

/**
 * Keeps usage events in a file. What is handed over together, or while a transaction is being written, is committed
 * together; `add` comes back after the commit, which has been synced to disk. An event that is there already is not
 * stored again: `relay_usage` is told by its `event_id`, `optimizer_qos` by tick, process, chain and provider.
 */
export class UsageStore implements AsyncDisposable {
  readonly #path: string;
  readonly #file: StoreFile;
  readonly #db: Database;
  readonly #deps: UsageStoreDeps;
  readonly #retention: RetentionOptions;
  readonly #inserts: Readonly<Record<UsageEventKind, Statement>>;
  readonly #boots = new Map<string, number>();
  readonly #counts = { stored: 0, duplicates: 0, removed: 0 };
  #waiting: Waiting[] = [];
  #cancelCommit: (() => void) | undefined;
  #cancelRetention: () => void = () => {};
  #lastFailureLogMs = -Infinity;

  private constructor(path: string, file: StoreFile, deps: UsageStoreDeps, retention: RetentionOptions) {
    this.#path = path;
    this.#file = file;
    this.#db = file.db;
    this.#deps = deps;
    this.#retention = retention;
    this.#inserts = {
      relay_usage: prepareInsert(file.db, "relay_usage", ["time_unix_ms", "boot_id", "sequence"]),
      optimizer_qos: prepareInsert(file.db, "optimizer_qos", ["time_unix_ms"]),
    };
    this.#scheduleRetention(0);
  }

  /** Opens a file, or makes it; the message of a failure is for the operator. */
  static open(
    path: string,
    deps: UsageStoreDeps,
    retention: RetentionOptions,
  ): { readonly kind: "store"; readonly store: UsageStore } | { readonly kind: "failure"; readonly message: string } {
    const opened = openForWriting(path);
    if (opened.kind === "failure") return opened;
    return { kind: "store", store: new UsageStore(path, opened.file, deps, retention) };
  }

  /** Stores rows: all of them, or none. */
  add(rows: readonly UsageRow[]): Promise<StoreResult> {
    if (!this.#db.isOpen) return Promise.resolve({ kind: "failure", message: "the store is closed" });
    const { promise, resolve } = Promise.withResolvers<StoreResult>();
    this.#waiting.push({ rows, resolve });
    this.#cancelCommit ??= this.#deps.clock.schedule(0, () => this.#commitWaiting());
    return promise;
  }

  /** The last events of a kind since a moment, oldest first; `maxCount` of those that came last. */
  recent(kind: UsageEventKind, sinceUnixMs: number, maxCount: number): readonly UsageRow[] {
    return recentRows(this.#db, kind, sinceUnixMs, maxCount);
  }

  /** The compute units that each project has used since midnight UTC. */
  unitsOfDay(): readonly ProjectUnits[] {
    const midnight = Math.floor(this.#deps.clock.now() / DAY_MS) * DAY_MS;
    const rows = this.#db.prepare(
      "SELECT project, sum(cu) AS units FROM relay_usage WHERE time_unix_ms >= ? GROUP BY project",
    ).all(midnight) as { readonly project: string; readonly units: number }[];
    return rows.map(({ project, units }) => [project, units]);
  }

  /** What has been done so far. */
  counts(): StoreCounts {
    return { ...this.#counts };
  }

  /** Commits what waits, and closes the file. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#cancelRetention();
    while (this.#waiting.length > 0) this.#commitWaiting();
    this.#cancelCommit?.();
    this.#file[Symbol.dispose]();
    return Promise.resolve();
  }

  #commitWaiting(): void {
    this.#cancelCommit = undefined;
    let rowCount = 0;
    let taken = 0;
    while (taken < this.#waiting.length && rowCount < ROWS_PER_COMMIT) rowCount += this.#waiting[taken++]!.rows.length;
    const group = this.#waiting.slice(0, taken);
    this.#waiting = this.#waiting.slice(taken);
    const results = this.#commit(group);
    group.forEach(({ resolve }, index) => resolve(results[index]!));
    if (this.#waiting.length > 0) this.#cancelCommit = this.#deps.clock.schedule(0, () => this.#commitWaiting());
    const { onStored } = this.#deps;
    if (onStored === undefined) return;
    group.forEach(({ rows }, index) => {
      if (results[index]!.kind === "stored") onStored(rows);
    });
  }

  #commit(group: readonly Waiting[]): StoreResult[] {
    try {
      this.#db.exec("BEGIN IMMEDIATE");
      const results = group.map(({ rows }): StoreResult => ({ kind: "stored", duplicates: this.#insertAll(rows) }));
      this.#db.exec("COMMIT");
      for (const [index, { rows }] of group.entries()) {
        const result = results[index]!;
        const duplicates = result.kind === "stored" ? result.duplicates : 0;
        this.#counts.duplicates += duplicates;
        this.#counts.stored += rows.length - duplicates;
      }
      return results;
    } catch (error) {
      return group.map(() => ({ kind: "failure", message: this.#abandon(error) }));
    }
  }

  /** Inserts rows; comes back with how many were there already. */
  #insertAll(rows: readonly UsageRow[]): number {
    let duplicates = 0;
    const ofBoots = new Map<number, number>();
    for (const { kind, timeUnixMs, values } of rows) {
      const parameters: SqlValue[] = [timeUnixMs];
      let bootId = 0;
      if (kind === "relay_usage") {
        const eventId = values[EVENT_ID_INDEX];
        const id = typeof eventId === "string" ? parseEventId(eventId) : undefined;
        if (id !== undefined) bootId = this.#bootId(id.boot);
        parameters.push(id === undefined ? null : bootId, id === undefined ? null : id.sequence);
      }
      for (let i = 0; i < values.length; i++) {
        if (kind === "relay_usage" && i === EVENT_ID_INDEX) continue;
        parameters.push(toSql(values[i]!));
      }
      if (this.#inserts[kind].run(...parameters).changes > 0) continue;
      duplicates++;
      if (bootId > 0) ofBoots.set(bootId, (ofBoots.get(bootId) ?? 0) + 1);
    }
    for (const [bootId, count] of ofBoots) {
      this.#db.prepare("UPDATE boot SET duplicates = duplicates + ? WHERE id = ?").run(count, bootId);
    }
    return duplicates;
  }

  #bootId(name: string): number {
    const known = this.#boots.get(name);
    if (known !== undefined) return known;
    const { id } = this.#db.prepare(
      "INSERT INTO boot (name) VALUES (?) ON CONFLICT (name) DO UPDATE SET name = name RETURNING id",
    ).get(name) as { id: number };
    if (this.#boots.size >= MAX_KNOWN_BOOTS) this.#boots.clear();
    this.#boots.set(name, id);
    return id;
  }

  /** Undoes what was begun, and says why, now and then in the log as well. */
  #abandon(error: unknown): string {
    // Some may have come to be in the transaction that is undone.
    this.#boots.clear();
    const message = describe(error, this.#path);
    try {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    } catch {
      // A broken file may refuse that too; the next transaction says so again.
    }
    const nowMs = this.#deps.clock.monotonic();
    if (nowMs - this.#lastFailureLogMs >= FAILURE_LOG_INTERVAL_MS) {
      this.#lastFailureLogMs = nowMs;
      this.#deps.log.error("events can't be stored; senders are asked to try again", { reason: message });
    }
    return message;
  }

  #scheduleRetention(delayMs: number): void {
    const { clock } = this.#deps;
    this.#cancelRetention = clock.schedule(delayMs, () => {
      let isMoreLeft = false;
      try {
        isMoreLeft = this.#removeSome();
      } catch (error) {
        this.#abandon(error);
      }
      this.#scheduleRetention(isMoreLeft ? 0 : RETENTION_INTERVAL_MS);
    });
  }

  #removeSome(): boolean {
    const before = this.#rowCountRemoved();
    const isMoreLeft = removeOldest(this.#db, this.#retention, this.#deps.clock.now());
    this.#counts.removed += this.#rowCountRemoved() - before;
    giveBack(this.#db);
    return isMoreLeft;
  }

  #rowCountRemoved(): number {
    const row = this.#db.prepare("SELECT coalesce(sum(count), 0) AS count FROM removed_until").get();
    return (row as { count: number }).count;
  }
}

/** A value as a column holds it. The runtime reads texts up to their first NUL only, so that none may have one. */
function toSql(value: AttributeValue | null): SqlValue {
  if (typeof value === "boolean") return value ? 1 : 0;
  return typeof value === "string" && value.includes("\0") ? value.replaceAll("\0", "\ufffd") : value;
}

const EVENT_ID_INDEX = ROW_FIELDS.relay_usage.findIndex(({ name }) => name === "event_id");

function prepareInsert(db: Database, kind: UsageEventKind, own: readonly string[]): Statement {
  const columns = [...own, ...columnsOf(kind)];
  return db.prepare(
    `INSERT INTO ${kind} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")}) ON CONFLICT DO NOTHING`,
  );
}
