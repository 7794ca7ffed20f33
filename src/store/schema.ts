import type { Database } from "./sqlite.ts";
import type { UsageEventKind } from "../domain/usage_event.ts";
import type { AttributeType } from "../usage/attributes.ts";
import { ROW_FIELDS } from "../usage/usage_row.ts";

/** Stands in the head of the file and says whose it is: "RlMt". */
export const APPLICATION_ID = 0x526c_4d74;

const SQL_TYPES: Readonly<Record<AttributeType, string>> = {
  string: "TEXT",
  int: "INTEGER",
  double: "REAL",
  bool: "INTEGER",
};

/** The columns of a kind's attributes. An event's id is kept in two parts, which have columns of their own. */
export function columnsOf(kind: UsageEventKind): readonly string[] {
  return ROW_FIELDS[kind].map(({ name }) => name).filter((name) => name !== "event_id");
}

function columnDefinitions(kind: UsageEventKind): string {
  const fields = ROW_FIELDS[kind].filter(({ name }) => name !== "event_id");
  return fields.map(({ name, type }) => {
    const isOnRequest = name === "error_class" || name === "attempts";
    return `${name} ${SQL_TYPES[type]}${isOnRequest ? "" : " NOT NULL"}`;
  }).join(", ");
}

/**
 * What turns a file of one version into the next: the first makes an empty file version 1. A change of the schema is a
 * new entry, and an old entry is never changed.
 *
 * `boot` is one life of one relay, `<service.instance.id>/<boot id>`; its events are numbered without gaps. `removed`
 * holds the numbers that retention has taken away, so that they are not mistaken for losses.
 */
export const MIGRATIONS: readonly string[] = [`
  CREATE TABLE boot (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    duplicates INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE TABLE relay_usage (
    id INTEGER PRIMARY KEY,
    time_unix_ms INTEGER NOT NULL,
    boot_id INTEGER,
    sequence INTEGER,
    ${columnDefinitions("relay_usage")}
  ) STRICT;
  CREATE UNIQUE INDEX relay_usage_by_event_id ON relay_usage (boot_id, sequence);
  CREATE INDEX relay_usage_by_time ON relay_usage (time_unix_ms);
  CREATE TABLE optimizer_qos (
    id INTEGER PRIMARY KEY,
    time_unix_ms INTEGER NOT NULL,
    ${columnDefinitions("optimizer_qos")}
  ) STRICT;
  CREATE UNIQUE INDEX optimizer_qos_by_tick
    ON optimizer_qos (time_unix_ms, consumer_pub_address, chain_id, provider);
  CREATE TABLE removed (
    boot_id INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (boot_id, first)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE removed_until (
    kind TEXT PRIMARY KEY,
    time_unix_ms INTEGER NOT NULL,
    count INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
`];

/** What a file is to this program. */
export type FileState =
  | { readonly kind: "empty" }
  | { readonly kind: "store"; readonly version: number }
  | { readonly kind: "foreign" };

/** Looks at the head of a file. Throws on a file that is no database. */
export function readState(db: Database): FileState {
  const version = pragma(db, "user_version");
  if (pragma(db, "application_id") === APPLICATION_ID) return { kind: "store", version };
  const { count } = db.prepare("SELECT count(*) AS count FROM sqlite_schema").get() as { count: number };
  return { kind: count === 0 && version === 0 ? "empty" : "foreign" };
}

/** Brings a file up to the newest version, in one transaction: all of it, or nothing. */
export function migrate(db: Database, from: number, migrations: readonly string[]): void {
  if (from === migrations.length) return;
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const migration of migrations.slice(from)) db.exec(migration);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}`);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
}

/** The whole number that a pragma says. */
export function pragma(db: Database, name: string): number {
  const row = db.prepare(`PRAGMA ${name}`).get() as Record<string, number> | undefined;
  return Number(Object.values(row ?? {})[0] ?? 0);
}
