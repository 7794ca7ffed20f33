import { type Database, openDatabase } from "./sqlite.ts";
import { migrate, MIGRATIONS, pragma, readState } from "./schema.ts";

/** An open file, or why it can't be one. */
export type OpenResult =
  | { readonly kind: "open"; readonly file: StoreFile }
  | { readonly kind: "failure"; readonly message: string };

/** An open file. Closing it twice is fine. */
export interface StoreFile extends Disposable {
  readonly db: Database;
}

const MAX_CHECKED_BYTES = 1024 ** 3;
/** How long a reader waits for a checkpoint that is under way, milliseconds. */
const BUSY_TIMEOUT_MS = 5_000;
/** Largest write-ahead log that is left lying when its content has gone into the file. */
const MAX_IDLE_LOG_BYTES = 64 * 1024 * 1024;

/**
 * Opens a store for writing, and makes it where there is none. One process at a time may: the lock is the operating
 * system's, so that it goes with the process that had it.
 */
export function openForWriting(path: string, migrations: readonly string[] = MIGRATIONS): OpenResult {
  const opened: Disposable[] = [];
  const closeAll = () => opened.toReversed().forEach((each) => each[Symbol.dispose]());
  try {
    const lock = open(`${path}-writer`);
    opened.push(lock);
    if (!takeLock(lock.db)) {
      closeAll();
      return failure(`${path} is being written by another process; one collector at a time keeps a store`);
    }
    const file = open(path);
    opened.push(file);
    const mistake = checkState(file.db, path, migrations.length) ?? checkContent(file.db, path);
    if (mistake !== undefined) {
      closeAll();
      return failure(mistake);
    }
    // The first one has to come before there is a table.
    file.db.exec("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    file.db.exec(`PRAGMA journal_size_limit = ${MAX_IDLE_LOG_BYTES}`);
    const state = readState(file.db);
    migrate(file.db, state.kind === "store" ? state.version : 0, migrations);
    return { kind: "open", file: { db: file.db, [Symbol.dispose]: closeAll } };
  } catch (error) {
    closeAll();
    return failure(describe(error, path));
  }
}

/** Opens a store for reading, beside a collector that writes to it. Nothing is changed. */
export function openForReading(path: string): OpenResult {
  let file: StoreFile | undefined;
  try {
    file = open(path, true);
    const mistake = checkState(file.db, path, MIGRATIONS.length, true);
    if (mistake === undefined) return { kind: "open", file };
    file[Symbol.dispose]();
    return failure(mistake);
  } catch (error) {
    file?.[Symbol.dispose]();
    return failure(describe(error, path));
  }
}

function open(path: string, readOnly = false): StoreFile {
  const db = openDatabase(path, readOnly, BUSY_TIMEOUT_MS);
  return {
    db,
    [Symbol.dispose]() {
      if (db.isOpen) db.close();
    },
  };
}

/** Locks an empty database beside the store, for as long as it is open. */
function takeLock(db: Database): boolean {
  db.exec("PRAGMA busy_timeout = 0");
  try {
    db.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (failingOf(error) === "locked") return false;
    throw error;
  }
}

function checkState(db: Database, path: string, newest: number, isReader = false): string | undefined {
  const state = readState(db);
  if (state.kind === "foreign") return `${path} is a database of another program`;
  if (state.kind === "empty") return isReader ? `${path} holds no store` : undefined;
  if (state.version > newest) {
    return `${path} was written by a newer relaymeter (its version is ${state.version}, this program knows ${newest})`;
  }
  if (isReader && state.version < newest) {
    return `${path} was written by an older relaymeter; a collector that opens it brings it up to date`;
  }
  return undefined;
}

/** Looks for damage, as far as that is a matter of three seconds; in a larger file it shows when it is come upon. */
function checkContent(db: Database, path: string): string | undefined {
  if (pragma(db, "page_count") * pragma(db, "page_size") > MAX_CHECKED_BYTES) return undefined;
  const row = db.prepare("PRAGMA quick_check(1)").get() as { readonly quick_check: string };
  return row.quick_check === "ok" ? undefined : damaged(path);
}

type Failing = "locked" | "corrupt" | "full" | "io" | "unopenable" | "foreign" | "read_only";

/** SQLite's own texts of the errors that an operator can do something about; Deno passes on no number of them. */
const SQLITE_TEXTS: readonly (readonly [start: string, Failing])[] = [
  ["database is locked", "locked"],
  ["database disk image is malformed", "corrupt"],
  ["database or disk is full", "full"],
  ["disk I/O error", "io"],
  ["unable to open database file", "unopenable"],
  ["file is not a database", "foreign"],
  ["attempt to write a readonly database", "read_only"],
];

function failingOf(error: unknown): Failing | undefined {
  const message = error instanceof Error ? error.message : "";
  return SQLITE_TEXTS.find(([start]) => message.startsWith(start))?.[1];
}

/** What went wrong with a file, in words for an operator. */
export function describe(error: unknown, path: string): string {
  switch (failingOf(error)) {
    case "locked":
      return `${path} is locked by another process`;
    case "corrupt":
      return damaged(path);
    case "full":
      return `the disk of ${path} is full`;
    case "io":
      return `${path} can't be read or written: the disk fails`;
    case "unopenable":
      return `${path} can't be opened: there is no such file or folder, or no permission`;
    case "foreign":
      return `${path} is no store: it is damaged, or a file of another kind`;
    case "read_only":
      return `${path} can't be written to: no permission`;
    case undefined:
      return `${path}: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function damaged(path: string): string {
  return `${path} is damaged; move it away, or restore it from a copy ("sqlite3 FILE .recover" saves what is readable)`;
}

function failure(message: string): OpenResult {
  return { kind: "failure", message };
}
