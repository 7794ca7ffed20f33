import { assert, assertEquals } from "@std/assert";
import type { Collector } from "./collector.ts";
import type { LogLine } from "./relay_process.ts";

/** Counts by name. */
export type Counts = Readonly<Record<string, number>>;

/** Counts how often each text is there. */
export function tally(texts: Iterable<string>): Counts {
  const counts: Record<string, number> = {};
  for (const text of texts) counts[text] = (counts[text] ?? 0) + 1;
  return counts;
}

/** The counts of `relay_usage` in a relay's final log line that are not 0, drops by their reason. */
export function finalLedger(log: readonly LogLine[]): Counts {
  const line = log.find(({ message }) => message === "stopped; final ledger");
  assert(line !== undefined, `no final ledger: ${JSON.stringify(log.slice(-3))}`);
  const fields = Object.entries(line).filter(([name, value]) => name.startsWith("relay_usage_") && value !== 0);
  return Object.fromEntries(fields.map(([name, value]) => [name.slice("relay_usage_".length), Number(value)]));
}

/** Events that the collector has, each counted once however often it came, by project. */
export function deliveredOnce({ records }: Collector): Counts {
  const projectOf = new Map<string, string>();
  for (const { attributes: { event_id, project } } of records) {
    projectOf.set(String(event_id![1]), String(project![1]));
  }
  return tally(projectOf.values());
}

/**
 * Holds the bill against what was done, by project: no event is there that was not earned, none is missing that the
 * ledger does not own up to, and the numbers of the events have as many holes as it says.
 */
export function checkBill(collector: Collector, done: Counts, ledger: Counts): void {
  assertEquals(collector.problems, []);
  const { accepted = 0, exported = 0, ...rest } = ledger;
  const dropped = Object.entries(rest).filter(([name]) => name.startsWith("dropped_"));
  assertEquals(Object.keys(rest).length, dropped.length, `nothing is held at the end: ${JSON.stringify(ledger)}`);
  const lost = dropped.reduce((sum, [, count]) => sum + count, 0);
  assertEquals(accepted, sumOf(done), "every relay has an event");
  assertEquals(exported + lost, accepted, "the ledger's equation");

  const delivered = deliveredOnce(collector);
  assertEquals(sumOf(delivered), exported, "what the ledger calls exported is what the collector has");
  assertEquals(Object.keys(delivered).filter((project) => !(project in done)), [], "projects that never called");
  const missing = Object.entries(done).map(([project, count]) => count - (delivered[project] ?? 0));
  assert(missing.every((count) => count >= 0), `more events than relays: ${missing}`);
  assertEquals(missing.reduce((sum, count) => sum + count, 0), lost, "what is missing is what was dropped");

  const ids = collector.records.map(({ attributes }) => String(attributes["event_id"]![1]).split("/"));
  assertEquals(new Set(ids.map((parts) => parts.slice(0, -1).join("/"))).size, exported > 0 ? 1 : 0, "one boot");
  const numbers = new Set(ids.map((parts) => Number(parts.at(-1))));
  for (const number of numbers) assert(number >= 1 && number <= accepted, `number ${number} of ${accepted}`);
  assertEquals(accepted - numbers.size, lost, "a hole for each loss");
}

function sumOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
