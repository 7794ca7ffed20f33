import { LineCounter, parseDocument, visit } from "yaml";
import { type CheckTls, type FileContent, readFileContent } from "./file_content.ts";
import { SpecSet } from "../spec/spec_set.ts";
import type { Mistake } from "./mistake.ts";

/** Largest configuration file in characters. */
const MAX_FILE_CHARS = 10 * 1024 * 1024;

/** What a parser's error means, in words of our own: its own may quote what stands there, and that may be a key. */
const YAML_MISTAKES: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: "members are unique; this one stands twice",
  TAB_AS_INDENT: "tabs are not allowed as indentation; use spaces",
  BAD_ALIAS: "has an alias that can't be read",
  BAD_INDENT: "is indented in a way that YAML does not allow",
  MISSING_CHAR: "lacks a character: a quote, a bracket or a colon",
  MULTIPLE_DOCS: "starts a second document; a configuration is one",
  RESOURCE_EXHAUSTION: "nests deeper than a configuration needs",
};

/** Reads a configuration file in the ecosystem's format: YAML, or JSON, which is YAML too. */
export function readConfigFile(text: string, specs: SpecSet = new SpecSet(), checkTls?: CheckTls): FileContent {
  if (text.length > MAX_FILE_CHARS) return unreadable([{ path: [], message: "the file is larger than 10 MiB" }]);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false });
  const lineAt = (offset: number) => lineCounter.linePos(offset).line;
  if (document.errors.length > 0) {
    const mistakes = document.errors.map(({ code, pos }) => ({
      path: [],
      message: YAML_MISTAKES[code] ?? "is not YAML",
      line: lineAt(pos[0]),
    }));
    return unreadable(
      mistakes.filter(({ line }, index) => mistakes.findIndex((other) => other.line === line) === index),
    );
  }
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch {
    const offset = unresolvedAlias(document);
    return unreadable([
      offset === undefined
        ? { path: [], message: "has more aliases than a configuration needs" }
        : { path: [], message: "refers to an anchor that is not there", line: lineAt(offset) },
    ]);
  }
  const read = readFileContent(content, specs, checkTls);
  const mistakes = read.mistakes.map((mistake) => {
    const offset = offsetOf(document, mistake.path);
    return offset === undefined ? mistake : { ...mistake, line: lineAt(offset) };
  });
  return { ...read, mistakes };
}

/** Where the first alias without an anchor stands. */
function unresolvedAlias(document: ReturnType<typeof parseDocument>): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return undefined;
      offset = alias.range?.[0];
      return visit.BREAK;
    },
  });
  return offset;
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
  return { endpoints: [], projects: [], mistakes, warnings: [] };
}
