import type { NumberRange } from "../store/number_ranges.ts";
import type { Database } from "../store/sqlite.ts";
import { type EventFile, readEvents } from "./event_files.ts";
import type { NumberSet } from "./number_set.ts";
import type { Arrivals } from "./reconcile.ts";
import { eventIdOf, numbersOf } from "./report_files.ts";

interface BootRow {
  readonly id: number;
  readonly name: string;
  readonly duplicates: number;
}

/** What has arrived in a store. */
export function arrivalsOfStore(db: Database): Arrivals {
  const boots = db.prepare("SELECT id, name, duplicates FROM boot").all() as BootRow[];
  // Numbers that follow each other have the same distance to their position.
  const arrived = db.prepare(`
    SELECT min(sequence) AS first, max(sequence) AS last FROM (
      SELECT sequence, sequence - row_number() OVER (ORDER BY sequence) AS island FROM relay_usage WHERE boot_id = ?
    ) GROUP BY island ORDER BY first`);
  const removed = db.prepare("SELECT first, last FROM removed WHERE boot_id = ? ORDER BY first");
  const { n } = db.prepare("SELECT count(*) AS n FROM relay_usage WHERE boot_id IS NULL").get() as { n: number };
  return {
    boots: boots.map(({ id, name, duplicates }) => ({
      boot: name,
      arrived: arrived.all(id) as NumberRange[],
      removed: removed.all(id) as NumberRange[],
      duplicates,
    })),
    withoutId: n,
    unreadable: 0,
  };
}

/** What has arrived in files. */
export async function arrivalsOfFiles(
  files: readonly EventFile[],
  onBytes: (count: number) => void,
): Promise<Arrivals> {
  const numbers = new Map<string, NumberSet>();
  const duplicates = new Map<string, number>();
  let withoutId = 0;
  let unreadable = 0;
  for (const file of files) {
    for await (const line of readEvents(file, onBytes)) {
      if (line.kind === "unreadable") unreadable++;
      else if (line.row.kind === "relay_usage") {
        const id = eventIdOf(line.row);
        if (id === undefined) withoutId++;
        else if (!numbersOf(numbers, id.boot).add(id.sequence)) {
          duplicates.set(id.boot, (duplicates.get(id.boot) ?? 0) + 1);
        }
      }
    }
  }
  const boots = [...numbers].map(([boot, set]) => {
    return { boot, arrived: set.ranges(), removed: [], duplicates: duplicates.get(boot) ?? 0 };
  });
  return { boots, withoutId, unreadable };
}
