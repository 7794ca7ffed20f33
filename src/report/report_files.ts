import { parseEventId, ROW_FIELDS, type UsageRow } from "../usage/usage_row.ts";
import { type EventFile, type EventLine, readEvents } from "./event_files.ts";
import { NumberSet } from "./number_set.ts";
import { type Dimension, type ReportOptions, timeKey, type UsageSum } from "./report.ts";

/** What files hold, added up. */
export interface FileSums {
  readonly sums: readonly UsageSum[];
  /** Events that came more than once; each is counted once. */
  readonly duplicates: number;
  /** Events that have no id, whose duplicates can't be told. */
  readonly withoutId: number;
  readonly unreadable: number;
  /** The first line that can't be read. */
  readonly firstUnreadable: Extract<EventLine, { kind: "unreadable" }> | undefined;
}

type MutableSum = { -readonly [Key in keyof UsageSum]: UsageSum[Key] };

/** Adds up the events of files. `onBytes` sees how much was read. */
export async function sumFiles(
  files: readonly EventFile[],
  options: ReportOptions,
  onBytes: (count: number) => void,
): Promise<FileSums> {
  const boots = new Map<string, NumberSet>();
  const sums = new Map<string, MutableSum>();
  let duplicates = 0;
  let withoutId = 0;
  let unreadable = 0;
  let firstUnreadable: FileSums["firstUnreadable"];
  for (const file of files) {
    for await (const line of readEvents(file, onBytes)) {
      if (line.kind === "unreadable") {
        unreadable++;
        firstUnreadable ??= line;
      } else if (line.row.kind === "relay_usage") {
        const id = eventIdOf(line.row);
        if (id === undefined) withoutId++;
        else if (!numbersOf(boots, id.boot).add(id.sequence)) {
          duplicates++;
          continue;
        }
        addRow(sums, line.row, options);
      }
    }
  }
  return { sums: [...sums.values()], duplicates, withoutId, unreadable, firstUnreadable };
}

const INDEX = Object.fromEntries(ROW_FIELDS.relay_usage.map(({ name }, index) => [name, index]));

/** The id of an event in its two parts; undefined for one without. */
export function eventIdOf({ values }: UsageRow): ReturnType<typeof parseEventId> {
  const id = values[INDEX["event_id"]!];
  return typeof id === "string" ? parseEventId(id) : undefined;
}

/** The numbers of a boot; none for a new one. */
export function numbersOf(boots: Map<string, NumberSet>, boot: string): NumberSet {
  let numbers = boots.get(boot);
  if (numbers === undefined) boots.set(boot, numbers = new NumberSet());
  return numbers;
}

function addRow(sums: Map<string, MutableSum>, row: UsageRow, options: ReportOptions): void {
  const { timeUnixMs, values } = row;
  if (timeUnixMs < options.fromUnixMs || timeUnixMs >= options.toUnixMs) return;
  const success = values[INDEX["success"]!] === true;
  const isCacheHit = values[INDEX["cache_hit"]!] === true;
  if ((options.successesOnly && !success) || (options.excludeCacheHits && isCacheHit)) return;
  const key = options.by.map((dimension) => keyOf(dimension, row));
  const [project, chain] = [textOf(row, "project"), textOf(row, "chain")];
  const id = JSON.stringify([key, project, chain]);
  let sum = sums.get(id);
  if (sum === undefined) {
    sums.set(id, sum = { key, project, chain, events: 0n, failed: 0n, cacheHits: 0n, units: 0n });
  }
  sum.events += 1n;
  if (!success) sum.failed += 1n;
  if (isCacheHit) sum.cacheHits += 1n;
  sum.units += BigInt(values[INDEX["cu"]!] as number | bigint);
}

function keyOf(dimension: Dimension, row: UsageRow): string {
  switch (dimension) {
    case "hour":
    case "day":
    case "month":
      return timeKey(dimension, row.timeUnixMs);
    case "interface":
    case "method":
      return textOf(row, `api_${dimension}`);
    default:
      return textOf(row, dimension);
  }
}

function textOf({ values }: UsageRow, name: string): string {
  return String(values[INDEX[name]!]);
}
