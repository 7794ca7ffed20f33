import { parseArgs } from "@std/cli/parse-args";
import type { FlagTable, FlagValues } from "./flags.ts";
import { unknownName } from "./mistake.ts";

/** A parsed command line. Help was asked for, or every mistake was found, or the values are all good. */
export type ParsedFlags<Table extends FlagTable> =
  | { readonly kind: "help" }
  | { readonly kind: "mistakes"; readonly mistakes: readonly string[] }
  | { readonly kind: "flags"; readonly values: FlagValues<Table>; readonly positionals: readonly string[] };

/** Parses the arguments after a command's name. */
export function parseFlags<Table extends FlagTable>(args: readonly string[], table: Table): ParsedFlags<Table> {
  const names = Object.keys(table);
  const ofKind = (kind: string) => names.filter((name) => table[name]!.kind === kind);
  const mistakes: string[] = [];
  const parsed = parseArgs(withoutSwitchValues(args, table, mistakes), {
    boolean: [...ofKind("switch"), "help"],
    string: [...ofKind("single"), ...ofKind("list"), "_"],
    collect: ofKind("list"),
    unknown(arg, key) {
      if (!arg.startsWith("-") || arg === "-") return true;
      mistakes.push(unknownName("flag", `--${key ?? arg.slice(1)}`, names.map((name) => `--${name}`)));
      return false;
    },
  });
  if (parsed["help"]) return { kind: "help" };

  const values: Record<string, unknown> = {};
  for (const name of names) {
    const flag = table[name]!;
    const isGiven = args.some((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
    if (!isGiven) {
      values[name] = flag.initial;
    } else if (flag.kind === "switch") {
      values[name] = parsed[name];
    } else {
      const given: string[] = [parsed[name]].flat();
      const read = given.map((text) => flag.parse(text));
      values[name] = flag.kind === "list" ? read.flat() : read[0];
      given.forEach((text, index) => {
        if (read[index] === undefined) mistakes.push(`--${name}: "${text}" is not ${flag.allowed}`);
      });
    }
  }
  if (mistakes.length > 0) return { kind: "mistakes", mistakes };
  return { kind: "flags", values: values as FlagValues<Table>, positionals: parsed._.map(String) };
}

/** `--switch=true` and `--switch=false` in the form that takes no value; any other value is a mistake. */
function withoutSwitchValues(args: readonly string[], table: FlagTable, mistakes: string[]): string[] {
  return args.map((arg) => {
    const [, name, text] = /^--([^=]+)=(.*)$/s.exec(arg) ?? [];
    const flag = name === undefined ? undefined : table[name];
    if (flag?.kind !== "switch") return arg;
    const value = flag.parse(text!);
    if (value === undefined) mistakes.push(`--${name}: "${text}" is not ${flag.allowed}`);
    return value === true ? `--${name}` : `--${name}=false`;
  });
}
