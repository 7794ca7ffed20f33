import { parseArgs } from "@std/cli/parse-args";
import type { FlagTable } from "./flags.ts";
import type { IgnoredFlag } from "./foreign_flags.ts";
import { unknownName } from "./mistake.ts";
import { type GivenFlags, type ResolvedFlags, resolveFlags } from "./resolve_flags.ts";

/** A command line, taken apart. */
export type CommandLine =
  | { readonly kind: "help" }
  | {
    readonly kind: "arguments";
    readonly given: readonly GivenFlags[];
    readonly positionals: readonly string[];
    readonly mistakes: readonly string[];
    /** Flags of the ecosystem's router that do nothing here, a line each. */
    readonly warnings: readonly string[];
  };

/** A parsed command line. What could not be read has its default, and a mistake. */
export type ParsedFlags<Table extends FlagTable> =
  | { readonly kind: "help" }
  | { readonly kind: "flags"; readonly positionals: readonly string[] } & ResolvedFlags<Table>;

/** Parses the arguments after a command's name; `others` are the places that are asked after them, the first one first. */
export function parseFlags<Table extends FlagTable>(
  args: readonly string[],
  table: Table,
  others: readonly (readonly GivenFlags[])[] = [],
): ParsedFlags<Table> {
  const line = readCommandLine(args, table);
  if (line.kind === "help") return line;
  const resolved = resolveFlags(table, [line.given, ...others]);
  return {
    kind: "flags",
    positionals: line.positionals,
    ...resolved,
    mistakes: [...line.mistakes, ...resolved.mistakes],
  };
}

/**
 * Takes the arguments after a command's name apart: `--name value`, `--name=value`, `--switch`, and all the rest. Flags
 * of the ecosystem's router are known where `foreign` is given.
 */
export function readCommandLine(args: readonly string[], table: FlagTable, foreign: ForeignFlags = NONE): CommandLine {
  const names = Object.keys(table);
  /** Every flag as `--name=value`, which leaves nothing to be guessed. */
  const plain: string[] = [];
  const mistakes: string[] = [];
  const warnings: string[] = [];
  const give = (name: string, text: string) => plain.push(`--${name}=${text}`);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") {
      plain.push(...args.slice(i));
      break;
    }
    if (arg === "--help" || arg === "-h") return { kind: "help" };
    if (!/^-./s.test(arg)) {
      plain.push(arg);
      continue;
    }
    const [, written = "", value] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const name = ownOf(foreign.otherNames, written) ?? written;
    const flag = ownOf(table, name);
    const ignored = flag === undefined ? ownOf(foreign.ignored, name) : undefined;
    const next = args[i + 1];
    const isNextValue = next !== undefined && !/^-[^\d]/.test(next);
    if (ignored !== undefined) {
      warnings.push(`--${name} does nothing: ${ignored.reason}`);
      if (ignored.takesValue && value === undefined && isNextValue) i++;
    } else if (flag === undefined) {
      mistakes.push(unknownName("flag", arg.split("=")[0]!, names.map((each) => `--${each}`)));
    } else if (value !== undefined) {
      give(name, value);
    } else if (flag.kind === "switch") {
      // Neither word is a file or an address: whoever writes it means the switch.
      const isValue = next === "true" || next === "false";
      give(name, isValue ? next : "true");
      if (isValue) i++;
    } else if (isNextValue) {
      give(name, next);
      i++;
    } else {
      mistakes.push(`--${name}: needs ${flag.allowed} behind it`);
    }
  }
  const parsed = parseArgs(plain, { string: [...names, "_"], collect: names });
  const given = names.map((name): GivenFlags => ({
    name,
    texts: parsed[name] as string[],
    label: `--${name}`,
    source: { kind: "flag", name },
  }));
  return {
    kind: "arguments",
    given: given.filter(({ texts }) => texts.length > 0),
    positionals: parsed._.map(String),
    mistakes,
    warnings,
  };
}

/** Flags of the ecosystem's router: other names for flags of the table, and those that do nothing. */
export interface ForeignFlags {
  readonly otherNames: Readonly<Record<string, string>>;
  readonly ignored: Readonly<Record<string, IgnoredFlag>>;
}

const NONE: ForeignFlags = { otherNames: {}, ignored: {} };

function ownOf<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
