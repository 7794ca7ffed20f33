/** The example tables and queries, over what a collector has written. */
import { EXAMPLES } from "./collector_build.ts";
import { queryDuckDb } from "./duckdb.ts";

/** A row with numbers as numbers, and all that is no number, text or boolean as a text. */
export type TableRow = Readonly<Record<string, string | number | boolean | null>>;

/** What runs SQL over the tables; undefined where DuckDB can't be had. */
export type Ask = (sql: string) => Promise<TableRow[]>;

/** The tables of some `tables/<name>.sql` with another folder in the place of the example's. */
export async function openTables(names: readonly string[], from: string, to: string): Promise<Ask | undefined> {
  const texts = await Promise.all(names.map((name) => Deno.readTextFile(`${EXAMPLES}tables/${name}.sql`)));
  const text = texts.join("\n");
  if (!text.includes(from)) throw new Error(`${from} is not in ${names}`);
  const definitions = text.replaceAll(from, to);
  if (await queryDuckDb("SELECT 1") === undefined) return undefined;
  return async (sql) => (await queryDuckDb(`${definitions};\n${sql}`))!.map(plainRow);
}

/** The queries of `queries.sql` by name. */
export async function readQueries(): Promise<Record<string, string>> {
  const [, ...parts] = (await Deno.readTextFile(`${EXAMPLES}queries.sql`)).split(/^-- name: /m);
  return Object.fromEntries(parts.map((part) => {
    const end = part.indexOf("\n");
    return [part.slice(0, end), part.slice(end)];
  }));
}

function plainRow(row: Readonly<Record<string, unknown>>): TableRow {
  return Object.fromEntries(
    Object.entries(row).map((
      [name, value],
    ) => [name, typeof value === "object" ? plainText(value) : plainValue(value)]),
  );
}

function plainText(value: object | null): string | null {
  return value === null ? null : String(value);
}

function plainValue(value: unknown): string | number | boolean {
  return typeof value === "bigint" ? Number(value) : value as string | number | boolean;
}
