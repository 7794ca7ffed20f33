import { choice, duration, type Flag, integer, optionalAddress, text, texts } from "../config/flag_types.ts";
import type { FlagValues } from "../config/flags.ts";

/** The flags of the collector, in the order in which the help shows them. */
export const COLLECTOR_FLAGS = {
  "listen": text("HOST:PORT", "where to listen for POST /v1/logs; empty: 127.0.0.1:4318"),
  "ui": optionalAddress("where to serve the usage page, such as 127.0.0.1:7780"),
  "ui-host": texts("NAME", "a name under which the page is asked for, beside localhost; repeat it for more"),
  "log-level": choice(["debug", "info", "warn", "error"], "info", "what is logged"),
  "max-age": duration("2160h", 1_000, "87600h", "how long relay_usage events are kept"),
  "max-qos-age": duration("168h", 1_000, "87600h", "how long optimizer_qos events are kept"),
  "max-bytes": integer(
    10_737_418_240,
    1_048_576,
    1_099_511_627_776,
    "most bytes of events in the file; beyond, the oldest go",
  ),
  "max-request-body-bytes": integer(16_777_216, 1_024, 268_435_456, "largest request, without its compression"),
  "request-body-timeout": duration("10s", 1, "10m", "time for a request's body to arrive"),
  "shutdown-grace": duration("10s", 0, "1h", "how long requests under way may take to end after SIGTERM"),
} as const satisfies Record<string, Flag<unknown>>;

/** The values of the collector's flags. */
export type CollectorFlags = FlagValues<typeof COLLECTOR_FLAGS>;
