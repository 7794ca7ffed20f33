/** Values that a log line may carry beside its message. Never a payload, a URL, a key. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** Structured log, as the relay sees it. The program decides where lines go; a library user may pass a console. */
export interface Log {
  /** What a developer wants to see. */
  debug(message: string, fields?: LogFields): void;
  /** What happened, in the ordinary course of things. */
  info(message: string, fields?: LogFields): void;
  /** What an operator should look at some day. */
  warn(message: string, fields?: LogFields): void;
  /** What an operator should look at now. */
  error(message: string, fields?: LogFields): void;
}

/**
 * Discards every line. The default of the module; the program logs to stderr.
 *
 * @example Warnings and errors only
 * ```ts
 * import { createRelay, type Log, silentLog } from "@relaymeter/relay";
 *
 * const log: Log = { ...silentLog, warn: console.warn, error: console.error };
 * await using _relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 *   log,
 * });
 * ```
 */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
};
