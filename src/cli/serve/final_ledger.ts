import type { UsageSink, UsageStats } from "../../usage/usage_sink.ts";

/** The ledger of a sink as flat fields of a log line: `relay_usage_accepted` and so on. */
export function ledgerFields(usage: UsageSink): Record<string, string | number> {
  return { ...countsOf(usage.stats()), ...numberingFields(usage) };
}

/** Events that are lost when the process ends now: those that are in memory alone. */
export function eventsAtRisk({ relay_usage: relays, optimizer_qos: scores }: UsageStats, isSpooled: boolean): number {
  // What is on its way to the collector is still on disk, where there is a spool.
  return relays.queued + (isSpooled ? 0 : relays.inFlight) + scores.queued + scores.inFlight;
}

/** What `usage reconcile` holds the ledger against what has arrived by. */
function numberingFields(usage: UsageSink): Record<string, string | number> {
  const numbering = usage.numbering?.();
  return numbering === undefined ? {} : { usage_boot: numbering.boot, usage_last_number: numbering.last };
}

function countsOf(stats: UsageStats): Record<string, number> {
  const fields: Record<string, number> = {};
  for (const [kind, counts] of Object.entries(stats)) {
    fields[`${kind}_accepted`] = counts.accepted;
    fields[`${kind}_exported`] = counts.exported;
    for (const [reason, count] of Object.entries(counts.dropped)) fields[`${kind}_dropped_${reason}`] = count;
    fields[`${kind}_queued`] = counts.queued;
    fields[`${kind}_in_flight`] = counts.inFlight;
    fields[`${kind}_spooled`] = counts.spooled;
  }
  return fields;
}
