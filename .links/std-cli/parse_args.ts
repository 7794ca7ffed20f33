import minimist from "npm:minimist@1.2.8";

/** The options of `parseArgs` that are used here. */
export interface ParseOptions {
  /** Arguments that take a text. */
  string?: readonly string[];
  /** Arguments that take no value. */
  boolean?: readonly string[];
  /** Arguments that may be repeated: the result is an array. */
  collect?: readonly string[];
  /** Called for each argument that is not named above; false keeps it out of the result. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The result of `parseArgs`: the arguments by name, and what was none in `_`. */
// deno-lint-ignore no-explicit-any -- the real package's type for options that are not literals
export type Args = { [name: string]: any; _: Array<string | number> };

/** Parses command-line arguments, the last value winning where one is repeated that is not collected. */
export function parseArgs(args: string[], options: ParseOptions = {}): Args {
  const { collect = [], unknown } = options;
  const parsed: Args = minimist(args, {
    string: [...options.string ?? []],
    boolean: [...options.boolean ?? []],
    ...(unknown && { unknown: (arg: string) => unknown(arg, keyOf(arg), valueOf(arg)) !== false }),
  });
  for (const [name, value] of Object.entries(parsed)) {
    if (name === "_") continue;
    if (collect.includes(name)) parsed[name] = [value].flat();
    else if (Array.isArray(value)) parsed[name] = value.at(-1);
  }
  for (const name of collect) parsed[name] ??= [];
  return parsed;
}

function keyOf(arg: string): string | undefined {
  return /^--?([^=]+)/.exec(arg)?.[1];
}

function valueOf(arg: string): string | undefined {
  return /=([^]*)$/.exec(arg)?.[1];
}
