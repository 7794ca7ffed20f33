import { countOf, gapsOf, joinRanges, type NumberRange } from "../store/number_ranges.ts";
import type { RelayLedger } from "./ledger_lines.ts";

/** What has arrived of one boot. */
export interface Arrival {
  readonly boot: string;
  /** The numbers that are there, in order and apart. */
  readonly arrived: readonly NumberRange[];
  /** The numbers that were there until retention removed them. */
  readonly removed: readonly NumberRange[];
  /** Arrivals of what was there already. */
  readonly duplicates: number;
}

/** Everything that has arrived. */
export interface Arrivals {
  readonly boots: readonly Arrival[];
  /** Events without an id, which can be held against nothing. */
  readonly withoutId: number;
  /** Lines that could not be read. */
  readonly unreadable: number;
}

/** One boot: what the relay said, what arrived, and whether the two agree. */
export interface BootResult {
  readonly boot: string;
  readonly ledger: RelayLedger | undefined;
  /** Events that it numbered, as its ledger says, or else the last that has arrived. */
  readonly numbered: number;
  readonly arrived: number;
  readonly removed: number;
  readonly duplicates: number;
  readonly missing: readonly NumberRange[];
  /** Numbers beyond the last one that the relay says it has given. */
  readonly unknown: readonly NumberRange[];
  readonly problems: readonly string[];
}

/** All boots, and whether every event is accounted for. */
export interface Reconciliation {
  readonly boots: readonly BootResult[];
  readonly missing: number;
  /** Losses that the relays have owned up to: drops, what was in memory at the end, what still waits on disk. */
  readonly ownedUp: number;
  readonly problems: readonly string[];
  readonly isAccountedFor: boolean;
}

/**
 * Holds what relays said against what has arrived. Every number of a boot has to be there, or to have been removed by
 * retention, or to be among the losses that the ledgers own up to.
 */
export function reconcile({ boots, withoutId, unreadable }: Arrivals, ledgers: readonly RelayLedger[]): Reconciliation {
  const problems: string[] = [];
  const ledgerOf = new Map(ledgers.map((ledger) => [ledger.boot, ledger]));
  const arrivalOf = new Map(boots.map((arrival) => [arrival.boot, arrival]));
  const names = [...new Set([...ledgerOf.keys(), ...arrivalOf.keys()])].sort();
  const results = names.map((boot) => reconcileBoot(boot, arrivalOf.get(boot), ledgerOf.get(boot)));

  const missing = results.reduce((sum, result) => sum + countOf(result.missing), 0);
  const total = (read: (ledger: RelayLedger) => number) =>
    [...ledgerOf.values()].reduce((sum, ledger) => sum + read(ledger), 0);
  // What one process left on disk another one may have taken over, and then it is in that one's ledger.
  const stillSpooled = Math.max(0, total(({ spooled }) => spooled) - total(({ adopted }) => adopted));
  const ownedUp = stillSpooled + total(({ dropped, lost }) => {
    return lost + Object.values(dropped).reduce((sum, count) => sum + count, 0);
  });
  if (missing > ownedUp) problems.push(`${missing - ownedUp} events are missing, and no ledger owns up to them`);
  if (withoutId > 0) problems.push(`${withoutId} events have no event_id; run the relays with --usage-otel-extended`);
  if (unreadable > 0) problems.push(`${unreadable} events or lines can't be read`);
  if (names.length === 0) problems.push("there is nothing to compare: no events with ids, and no ledger");
  return {
    boots: results,
    missing,
    ownedUp,
    problems,
    isAccountedFor: problems.length === 0 && results.every((result) => result.problems.length === 0),
  };
}

function reconcileBoot(boot: string, arrival: Arrival | undefined, ledger: RelayLedger | undefined): BootResult {
  const { arrived = [], removed = [], duplicates = 0 } = arrival ?? {};
  const known = joinRanges([...arrived, ...removed]);
  const last = known.at(-1)?.last ?? 0;
  const numbered = ledger?.last ?? last;
  // A relay that goes on has numbered more since.
  const isOpen = ledger !== undefined && !ledger.isFinal;
  const unknown = (isOpen ? [] : known).filter((range) => range.last > numbered)
    .map(({ first, last }) => ({ first: Math.max(first, numbered + 1), last }));
  const problems: string[] = [];
  if (ledger === undefined) problems.push("has no ledger: how many events it had is not known");
  else if (!ledger.isBalanced) problems.push("has a ledger whose sums do not agree");
  if (unknown.length > 0) problems.push("has events beyond the last number of its ledger");
  return {
    boot,
    ledger,
    numbered,
    arrived: countOf(arrived),
    removed: countOf(joinRanges(removed)),
    duplicates,
    missing: gapsOf(known, numbered),
    unknown,
    problems,
  };
}
