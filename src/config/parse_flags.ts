import type { FlagTable } from "./flags.ts";
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

/** Takes the arguments after a command's name apart: `--name value`, `--name=value`, `--switch`, and all the rest. */
export function readCommandLine(args: readonly string[], table: FlagTable): CommandLine {
  const known = Object.keys(table).map((name) => `--${name}`);
  const given = new Map<string, string[]>();
  const positionals: string[] = [];
  const mistakes: string[] = [];
  const give = (name: string, text: string) => given.set(name, [...given.get(name) ?? [], text]);
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") {
      positionals.push(...args.slice(i + 1));
      break;
    }
    if (arg === "--help" || arg === "-h") return { kind: "help" };
    if (!/^-./s.test(arg)) {
      positionals.push(arg);
      continue;
    }
    const [, name = "", value] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const flag = Object.hasOwn(table, name) ? table[name] : undefined;
    if (flag === undefined) {
      mistakes.push(unknownName("flag", arg.split("=")[0]!, known));
    } else if (flag.kind === "switch" || value !== undefined) {
      give(name, value ?? "true");
    } else {
      const next = args[i + 1];
      if (next === undefined || /^-[^\d]/.test(next)) {
        mistakes.push(`--${name}: needs ${flag.allowed} behind it`);
      } else {
        give(name, next);
        i++;
      }
    }
  }
  return {
    kind: "arguments",
    given: [...given].map(([name, texts]) => ({ name, texts, label: `--${name}`, source: { kind: "flag", name } })),
    positionals,
    mistakes,
  };
}
