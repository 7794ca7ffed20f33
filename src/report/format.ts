import { decimalText } from "./decimal.ts";
import type { Figures, Report } from "./report.ts";

/** How a report can be written. */
export const REPORT_FORMATS = ["table", "json", "csv"] as const;

/** One of {@linkcode REPORT_FORMATS}. */
export type ReportFormat = (typeof REPORT_FORMATS)[number];

/** A report as text, ending with a line break. */
export function formatReport(report: Report, format: ReportFormat): string {
  switch (format) {
    case "table":
      return formatTable(report);
    case "json":
      return formatJson(report);
    case "csv":
      return formatCsv(report);
  }
}

const FIGURE_NAMES = ["events", "failed", "cache_hits", "units"] as const;

function headerOf({ options: { by, prices } }: Report): string[] {
  return [...by, ...FIGURE_NAMES, ...(prices === undefined ? [] : [`amount ${prices.currency}`])];
}

function figureTexts({ events, failed, cacheHits, units, amount }: Figures, { options }: Report): string[] {
  const texts = [events, failed, cacheHits, units].map(String);
  return options.prices === undefined ? texts : [...texts, decimalText(amount)];
}

function formatTable(report: Report): string {
  const { by, prices } = report.options;
  const keys = by.length === 0 ? ["total"] : by.map((_, index) => index === 0 ? "total" : "");
  const header = by.length === 0 ? ["", ...headerOf(report)] : headerOf(report);
  const rows = report.rows.map((row) => [
    ...(by.length === 0 ? [""] : row.key.map(visible)),
    ...figureTexts(row, report),
  ]);
  const total = [...keys, ...figureTexts(report.total, report)];
  const lines = [header, ...(by.length === 0 ? [] : rows), total];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column]!))));
  const isText = (column: number) => column < Math.max(1, by.length);
  const write = (cells: readonly string[]) =>
    cells.map((cell, column) => {
      const padding = " ".repeat(widths[column]! - widthOf(cell));
      return isText(column) ? cell + padding : padding + cell;
    }).join("  ").trimEnd();
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  const body = by.length === 0 ? [write(total)] : [...rows.map(write), rule, write(total)];
  const note = prices === undefined ? [] : ["", `prices: version ${visible(prices.version)}`];
  return `${[write(header), rule, ...body, ...note].join("\n")}\n`;
}

/** Columns that a text takes; wide characters count as one, which is wrong by a little and never garbles a line. */
function widthOf(text: string): number {
  return [...text].length;
}

/** A text as a terminal may get it: what would steer it, or turn the direction of writing, is written out. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`);
}

function formatCsv(report: Report): string {
  const lines = [headerOf(report), ...report.rows.map((row) => [...row.key, ...figureTexts(row, report)])];
  return lines.map((line) => `${line.map(csvCell).join(",")}\r\n`).join("");
}

/** A cell that no spreadsheet takes for a formula, whatever a client called itself. */
function csvCell(text: string): string {
  const harmless = /^[=+\-@\t\r\n|%]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** Whole numbers are written in full, whatever their size; amounts are texts, since they are decimals. */
function formatJson(report: Report): string {
  const { by, fromUnixMs, toUnixMs, successesOnly, excludeCacheHits, prices } = report.options;
  const iso = (unixMs: number) => unixMs > 0 && Number.isFinite(unixMs) ? new Date(unixMs).toISOString() : null;
  const figures = (row: Figures) => ({
    events: row.events,
    failed: row.failed,
    cache_hits: row.cacheHits,
    units: row.units,
    ...(prices !== undefined && { amount: decimalText(row.amount), unpriced_units: row.unpricedUnits }),
  });
  return `${
    writeJson({
      from: iso(fromUnixMs),
      to: iso(toUnixMs),
      by,
      successes_only: successesOnly,
      exclude_cache_hits: excludeCacheHits,
      ...(prices !== undefined && { prices: { version: prices.version, currency: prices.currency } }),
      rows: report.rows.map((row) => ({
        ...Object.fromEntries(by.map((dimension, index) => [dimension, row.key[index]])),
        ...figures(row),
      })),
      total: figures(report.total),
    })
  }\n`;
}

function writeJson(value: unknown): string {
  if (typeof value === "bigint") return String(value);
  if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member)}`).join(",")}}`;
}
