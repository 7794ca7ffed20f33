import { type Decimal, plus, times, ZERO } from "./decimal.ts";
import { priceOf, type Prices } from "./prices.ts";

/** What a report can be split by. */
export const DIMENSIONS = [
  "project",
  "chain",
  "interface",
  "method",
  "provider",
  "origin",
  "success",
  "hour",
  "day",
  "month",
] as const;

/** One of {@linkcode DIMENSIONS}. */
export type Dimension = (typeof DIMENSIONS)[number];

/** What a report is about. */
export interface ReportOptions {
  /** Milliseconds since the Unix epoch: the first that counts, and the first that does not any more. */
  readonly fromUnixMs: number;
  readonly toUnixMs: number;
  readonly by: readonly Dimension[];
  readonly successesOnly: boolean;
  readonly excludeCacheHits: boolean;
  readonly prices: Prices | undefined;
}

/** Events that have the same of everything a report asks for. */
export interface UsageSum {
  /** The values of the dimensions, in their order. */
  readonly key: readonly string[];
  readonly project: string;
  readonly chain: string;
  readonly events: bigint;
  readonly failed: bigint;
  readonly cacheHits: bigint;
  readonly units: bigint;
}

/** The figures of a row, or of all rows. */
export interface Figures {
  readonly events: bigint;
  readonly failed: bigint;
  readonly cacheHits: bigint;
  readonly units: bigint;
  /** In the currency of the prices; zero without prices. */
  readonly amount: Decimal;
  /** Units that no price is for. */
  readonly unpricedUnits: bigint;
}

/** A row of a report. */
export interface ReportRow extends Figures {
  readonly key: readonly string[];
}

/** A report: rows in the order of their keys, and their exact sum. */
export interface Report {
  readonly options: ReportOptions;
  readonly rows: readonly ReportRow[];
  readonly total: Figures;
}

const NOTHING: Figures = { events: 0n, failed: 0n, cacheHits: 0n, units: 0n, amount: ZERO, unpricedUnits: 0n };

/** Adds up. All sums are of whole numbers and exact decimals: the total is what the rows add up to. */
export function createReport(options: ReportOptions, sums: Iterable<UsageSum>): Report {
  const rows = new Map<string, ReportRow>();
  for (const sum of sums) {
    const id = JSON.stringify(sum.key);
    const figures = add(rows.get(id) ?? NOTHING, priced(sum, options.prices));
    rows.set(id, { key: sum.key, ...figures });
  }
  const sorted = [...rows.values()].sort((a, b) => compareKeys(a.key, b.key));
  return { options, rows: sorted, total: sorted.reduce<Figures>(add, NOTHING) };
}

function priced({ project, chain, events, failed, cacheHits, units }: UsageSum, prices: Prices | undefined): Figures {
  const perUnit = prices && priceOf(prices, project, chain);
  const amount = perUnit === undefined ? ZERO : times(perUnit, units);
  return { events, failed, cacheHits, units, amount, unpricedUnits: prices && !perUnit ? units : 0n };
}

function add(a: Figures, b: Figures): Figures {
  return {
    events: a.events + b.events,
    failed: a.failed + b.failed,
    cacheHits: a.cacheHits + b.cacheHits,
    units: a.units + b.units,
    amount: plus(a.amount, b.amount),
    unpricedUnits: a.unpricedUnits + b.unpricedUnits,
  };
}

function compareKeys(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((text, index) => text !== b[index]);
  return at < 0 ? 0 : a[at]! < b[at]! ? -1 : 1;
}

/** The hour, day or month of a time, in UTC. */
export function timeKey(dimension: "hour" | "day" | "month", unixMs: number): string {
  const iso = new Date(unixMs).toISOString();
  return dimension === "hour" ? `${iso.slice(0, 13)}:00Z` : iso.slice(0, dimension === "day" ? 10 : 7);
}
