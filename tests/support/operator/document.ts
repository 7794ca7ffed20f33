/** A Markdown document, as far as what it names can be checked. */
export interface Document {
  readonly headings: readonly string[];
  /** What stands between single backticks, outside of blocks. */
  readonly spans: readonly string[];
  /** Fenced blocks. */
  readonly blocks: readonly { readonly language: string; readonly text: string }[];
  /** Where links point to. */
  readonly links: readonly string[];
  /** Entries of the list below a heading. */
  entries(heading: string): readonly string[];
  /** Rows of the tables below a heading, a cell each; without the head. */
  rows(heading: string): readonly (readonly string[])[];
}

/** Reads a document. */
export function readDocument(markdown: string): Document {
  const blocks: { language: string; text: string }[] = [];
  const prose = markdown.replaceAll(/^ *```(\w*)\n([\s\S]*?)^ *```$/gm, (_all, language: string, text: string) => {
    blocks.push({ language, text });
    return "";
  });
  const flat = prose.replaceAll(/\s*\n\s*/g, " ");
  const sectionOf = (heading: string) => (prose.split(`\n## ${heading}\n`)[1] ?? "").split(/\n## /)[0]!;
  return {
    blocks,
    headings: [...prose.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!),
    spans: [...flat.matchAll(/`([^`]+)`/g)].map(([, span]) => span!),
    links: [...flat.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!),
    entries: (heading) =>
      sectionOf(heading).split(/^- /m).slice(1).map((entry) => entry.trim().replaceAll(/\s*\n\s*/g, " ")),
    rows(heading) {
      const lines = sectionOf(heading).split("\n").filter((line) => line.startsWith("|"));
      return lines.slice(2).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
    },
  };
}

/** The name under which a heading is linked to. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\w\s-]/g, "").replaceAll(" ", "-");
}

/** Lines of a block of shell commands, those that go on joined, as each command's words are to be read. */
export function commandsOf(text: string): readonly string[] {
  return text.replaceAll(/\\\n\s*/g, " ").split("\n").map((line) => line.trim()).filter((line) => line !== "");
}
