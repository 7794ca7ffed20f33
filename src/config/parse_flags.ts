import { parseArgs } from "@std/cli/parse-args";
import type { FlagTable, FlagValues } from "./flags.ts";
import { unknownName } from "./mistake.ts";

/** A parsed command line. What could not be read has its default, and a mistake. */
export type ParsedFlags<Table extends FlagTable> =
  | { readonly kind: "help" }
  | {
    readonly kind: "flags";
    readonly values: FlagValues<Table>;
    readonly positionals: readonly string[];
    readonly mistakes: readonly string[];
  };

/** Parses the arguments after a command's name. */
export function parseFlags<Table extends FlagTable>(args: readonly string[], table: Table): ParsedFlags<Table> {
  const names = Object.keys(table);
  const ofKind = (kind: string) => names.filter((name) => table[name]!.kind === kind);
  const mistakes: string[] = [];
  const normalized = normalize(args, table, mistakes);
  const parsed = parseArgs(normalized, {
    boolean: [...ofKind("switch"), "help"],
    string: [...ofKind("single"), ...ofKind("list"), "_"],
    collect: ofKind("list"),
  });
  if (parsed["help"]) return { kind: "help" };

  const values: Record<string, unknown> = {};
  for (const name of names) {
    const flag = table[name]!;
    values[name] = flag.initial;
    const isGiven = normalized.some((arg) => arg.startsWith(`--${name}=`));
    const given: readonly string[] = isGiven ? [parsed[name]].flat().map(String) : [];
    const read = given.map((text) => flag.parse(text));
    const bad = read.indexOf(undefined);
    if (bad >= 0) mistakes.push(`--${name}: "${given[bad]}" is not ${flag.allowed}`);
    else if (given.length > 0) values[name] = flag.kind === "list" ? read.flat() : read[0];
  }
  return { kind: "flags", values: values as FlagValues<Table>, positionals: parsed._.map(String), mistakes };
}

/**
 * Writes every flag that the table has as `--name=value`, which leaves nothing to be guessed, and takes out what it
 * does not have.
 */
function normalize(args: readonly string[], table: FlagTable, mistakes: string[]): string[] {
  const known = Object.keys(table).map((name) => `--${name}`);
  const normalized: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "--") return [...normalized, ...args.slice(i)];
    if (arg === "--help" || arg === "-h") {
      normalized.push("--help");
      continue;
    }
    if (!/^-./s.test(arg)) {
      normalized.push(arg);
      continue;
    }
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? [];
    const flag = name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
    if (flag === undefined) {
      mistakes.push(unknownName("flag", arg.split("=")[0]!, known));
    } else if (flag.kind === "switch" && flag.parse(value ?? "true") === undefined) {
      mistakes.push(`--${name}: "${value}" is not ${flag.allowed}`);
    } else if (flag.kind === "switch" || value !== undefined) {
      normalized.push(`--${name}=${value ?? "true"}`);
    } else {
      const next = args[i + 1];
      if (next === undefined || /^-[^\d]/.test(next)) {
        mistakes.push(`--${name}: needs ${flag.allowed} behind it`);
      } else {
        normalized.push(`--${name}=${next}`);
        i++;
      }
    }
  }
  return normalized;
}
