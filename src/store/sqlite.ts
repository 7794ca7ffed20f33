import { DatabaseSync } from "node:sqlite";

/** What a column can hold, and what stands for a `?`. */
export type SqlValue = string | number | bigint | null;

/** A statement that is prepared. */
export interface Statement {
  /** Runs it; comes back with how many rows it has changed. */
  run(...parameters: readonly SqlValue[]): { readonly changes: number | bigint };
  /** The first row. */
  get(...parameters: readonly SqlValue[]): unknown;
  /** All rows. */
  all(...parameters: readonly SqlValue[]): unknown[];
  /** The rows, one by one. */
  iterate(...parameters: readonly SqlValue[]): Iterable<unknown>;
  /** Whether whole numbers come as bigints, which have all 64 bits. */
  setReadBigInts(isOn: boolean): void;
}

/** The part of the runtime's SQLite that is used here; the types that come with it depend on who else is imported. */
export interface Database {
  readonly isOpen: boolean;
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

type Open = new (path: string, options: { readonly readOnly: boolean; readonly timeout: number }) => Database;

/** Opens a file; `timeoutMs` is how long a statement waits for a lock. */
export function openDatabase(path: string, isReadOnly: boolean, timeoutMs: number): Database {
  return new (DatabaseSync as unknown as Open)(path, { readOnly: isReadOnly, timeout: timeoutMs });
}
