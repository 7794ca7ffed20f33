/** ClickHouse's engine in this process, with the example's tables. */
import { createRequire } from "node:module";
import { EXAMPLES, say } from "./collector_build.ts";
import { installTool } from "./npm_tool.ts";

interface Session {
  query(sql: string, format: string): string;
  cleanup(): void;
}

/** An engine with the example's tables. */
export interface ClickHouse extends Disposable {
  /** Runs a statement; comes back with the rows of a query. */
  ask(sql: string): Record<string, unknown>[];
}

/** Opens the engine if `RELAYMETER_TEST_CLICKHOUSE=1` asks for it; undefined, and a line that says why, otherwise. */
export async function openClickHouse(folder: string): Promise<ClickHouse | undefined> {
  if (Deno.env.get("RELAYMETER_TEST_CLICKHOUSE") !== "1") {
    return void say("skipped: ClickHouse, because it is half a gigabyte; RELAYMETER_TEST_CLICKHOUSE=1 asks for it");
  }
  const installed = await installTool("chdb", "3.4.0");
  if (installed === undefined) return undefined;
  const { Session }: { Session: new (path: string) => Session } = createRequire(`${installed}/`)(installed);
  const session = new Session(`${folder}/clickhouse`);
  const text = (await Deno.readTextFile(`${EXAMPLES}tables/clickhouse.sql`)).replaceAll(/^--.*$/gm, "");
  for (const statement of text.split(/;\s*\n/)) {
    if (statement.trim() !== "") session.query(statement, "CSV");
  }
  return {
    ask(sql) {
      const lines = session.query(sql, "JSONEachRow").trim().split("\n");
      return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
    },
    [Symbol.dispose]: () => session.cleanup(),
  };
}
