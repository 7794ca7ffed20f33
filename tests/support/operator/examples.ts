import { parse, parseAllDocuments } from "yaml";

const EXAMPLES = new URL("../../../examples/", import.meta.url);

/** The path of a file of the examples. */
export function examplePath(name: string): string {
  return new URL(name, EXAMPLES).pathname;
}

/** The text of a file of the examples. */
export async function exampleText(name: string): Promise<string> {
  return await Deno.readTextFile(examplePath(name));
}

/** What a YAML file of the examples holds. */
export async function exampleYaml<Content>(name: string): Promise<Content> {
  return parse(await exampleText(name));
}

/** The documents of a YAML text, which may be several. */
export function documentsOf(text: string): Record<string, unknown>[] {
  return parseAllDocuments(text).map((document) => document.toJS());
}
