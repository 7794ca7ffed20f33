import { systemClock } from "../domain/clock.ts";
import { formatReport } from "../report/format.ts";
import { type Prices, readPrices } from "../report/prices.ts";
import { createReport, type Dimension, DIMENSIONS, type ReportOptions, type UsageSum } from "../report/report.ts";
import { sumFiles } from "../report/report_files.ts";
import { removedUntil, sumStore } from "../report/report_store.ts";
import { describe } from "../store/open_store.ts";
import type { ExitCode } from "./exit_code.ts";
import { Progress } from "./progress.ts";
import { readTime } from "./read_time.ts";
import { readNamedFile } from "./read_named_file.ts";
import { refuse } from "./refuse.ts";
import { printError, write } from "./terminal.ts";
import { openSource, type UsageSource } from "./usage_source.ts";
import type { UsageReportFlags } from "./usage_report_flags.ts";

const HELP = "relaymeter usage report --help";

/** Prints what was used. Ends with 1 when something of it could not be read: the figures are then too small. */
export async function usageReport(
  flags: UsageReportFlags,
  positionals: readonly string[],
  flagMistakes: readonly string[],
): Promise<ExitCode> {
  const mistakes = [...flagMistakes];
  const options = readOptions(flags, mistakes);
  const source = await openSource(positionals);
  if (source.kind === "failure") mistakes.push(source.message);
  if (mistakes.length > 0 || source.kind === "failure") {
    if (source.kind === "store") source.file[Symbol.dispose]();
    return refuse(mistakes, HELP);
  }
  const { sums, isComplete } = source.kind === "store" ? readStore(source, options) : await readFiles(source, options);
  const report = createReport(options, sums);
  write(Deno.stdout, formatReport(report, flags.format));
  if (report.total.events === 0n) printError("note: there are no events in this period");
  if (report.total.unpricedUnits > 0n) {
    printError(`note: ${report.total.unpricedUnits} units have no price, and are in no amount`);
  }
  return isComplete ? 0 : 1;
}

interface Read {
  readonly sums: readonly UsageSum[];
  readonly isComplete: boolean;
}

function readStore({ file, path }: Extract<UsageSource, { kind: "store" }>, options: ReportOptions): Read {
  using _file = file;
  using progress = new Progress();
  try {
    const sums = [...sumStore(file.db, options, (share) => progress.update(share))];
    const removedMs = removedUntil(file.db);
    if (removedMs !== undefined && removedMs >= options.fromUnixMs) {
      progress.note(`note: events up to ${new Date(removedMs).toISOString()} have been removed, as retention says`);
    }
    return { sums, isComplete: true };
  } catch (error) {
    throw new Error(describe(error, path));
  }
}

async function readFiles(source: Extract<UsageSource, { kind: "files" }>, options: ReportOptions): Promise<Read> {
  using progress = new Progress();
  let readBytes = 0;
  const result = await sumFiles(source.files, options, (count) => {
    readBytes += count;
    progress.update(readBytes / source.bytes);
  });
  const { sums, duplicates, withoutId, unreadable, firstUnreadable } = result;
  if (duplicates > 0) progress.note(`note: ${duplicates} events came more than once; each is counted once`);
  if (withoutId > 0) {
    progress.note(`note: ${withoutId} events have no event_id, so that duplicates of them can't be told`);
  }
  if (firstUnreadable !== undefined) {
    const { path, line, reason } = firstUnreadable;
    progress.note(
      `warning: ${unreadable} events or lines were left out; the first is ${path}:${line}, which ${reason}`,
    );
  }
  return { sums, isComplete: unreadable === 0 };
}

function readOptions(flags: UsageReportFlags, mistakes: string[]): ReportOptions {
  const nowUnixMs = systemClock.now();
  const time = (name: "from" | "to", otherwise: number) => {
    if (flags[name] === "") return otherwise;
    const unixMs = readTime(flags[name], nowUnixMs);
    if (unixMs === undefined) {
      mistakes.push(
        `--${name}: "${
          flags[name]
        }" is not a day such as 2026-11-24, a moment such as 2026-11-24T12:00:00Z, or a duration ago such as 24h`,
      );
    }
    return unixMs ?? otherwise;
  };
  const [fromUnixMs, toUnixMs] = [time("from", 0), time("to", Infinity)];
  if (fromUnixMs >= toUnixMs) mistakes.push("--from has to be before --to");
  const by: Dimension[] = [];
  for (const name of (flags.by || "project").split(",").map((part) => part.trim())) {
    const dimension = DIMENSIONS.find((known) => known === name);
    if (dimension === undefined) mistakes.push(`--by: "${name}" is not one of ${DIMENSIONS.join(", ")}`);
    else if (by.includes(dimension)) mistakes.push(`--by: ${name} stands twice`);
    else by.push(dimension);
  }
  const prices = flags.prices === "" ? undefined : readPriceFile(flags.prices, mistakes);
  return {
    fromUnixMs,
    toUnixMs,
    by,
    successesOnly: flags["successes-only"],
    excludeCacheHits: flags["exclude-cache-hits"],
    prices,
  };
}

function readPriceFile(path: string, mistakes: string[]): Prices | undefined {
  const text = readNamedFile("--prices", path, mistakes);
  if (text === undefined) return undefined;
  const read = readPrices(text);
  if (read.kind === "prices") return read.prices;
  mistakes.push(...read.mistakes.map((mistake) => `--prices: ${path}: ${mistake}`));
  return undefined;
}
