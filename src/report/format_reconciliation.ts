import { countOf, type NumberRange } from "../store/number_ranges.ts";
import { visible } from "./format.ts";
import type { RelayLedger } from "./ledger_lines.ts";
import type { BootResult, Reconciliation } from "./reconcile.ts";

/** Ranges that are listed for a boot; all of them are in the JSON. */
const MAX_RANGES = 20;

/** A reconciliation for people to read. */
export function formatReconciliation(result: Reconciliation): string {
  const lines = result.boots.flatMap(describeBoot);
  const verdict = result.isAccountedFor
    ? result.missing === 0
      ? "complete: every event has arrived"
      : `accounted for: ${result.missing} events have not arrived, and the ledgers own up to them`
    : "NOT ACCOUNTED FOR";
  return `${[...lines, verdict, ...result.problems.map((problem) => `  ${problem}`)].join("\n")}\n`;
}

/** A reconciliation for programs to read. */
export function reconciliationJson(result: Reconciliation): string {
  return `${
    JSON.stringify({
      accounted_for: result.isAccountedFor,
      missing: result.missing,
      owned_up: result.ownedUp,
      problems: result.problems,
      boots: result.boots.map((
        { boot, ledger, numbered, arrived, removed, duplicates, missing, unknown, problems },
      ) => ({
        boot,
        ledger: ledger ?? null,
        numbered,
        arrived,
        removed,
        duplicates,
        missing,
        unknown,
        problems,
      })),
    })
  }\n`;
}

function describeBoot(
  { boot, ledger, numbered, arrived, removed, duplicates, missing, unknown, problems }: BootResult,
) {
  const facts = [`numbered ${numbered}`, `arrived ${arrived}`];
  if (removed > 0) facts.push(`removed by retention ${removed}`);
  if (duplicates > 0) facts.push(`duplicates ${duplicates}`);
  facts.push(`missing ${countOf(missing)}`);
  const lines = [visible(boot), `  ${facts.join(", ")}`];
  if (ledger !== undefined) lines.push(`  ${ledger.isFinal ? "ledger" : "snapshot"}: ${describeLedger(ledger)}`);
  if (missing.length > 0) lines.push(`  missing: ${describeRanges(missing)}`);
  if (unknown.length > 0) lines.push(`  unknown: ${describeRanges(unknown)}`);
  return [...lines, ...problems.map((problem) => `  ${problem}`), ""];
}

function describeLedger({ isFinal, exported, adopted, dropped, lost, spooled }: RelayLedger): string {
  const facts = [`exported ${exported}`];
  if (adopted > 0) facts.push(`taken over from other boots ${adopted}`);
  for (const [reason, count] of Object.entries(dropped)) facts.push(`dropped as ${visible(reason)} ${count}`);
  if (lost > 0) facts.push(`in memory ${isFinal ? "at the end" : "then"} ${lost}`);
  if (spooled > 0) facts.push(`on disk ${isFinal ? "at the end" : "then"} ${spooled}`);
  return facts.join(", ");
}

function describeRanges(ranges: readonly NumberRange[]): string {
  const shown = ranges.slice(0, MAX_RANGES).map(({ first, last }) => first === last ? `${first}` : `${first}-${last}`);
  const more = ranges.length - shown.length;
  return shown.join(", ") + (more > 0 ? `, and ${more} more ranges` : "");
}
