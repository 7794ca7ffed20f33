import type { FlagTable } from "./flags.ts";

/** The flags of a command, one each with its default. */
export function describeFlags(table: FlagTable): string {
  return Object.entries(table).map(([name, { placeholder, defaultText, help }]) => {
    const usage = placeholder === "" ? `--${name}` : `--${name} ${placeholder}`;
    return `  ${usage}\n        ${help} (default ${defaultText === "" ? "empty" : defaultText})`;
  }).join("\n");
}
