import { createRequire } from "node:module";
import { installTool } from "./npm_tool.ts";

interface Connection {
  runAndReadAll(sql: string): Promise<{ getRowObjects(): Record<string, unknown>[] }>;
  closeSync(): void;
}

interface DuckDb {
  readonly DuckDBInstance: {
    create(path: string): Promise<{ connect(): Promise<Connection>; closeSync(): void }>;
  };
}

/** Runs a query in DuckDB; undefined, and a line that says why, where it can't be had. */
export async function queryDuckDb(sql: string): Promise<Record<string, unknown>[] | undefined> {
  const folder = await installTool("@duckdb/node-api", "1.5.6-r.1");
  if (folder === undefined) return undefined;
  const { DuckDBInstance }: DuckDb = createRequire(`${folder}/`)(folder);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjects();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
