import { choice, type Flag, text, toggle } from "../config/flag_types.ts";
import type { FlagValues } from "../config/flags.ts";
import { DIMENSIONS } from "../report/report.ts";
import { REPORT_FORMATS } from "../report/format.ts";

const TIME = "2026-11-24, 2026-11-24T12:00:00Z, or 24h for that long ago";

/** The flags of `usage report`, in the order in which the help shows them. */
export const USAGE_REPORT_FLAGS = {
  "from": text("TIME", `the first moment that counts: ${TIME}; empty: the beginning`),
  "to": text("TIME", "the first moment that does not count any more; empty: the end"),
  "by": text("NAMES", `what the rows are for, with commas: ${DIMENSIONS.join(", ")}; empty: project`),
  "successes-only": toggle(false, "leave out calls that failed"),
  "exclude-cache-hits": toggle(false, "leave out answers from the cache"),
  "prices": text("FILE", "YAML or JSON with version, currency and prices; empty: no amounts"),
  "format": choice(REPORT_FORMATS, "table", "how the report is written"),
} as const satisfies Record<string, Flag<unknown>>;

/** The values of the flags of `usage report`. */
export type UsageReportFlags = FlagValues<typeof USAGE_REPORT_FLAGS>;
