import * as v from "valibot";
import type { ConfigDocument } from "./config_document.ts";
import { type FlagTable, RELAY_FLAGS } from "./flags.ts";
import { IGNORED_FLAGS } from "./foreign_flags.ts";
import { describeMistake } from "./mistake.ts";
import type { GivenFlags } from "./resolve_flags.ts";

/** A line for each member that is a flag of the ecosystem's router and does nothing here. */
export function ignoredInFile({ content }: ConfigDocument, path: string): string[] {
  if (typeof content !== "object" || content === null) return [];
  return Object.entries(IGNORED_FLAGS).filter(([name]) => Object.hasOwn(content, name))
    .map(([name, { reason }]) => `${path}: ${name} does nothing: ${reason}`);
}

/**
 * The flags that a file sets by members with their names. Values of another type than the flag's are left out: the
 * check of the file's shape tells them.
 */
export function flagsOfFile(document: ConfigDocument, path: string): GivenFlags[] {
  const { content } = document;
  if (typeof content !== "object" || content === null) return [];
  const members = content as Readonly<Record<string, unknown>>;
  const table: FlagTable = RELAY_FLAGS;
  return Object.entries(table).flatMap(([name, { written }]) => {
    const value = Object.hasOwn(members, name) ? members[name] : undefined;
    if (name === "upstream" || value === undefined || !v.is(written, value)) return [];
    const line = document.lineOf([name]);
    const place = { ...(line !== undefined && { line }) };
    return [{
      name,
      texts: (Array.isArray(value) ? value : [value]).map(String),
      label: `${path}: ${describeMistake({ path: [name], message: "", ...place }).replace(/: $/, "")}`,
      source: { kind: "file", path, ...place },
      ...(document.templateOf([name]) !== undefined && { isSecret: true }),
    }];
  });
}
