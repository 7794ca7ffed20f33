import { configureSync, getJsonLinesFormatter, getLogger, type LogLevel } from "@logtape/logtape";
import type { Log, LogFields } from "../domain/log.ts";

/** How much is logged. */
export type LogLevelName = "debug" | "info" | "warn" | "error";

const LEVELS = { debug: "debug", info: "info", warn: "warning", error: "error" } as const satisfies Record<
  LogLevelName,
  LogLevel
>;

/** A log of JSON lines, from `level` up. `write` gets each line with its line break. */
export function createJsonLog(level: LogLevelName, write: (line: string) => void): Log {
  const format = getJsonLinesFormatter({ properties: "flatten" });
  configureSync({
    reset: true,
    sinks: { lines: (record) => write(format(record)) },
    loggers: [
      { category: "relaymeter", sinks: ["lines"], lowestLevel: LEVELS[level] },
      { category: ["logtape", "meta"], sinks: ["lines"], lowestLevel: "error" },
    ],
  });
  const logger = getLogger("relaymeter");
  return {
    debug: (message, fields = {}) => logger.debug(escape(message), fields),
    info: (message, fields = {}) => logger.info(escape(message), fields),
    warn: (message, fields = {}) => logger.warn(escape(message), fields),
    error: (message, fields = {}) => logger.error(escape(message), fields),
  };
}

/** A log whose lines all carry these fields as well. */
export function logWith(log: Log, own: LogFields): Log {
  return {
    debug: (message, fields) => log.debug(message, { ...own, ...fields }),
    info: (message, fields) => log.info(message, { ...own, ...fields }),
    warn: (message, fields) => log.warn(message, { ...own, ...fields }),
    error: (message, fields) => log.error(message, { ...own, ...fields }),
  };
}

/** Messages are texts and not templates: the library reads braces as places for fields. */
function escape(message: string): string {
  return message.replaceAll("{", "{{").replaceAll("}", "}}");
}
