import { closest, distance } from "fastest-levenshtein";
import type { FlagTable } from "./flags.ts";
import type { GivenFlags } from "./resolve_flags.ts";

/** What variables of the relay's own begin with. */
const PREFIX = "RELAYMETER_";

/** The environment of the process, as far as the relay may see it. */
export interface Environment {
  /** The value of a variable; undefined when it is not set. */
  get(name: string): string | undefined;
  /** Names of the variables that are set. */
  names(): readonly string[];
}

/** The variable that stands for a flag: `RELAYMETER_LOG_LEVEL` for `log-level`. */
export function variableOf(flag: string): string {
  return PREFIX + flag.toUpperCase().replaceAll("-", "_");
}

/**
 * The flags that variables give. An empty variable is as good as none, so that a script can pass on what it may not
 * have; flags that can be repeated take several values, separated by commas, or by line breaks where a value has commas.
 */
export function flagsOfEnvironment(table: FlagTable, environment: Environment): GivenFlags[] {
  return Object.entries(table).flatMap(([name, flag]) => {
    const variable = variableOf(name);
    const text = environment.get(variable)?.trim();
    if (!text) return [];
    const texts = flag.kind === "list" ? partsOf(text) : [text];
    return [{ name, texts, label: variable, source: { kind: "environment", variable } }];
  });
}

/** A line for each variable of the relay's prefix that stands for none of these flags. */
export function unknownVariables(flags: readonly string[], environment: Environment): string[] {
  const known = flags.map(variableOf);
  const unknown = environment.names().filter((name) => name.startsWith(PREFIX) && !known.includes(name));
  return unknown.sort().map((name) => {
    const nearest = closest(name, known);
    const isNear = distance(name, nearest) <= Math.max(2, (nearest.length - PREFIX.length) / 3);
    return `the environment variable ${name} is not known and not used${isNear ? `; did you mean ${nearest}?` : ""}`;
  });
}

function partsOf(text: string): string[] {
  return text.split(text.includes("\n") ? "\n" : ",").map((part) => part.trim()).filter((part) => part !== "");
}
