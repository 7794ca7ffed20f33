import type { Database } from "../store/sqlite.ts";
import { type Dimension, type ReportOptions, timeKey, type UsageSum } from "./report.ts";

const HOUR_MS = 3_600_000;
/** Parts that a long period is read in, so that there is progress to show. */
const SLICES = 100;

/** The column of a dimension; times are grouped by the hour, and put together to days and months afterwards. */
const COLUMNS: Readonly<Record<Dimension, string>> = {
  project: "project",
  chain: "chain",
  interface: "api_interface",
  method: "api_method",
  provider: "provider",
  origin: "origin",
  success: "success",
  hour: `time_unix_ms / ${HOUR_MS}`,
  day: `time_unix_ms / ${HOUR_MS}`,
  month: `time_unix_ms / ${HOUR_MS}`,
};

/** The sums of a store. `onProgress` sees how far it is, from 0 to 1. */
export function* sumStore(
  db: Database,
  options: ReportOptions,
  onProgress: (share: number) => void,
): Generator<UsageSum> {
  const bounds = db.prepare("SELECT min(time_unix_ms), max(time_unix_ms) FROM relay_usage").get();
  const [oldest, newest] = Object.values(bounds as Record<string, number | null>);
  if (typeof oldest !== "number" || typeof newest !== "number") return;
  const from = Math.max(options.fromUnixMs, oldest);
  const to = Math.min(options.toUnixMs, newest + 1);
  const sliceMs = Math.max(HOUR_MS, Math.ceil((to - from) / SLICES));
  const query = db.prepare(sqlOf(options));
  query.setReadBigInts(true);
  for (let start = from; start < to; start += sliceMs) {
    for (const row of query.iterate(start, Math.min(start + sliceMs, to))) {
      yield toSum(row as Record<string, string | bigint>, options.by);
    }
    onProgress(Math.min(1, (start + sliceMs - from) / (to - from)));
  }
}

/** The time before which retention has taken events away; undefined when it has taken none. */
export function removedUntil(db: Database): number | undefined {
  const row = db.prepare("SELECT time_unix_ms AS until FROM removed_until WHERE kind = 'relay_usage'").get();
  return (row as { until: number } | undefined)?.until;
}

function sqlOf({ by, successesOnly, excludeCacheHits }: ReportOptions): string {
  const keys = by.map((dimension, index) => `${COLUMNS[dimension]} AS key${index}`);
  const groups = ["project", "chain", ...by.map((_, index) => `key${index}`)];
  return `
    SELECT ${[...keys, "project", "chain"].join(", ")}, count(*) AS events, sum(1 - success) AS failed,
      sum(cache_hit) AS cache_hits, sum(cu) AS units
    FROM relay_usage
    WHERE time_unix_ms >= ? AND time_unix_ms < ?
      ${successesOnly ? "AND success = 1" : ""} ${excludeCacheHits ? "AND cache_hit = 0" : ""}
    GROUP BY ${groups.join(", ")}`;
}

function toSum(row: Readonly<Record<string, string | bigint>>, by: readonly Dimension[]): UsageSum {
  const key = by.map((dimension, index) => {
    const value = row[`key${index}`]!;
    switch (dimension) {
      case "hour":
      case "day":
      case "month":
        return timeKey(dimension, Number(value) * HOUR_MS);
      case "success":
        return value === 1n ? "true" : "false";
      default:
        return String(value);
    }
  });
  return {
    key,
    project: String(row["project"]),
    chain: String(row["chain"]),
    events: row["events"] as bigint,
    failed: row["failed"] as bigint,
    cacheHits: row["cache_hits"] as bigint,
    units: row["units"] as bigint,
  };
}
