import type { FlagTable } from "./flags.ts";
import type { ForeignFlags } from "./parse_flags.ts";

/** The flags of a command, one each with its default. */
export function describeFlags(table: FlagTable): string {
  return Object.entries(table).map(([name, { placeholder, defaultText, help }]) => {
    const usage = placeholder === "" ? `--${name}` : `--${name} ${placeholder}`;
    return `  ${usage}\n        ${help} (default ${defaultText === "" ? "empty" : defaultText})`;
  }).join("\n");
}

/** The flags of the ecosystem's router that are accepted: other names, and those that do nothing, by their reasons. */
export function describeForeignFlags({ otherNames, ignored }: ForeignFlags): string {
  const reasons = Map.groupBy(Object.entries(ignored), ([, { reason }]) => reason);
  return [
    "Of the ecosystem's router, these are accepted and do nothing:",
    ...[...reasons].map(([reason, flags]) => `  ${flags.map(([name]) => `--${name}`).join(" ")}\n        ${reason}`),
    "and these are other names:",
    ...Object.entries(otherNames).map(([other, name]) => `  --${other}\n        --${name}`),
  ].join("\n");
}
