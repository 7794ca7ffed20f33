import { closest, distance } from "fastest-levenshtein";

/** Something that a configuration says and can't mean. */
export interface Mistake {
  /** Members and positions that lead to the value, in the configuration's own spelling. */
  readonly path: readonly (string | number)[];
  /** What is wrong, and what is allowed. Holds no URL and no secret. */
  readonly message: string;
  /** Line of the file, where there is one. */
  readonly line?: number;
}

/**
 * Thrown where a configuration can't be used; holds every mistake, not the first one.
 *
 * @example What is wrong with a configuration
 * ```ts
 * import { ConfigError, createRelay } from "@relaymeter/relay";
 *
 * try {
 *   createRelay({ chainId: "ETH9", providers: [] });
 *   throw new Error("it was taken");
 * } catch (error) {
 *   if (!(error instanceof ConfigError)) throw error;
 *   const paths = error.mistakes.map(({ path }) => path.join(".")).sort();
 *   if (paths.join() !== "chainId,providers") throw new Error(`both are told: ${paths}`);
 * }
 * ```
 */
export class ConfigError extends Error {
  /** Every mistake. */
  readonly mistakes: readonly Mistake[];

  /** The message lists all of them, a line each. */
  constructor(mistakes: readonly Mistake[]) {
    super(["configuration can't be used:", ...mistakes.map(describeMistake)].join("\n  "));
    this.name = "ConfigError";
    this.mistakes = mistakes;
  }
}

/** One line: where, and what is wrong. */
export function describeMistake({ path, message, line }: Mistake): string {
  const at = [line === undefined ? "" : `line ${line}`, pathText(path)].filter(Boolean).join(", ");
  return at === "" ? message : `${at}: ${message}`;
}

/** `static-providers[0].node-urls[1].url` */
export function pathText(path: Mistake["path"]): string {
  return path.map((part, index) => typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`).join("");
}

/** Most known names that a message lists. */
const MAX_LISTED = 12;

/**
 * Says that a name is unknown, and which known ones it is the beginning of, or which one is nearest; which ones there are
 * when none is near, or what lists them when there are many.
 */
export function unknownName(what: string, name: string, known: readonly string[], list = "--help"): string {
  const folded = name.toLowerCase();
  const nearest = closest(folded, known.map((other) => other.toLowerCase()));
  const isNear = known.length > 0 && distance(folded, nearest) <= Math.max(2, nearest.length / 3);
  const longer = known.filter((other) => other.toLowerCase().startsWith(`${folded}-`));
  const hint = longer.length > 0 && longer.length <= MAX_LISTED
    ? `did you mean ${longer.join(", or ")}?`
    : isNear
    ? `did you mean ${known.find((other) => other.toLowerCase() === nearest)}?`
    : known.length === 0
    ? "there is none"
    : known.length > MAX_LISTED
    ? `${list} lists them`
    : `known: ${known.join(", ")}`;
  return `unknown ${what} "${name}"; ${hint}`;
}
