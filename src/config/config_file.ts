import { LineCounter, parseDocument } from "yaml";
import { type FileContent, readFileContent } from "./file_content.ts";
import type { Mistake } from "./mistake.ts";

/** Largest configuration file in characters. */
const MAX_FILE_CHARS = 10 * 1024 * 1024;

/** Reads a configuration file in the ecosystem's format: YAML, or JSON, which is YAML too. */
export function readConfigFile(text: string): FileContent {
  if (text.length > MAX_FILE_CHARS) return unreadable([{ path: [], message: "the file is larger than 10 MiB" }]);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const lineAt = (offset: number) => lineCounter.linePos(offset).line;
  if (document.errors.length > 0) {
    return unreadable(document.errors.map(({ message, pos }) => ({ path: [], message, line: lineAt(pos[0]) })));
  }
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch {
    return unreadable([{ path: [], message: "has more aliases than a configuration needs" }]);
  }
  const read = readFileContent(content);
  const mistakes = read.mistakes.map((mistake) => {
    const offset = offsetOf(document, mistake.path);
    return offset === undefined ? mistake : { ...mistake, line: lineAt(offset) };
  });
  return { ...read, mistakes };
}

/** Where the value at a path starts, or the nearest one around it that is there. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: Mistake["path"]): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (typeof node !== "object" || node === null || !("range" in node)) continue;
    const range = node.range as readonly number[] | undefined;
    if (range?.[0] !== undefined) return range[0];
  }
  return undefined;
}

function unreadable(mistakes: readonly Mistake[]): FileContent {
  return { endpoints: [], mistakes, warnings: [] };
}
