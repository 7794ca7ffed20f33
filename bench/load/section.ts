/**
 * A part of the page: a table with what it is about. A program that measures something of its own prints one as JSON
 * when it is started with `--json`, and is named in `PROGRAMS` of `programs.ts`.
 */
export interface Section {
  readonly title: string;
  /** What was done, in a sentence or two. */
  readonly about: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A section as Markdown. */
export function formatSection({ title, about, heads, rows }: Section): string {
  const lines = [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `### ${title}\n\n${about}\n\n${lines.join("\n")}\n`;
}
