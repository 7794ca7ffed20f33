import type { UsageEventKind } from "../domain/usage_event.ts";
import { type AttributeValue, ROW_FIELDS, type UsageRow } from "../usage/usage_row.ts";
import type { Database, SqlValue } from "./sqlite.ts";

/** The last events of a kind since a moment, oldest first; `maxCount` of those that came last. */
export function recentRows(
  db: Database,
  kind: UsageEventKind,
  sinceUnixMs: number,
  maxCount: number,
): UsageRow[] {
  const fields = ROW_FIELDS[kind].map((field, index) => ({ ...field, index })).filter(({ name }) =>
    name !== "event_id"
  );
  const names = fields.map(({ name }) => name).join(", ");
  const rows = db.prepare(
    `SELECT time_unix_ms, ${names} FROM ${kind} WHERE time_unix_ms >= ? ORDER BY time_unix_ms DESC LIMIT ?`,
  ).all(sinceUnixMs, maxCount) as Readonly<Record<string, SqlValue>>[];
  return rows.reverse().map((row) => {
    const values: (AttributeValue | null)[] = ROW_FIELDS[kind].map(() => null);
    for (const { name, type, index } of fields) values[index] = type === "bool" ? row[name] === 1 : row[name]!;
    return { kind, timeUnixMs: Number(row["time_unix_ms"]), values };
  });
}
