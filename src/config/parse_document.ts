import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml";
import { type ConfigDocument, unreadable } from "./config_document.ts";
import { expandVariables, type UsedVariable } from "./expand_variables.ts";
import { scalarTypeOf } from "./file_schema.ts";
import type { Mistake } from "./mistake.ts";

/** How a file is written. */
export type TextFormat = "yaml" | "json";

/** Largest configuration file. */
export const MAX_FILE_BYTES = 10 * 1024 * 1024;

/** Most values that a file may amount to once its aliases are followed. */
const MAX_VALUES = 1_000_000;

/** Shortest value of a variable that is looked for in all messages; shorter ones could be a part of any word. */
const MIN_TELLING_CHARS = 4;

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

/** Reads a file's text, with environment variables put in for `${NAME}`. */
export function parseConfigText(
  text: string,
  valueOf: (name: string) => string | undefined = () => undefined,
  format: TextFormat = "yaml",
): ConfigDocument {
  if (text.length > MAX_FILE_BYTES) return unreadable([{ path: [], message: "the file is larger than 10 MiB" }]);
  if (format === "json") {
    const mistake = jsonMistake(text);
    if (mistake !== undefined) return unreadable([mistake]);
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, merge: true, logLevel: "error" });
  const lineAt = (offset: number) => lineCounter.linePos(offset).line;
  if (document.errors.length > 0) {
    const mistakes = document.errors.map(({ code, pos }): Mistake => ({
      path: [],
      message: YAML_MISTAKES[code] ?? NOT_YAML,
      line: lineAt(pos[0]),
    }));
    // What can't be made out at one place mostly can't be made out at the places behind it either.
    const isFirst = ({ line, message }: Mistake, index: number) =>
      mistakes.findIndex((other) => other.line === line || (message === NOT_YAML && other.message === NOT_YAML)) ===
        index;
    return unreadable(mistakes.filter(isFirst).map((mistake) => hinted(mistake, text)));
  }
  const { templates, mistakes } = putVariablesIn(document, valueOf, lineAt);
  if (mistakes.length > 0) return unreadable(mistakes);
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: 100 });
  } catch {
    const offset = unresolvedAlias(document);
    return unreadable([offset === undefined ? TOO_MANY_ALIASES : { ...NO_ANCHOR, line: lineAt(offset) }]);
  }
  const count = valuesIn(content);
  if (count > MAX_VALUES) return unreadable([count === Infinity ? CONTAINS_ITSELF : TOO_MANY_ALIASES]);
  const lineOf = (path: Mistake["path"]) => {
    for (let length = path.length; length > 0; length--) {
      const offset = nodeAt(document, path.slice(0, length))?.range?.[0];
      if (offset !== undefined) return lineAt(offset);
    }
    return undefined;
  };
  const used = [...templates.values()].flatMap(({ variables }) => variables);
  const telling = used.filter(({ value }) => value.length >= MIN_TELLING_CHARS);
  return {
    content,
    mistakes: [],
    lineOf,
    templateOf: (path) => templates.get(nodeAt(document, path)!)?.text,
    locate(mistake) {
      const line = lineOf(mistake.path);
      const own = templates.get(nodeAt(document, mistake.path)!)?.variables ?? [];
      return {
        ...mistake,
        message: withNames(mistake.message, [...own, ...telling]),
        ...(line !== undefined && { line }),
      };
    },
  };
}

const NOT_YAML = "is not YAML";

/** In braces and brackets, YAML takes the brace behind a variable's name for its own. */
function hinted(mistake: Mistake, text: string): Mistake {
  const line = text.split("\n", mistake.line).at(-1) ?? "";
  const isInFlow = /[{[][^"']*\$\{/.test(line);
  return isInFlow
    ? { ...mistake, message: `${mistake.message}; inside { } and [ ], quote variables: "\${NAME}"` }
    : mistake;
}

const TOO_MANY_ALIASES: Mistake = { path: [], message: "has more aliases than a configuration needs" };
const CONTAINS_ITSELF: Mistake = { path: [], message: "has an alias inside of what it refers to" };
const NO_ANCHOR: Mistake = { path: [], message: "refers to an anchor that is not there" };

/** What stood where variables were put in. */
interface Template {
  readonly text: string;
  readonly variables: readonly UsedVariable[];
}

/** Puts variables into the document's values, not into its members' names; comes back with what stood there. */
function putVariablesIn(
  document: Document,
  valueOf: (name: string) => string | undefined,
  lineAt: (offset: number) => number,
): { readonly templates: ReadonlyMap<Node, Template>; readonly mistakes: readonly Mistake[] } {
  const templates = new Map<Node, Template>();
  const mistakes: Mistake[] = [];
  visit(document, {
    Scalar(key, node, parents) {
      if (key === "key" || typeof node.value !== "string" || !node.value.includes("${")) return;
      const expanded = expandVariables(node.value, valueOf);
      if (expanded.kind === "mistake") {
        const line = node.range ? { line: lineAt(node.range[0]) } : {};
        mistakes.push({ path: pathOf(parents, node), message: expanded.message, ...line });
        return;
      }
      templates.set(node, { text: node.value, variables: expanded.variables });
      node.value = typed(expanded.text, pathOf(parents, node).at(-1));
    },
  });
  return { templates, mistakes };
}

/** The text of a variable is a number or a truth value where the format has one. */
function typed(text: string, member: string | number | undefined): unknown {
  const type = typeof member === "string" ? scalarTypeOf(member) : undefined;
  if (type === "number" && /^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  if (type === "boolean" && /^(true|false)$/.test(text)) return text === "true";
  return text;
}

/** The path of a value below these parents. */
function pathOf(parents: readonly unknown[], node: unknown): Mistake["path"] {
  return parents.flatMap((parent, index): (string | number)[] => {
    if (isPair(parent)) return [nameOf(parent.key)];
    return isSeq(parent) ? [parent.items.indexOf(parents[index + 1] ?? node)] : [];
  });
}

/** The name of a member; that of merged members is a symbol to the parser. */
function nameOf(key: unknown): string {
  const value = isScalar(key) ? key.value : undefined;
  return typeof value === "symbol" ? value.description ?? "" : String(value);
}

/** Replaces what variables hold by their names. */
function withNames(message: string, variables: readonly UsedVariable[]): string {
  return variables.filter(({ value }) => value !== "")
    .reduce((text, { name, value }) => text.replaceAll(value, () => `\${${name}}`), message);
}

/** The node at a path, aliases followed and merged members (`<<`) found. */
function nodeAt(document: Document, path: Mistake["path"]): Node | undefined {
  let node = followed(document, document.contents);
  for (const part of path) {
    node = isMap(node)
      ? memberNode(document, node, String(part), 0)
      : isSeq(node)
      ? followed(document, node.items[Number(part)])
      : undefined;
  }
  return node;
}

function memberNode(document: Document, map: Node, name: string, depth: number): Node | undefined {
  if (!isMap(map) || depth > 100) return undefined;
  const valueOf = (key: string) => map.items.find((pair) => nameOf(pair.key) === key)?.value;
  const own = followed(document, valueOf(name));
  if (own !== undefined) return own;
  const merged = followed(document, valueOf("<<"));
  const bases = isSeq(merged) ? merged.items.map((item) => followed(document, item)) : [merged];
  for (const base of bases) {
    const found = base && memberNode(document, base, name, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

function followed(document: Document, node: unknown): Node | undefined {
  if (isAlias(node)) return node.resolve(document);
  return isMap(node) || isSeq(node) || isScalar(node) ? node : undefined;
}

/** Where the first alias without an anchor stands. */
function unresolvedAlias(document: Document): number | undefined {
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

/** How many values there are, those that aliases share counted each time; endless for one that contains itself. */
function valuesIn(content: unknown, known = new Map<object, number>()): number {
  if (typeof content !== "object" || content === null) return 1;
  const counted = known.get(content);
  if (counted !== undefined) return counted;
  known.set(content, Infinity);
  let count = 1;
  for (const value of Object.values(content)) count += valuesIn(value, known);
  known.set(content, count);
  return count;
}

/** What is wrong with a text as JSON. The parser's words are left out: they quote what stands there. */
function jsonMistake(text: string): Mistake | undefined {
  try {
    JSON.parse(text.replace(/^\ufeff/, ""));
    return undefined;
  } catch (error) {
    const before = text.slice(0, positionOf(error) ?? firstMisfit(text));
    return { path: [], message: "is not JSON", line: before.trimEnd().split("\n").length };
  }
}

/** Where the parser says that it stopped; it does not always say so. */
function positionOf(error: unknown): number | undefined {
  const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? undefined : Number(position);
}

/** Up to where a text could be the beginning of JSON. */
function firstMisfit(text: string): number {
  const couldGoOn = (length: number) => {
    try {
      JSON.parse(text.slice(0, length));
      return true;
    } catch (error) {
      return String(error).includes("Unexpected end") || (positionOf(error) ?? -1) >= length;
    }
  };
  let [good, bad] = [0, text.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (couldGoOn(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
