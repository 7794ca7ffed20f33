import { stringify } from "yaml";
import type { Mistake } from "./mistake.ts";
import { pathText } from "./mistake.ts";

/** A value as it is printed, and where it comes from. */
export interface PrintedValue {
  readonly value: string | number | boolean | readonly (string | number | boolean)[];
  readonly source: string;
}

/** What is printed: values by their names, in lists and below names. */
export type Printed = PrintedValue | PrintedMap | readonly PrintedMap[];

/** Values by their names. */
export interface PrintedMap {
  readonly [name: string]: Printed;
}

/** YAML that could be a configuration file again, each value with its source behind it. */
export function printYaml(config: PrintedMap): string {
  return linesOf(config).join("\n");
}

/** JSON: the configuration, and beside it the source of each value by its path. */
export function printJson(config: PrintedMap): string {
  const sources: Record<string, string> = {};
  const content = contentOf(config, [], sources);
  return JSON.stringify({ config: content, sources }, null, 2);
}

function linesOf(map: PrintedMap): string[] {
  return Object.entries(map).flatMap(([name, printed]) => {
    const key = stringify(name).trimEnd();
    if (isValue(printed)) return [`${key}: ${textOf(printed.value)} # ${printed.source}`];
    if (!Array.isArray(printed)) return [`${key}:`, ...linesOf(printed as PrintedMap).map((line) => `  ${line}`)];
    if (printed.length === 0) return [];
    const items = printed.flatMap((item: PrintedMap) =>
      linesOf(item).map((line, index) => `${index === 0 ? "  - " : "    "}${line}`)
    );
    return [`${key}:`, ...items];
  });
}

/** A value on one line. */
function textOf(value: PrintedValue["value"]): string {
  return stringify(value, { collectionStyle: "flow", flowCollectionPadding: false, lineWidth: 0, blockQuote: false })
    .trimEnd();
}

function contentOf(printed: Printed, path: Mistake["path"], sources: Record<string, string>): unknown {
  if (isValue(printed)) {
    sources[pathText(path)] = printed.source;
    return printed.value;
  }
  if (Array.isArray(printed)) {
    return printed.map((item: PrintedMap, index) => contentOf(item, [...path, index], sources));
  }
  return Object.fromEntries(
    Object.entries(printed).map(([name, value]) => [name, contentOf(value, [...path, name], sources)]),
  );
}

function isValue(printed: Printed): printed is PrintedValue {
  return "source" in printed && typeof printed.source === "string";
}
