import type { FlagTable, FlagValues } from "./flags.ts";
import type { Source } from "./source.ts";

/** What one place says of one flag. */
export interface GivenFlags {
  readonly name: string;
  /** The values as they were written, in their order. */
  readonly texts: readonly string[];
  /** What a mistake in them is called by, such as `--log-level`. */
  readonly label: string;
  readonly source: Source;
  /** Whether the values are not to be shown, whatever the flag. */
  readonly isSecret?: boolean;
}

/** The values of a table's flags, and where each comes from. What could not be read has its default, and a mistake. */
export interface ResolvedFlags<Table extends FlagTable> {
  readonly values: FlagValues<Table>;
  readonly sources: { readonly [Name in keyof Table]: Source };
  /** The values as they were written, of the flags that are given. */
  readonly texts: { readonly [Name in keyof Table]?: readonly string[] };
  readonly mistakes: readonly string[];
  /** A line for each place that another one takes precedence over. */
  readonly overridden: readonly string[];
}

/** Resolves what several places say: the first that says something of a flag counts, and all of them have to be right. */
export function resolveFlags<Table extends FlagTable>(
  table: Table,
  places: readonly (readonly GivenFlags[])[],
): ResolvedFlags<Table> {
  const values: Record<string, unknown> = {};
  const sources: Record<string, Source> = {};
  const written: Record<string, readonly string[]> = {};
  const mistakes: string[] = [];
  const overridden: string[] = [];
  const given = Map.groupBy(places.flat(), ({ name }) => name);
  for (const [name, flag] of Object.entries(table)) {
    values[name] = flag.initial;
    sources[name] = { kind: "default" };
    const candidates = given.get(name) ?? [];
    for (const [index, { texts, label, source, isSecret = flag.isSecret }] of candidates.entries()) {
      const read = texts.map((text) => flag.parse(text));
      const bad = read.indexOf(undefined);
      if (bad >= 0) {
        mistakes.push(`${label}: ${isSecret ? "the value" : `"${texts[bad]}"`} is not ${flag.allowed}`);
      } else if (index === 0) {
        values[name] = flag.kind === "list" ? read.flat() : read.at(-1);
        sources[name] = source;
        written[name] = flag.kind === "list" ? texts : texts.slice(-1);
      }
      if (index > 0) overridden.push(`${label} is not used: ${candidates[0]!.label} takes precedence`);
    }
  }
  return {
    values: values as FlagValues<Table>,
    sources: sources as ResolvedFlags<Table>["sources"],
    texts: written as ResolvedFlags<Table>["texts"],
    mistakes,
    overridden,
  };
}
