import type { Database, SqlValue } from "../store/sqlite.ts";
import { type AttributeValue, parseEventId, ROW_FIELDS, type UsageRow } from "../usage/usage_row.ts";
import { type EventFile, readEvents } from "./event_files.ts";
import { eventIdOf } from "./report_files.ts";

/** An event that was looked for. */
export type FoundEvent =
  | {
    readonly kind: "found";
    readonly timeUnixMs: number;
    readonly attributes: Readonly<Record<string, AttributeValue>>;
  }
  /** It was there, and retention has removed it. */
  | { readonly kind: "removed" }
  | { readonly kind: "unknown" };

/** Looks for an event in a store. */
export function findInStore(db: Database, eventId: string): FoundEvent {
  const id = parseEventId(eventId);
  const boot = id && db.prepare("SELECT id FROM boot WHERE name = ?").get(id.boot) as { id: number } | undefined;
  if (id === undefined || boot === undefined) return { kind: "unknown" };
  const query = db.prepare("SELECT * FROM relay_usage WHERE boot_id = ? AND sequence = ?");
  query.setReadBigInts(true);
  const row = query.get(boot.id, id.sequence) as Readonly<Record<string, SqlValue>> | undefined;
  if (row !== undefined) {
    const pairs = ROW_FIELDS.relay_usage.map(({ name, type }) => {
      const value = name === "event_id" ? eventId : row[name];
      return [name, type === "bool" ? value === 1n : value] as const;
    });
    const known = pairs.filter(([, value]) => value !== null && value !== undefined) as [string, AttributeValue][];
    return { kind: "found", timeUnixMs: Number(row["time_unix_ms"]), attributes: Object.fromEntries(known) };
  }
  const removed = db.prepare("SELECT first FROM removed WHERE boot_id = ? AND first <= ? AND last >= ?");
  return { kind: removed.get(boot.id, id.sequence, id.sequence) === undefined ? "unknown" : "removed" };
}

/** Looks for an event in files, up to the first one that has it. */
export async function findInFiles(
  files: readonly EventFile[],
  eventId: string,
  onBytes: (count: number) => void,
): Promise<FoundEvent> {
  const id = parseEventId(eventId);
  if (id === undefined) return { kind: "unknown" };
  for (const file of files) {
    for await (const line of readEvents(file, onBytes)) {
      if (line.kind !== "row" || line.row.kind !== "relay_usage") continue;
      const found = eventIdOf(line.row);
      if (found?.sequence === id.sequence && found.boot === id.boot) return toFound(line.row);
    }
  }
  return { kind: "unknown" };
}

function toFound({ timeUnixMs, values }: UsageRow): FoundEvent {
  const pairs = ROW_FIELDS.relay_usage.map(({ name }, index) => [name, values[index]] as const);
  const known = pairs.filter(([, value]) => value !== null) as [string, AttributeValue][];
  return { kind: "found", timeUnixMs, attributes: Object.fromEntries(known) };
}
