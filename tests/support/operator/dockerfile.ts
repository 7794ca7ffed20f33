/** One instruction of a Dockerfile. */
export interface Instruction {
  /** Such as `COPY`. */
  readonly name: string;
  /** What stands behind `--` before the rest, such as `from`. */
  readonly options: Readonly<Record<string, string>>;
  /** The rest as words: of the form with brackets its texts, else what stands between blanks. */
  readonly words: readonly string[];
}

/** Reads a Dockerfile: stages in their order, each with its instructions; what stands before the first is left out. */
export function readDockerfile(text: string): readonly (readonly Instruction[])[] {
  const stages: Instruction[][] = [];
  for (const line of text.replaceAll(/^\s*#.*\n/gm, "").replaceAll("\\\n", " ").split("\n")) {
    const [, name, rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
    if (name === undefined) {
      if (line.trim() !== "") throw new Error(`not a line of a Dockerfile: ${line}`);
      continue;
    }
    if (name === "FROM") stages.push([]);
    stages.at(-1)?.push(readInstruction(name, rest));
  }
  return stages;
}

function readInstruction(name: string, text: string): Instruction {
  const options: Record<string, string> = {};
  let rest = text.trim();
  for (let match = OPTION.exec(rest); match !== null; match = OPTION.exec(rest)) {
    options[match[1]!] = match[2]!;
    rest = rest.slice(match[0].length);
  }
  const keyword = /^CMD\s+(?=\[)/.exec(rest)?.[0] ?? "";
  const list = rest.slice(keyword.length);
  return { name, options, words: list.startsWith("[") ? JSON.parse(list) : rest.split(/\s+/) };
}

const OPTION = /^--([a-z-]+)=(\S+)\s+/;

/** The one instruction of that name; throws for none or more. */
export function only(stage: readonly Instruction[], name: string): Instruction {
  const found = stage.filter((instruction) => instruction.name === name);
  if (found.length !== 1) throw new Error(`${found.length} times ${name}`);
  return found[0]!;
}
