import { assert, assertEquals } from "@std/assert";
import { DRAIN_TIMEOUT_MS, type SpooledSink } from "./spool_fakes.ts";
import { countsOf } from "./usage.ts";

/** Longest that a close may take, milliseconds: the drain, then the exporter, then the disk. */
const CLOSE_MS = DRAIN_TIMEOUT_MS + 5_000;

/** Closes a sink within the time that this may take, and looks for what it left; the final ledger, without zeros. */
export async function close({ usage, clock, violations, check }: SpooledSink): Promise<Record<string, number>> {
  let counts: Record<string, number> | undefined;
  usage.close().then(({ relay_usage }) => counts = countsOf(relay_usage));
  for (let ms = 0; ms < CLOSE_MS && counts === undefined; ms += 50) await clock.advance(50);
  assert(counts !== undefined, "close came to no end");
  check();
  assertEquals(violations, []);
  assertEquals(clock.pending, 0, "timers are left");
  return counts;
}
