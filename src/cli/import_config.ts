import { stripVTControlCharacters } from "node:util";
import { pathToFileURL } from "node:url";
import { type ConfigDocument, documentOf, unreadable } from "../config/config_document.ts";
import { systemClock } from "../domain/clock.ts";

/** How long a module may take to export its configuration, milliseconds. */
const TIMEOUT_MS = 30_000;

/** Longest part of a module's own words that a message has. */
const MAX_REASON_CHARS = 200;

let count = 0;

/**
 * Imports the default export of a module. It is imported anew each time; what it imports by itself is kept by the runtime
 * for as long as the process lives.
 */
export async function importConfig(path: string): Promise<ConfigDocument> {
  const url = pathToFileURL(path).href;
  let cancel = () => {};
  const late = new Promise<never>((_resolve, reject) => {
    cancel = systemClock.schedule(
      TIMEOUT_MS,
      () => reject(new Error("took longer than 30s to export a configuration")),
    );
  });
  try {
    return await Promise.race([load(`${url}?load=${++count}`), late]);
  } catch (error) {
    const line = lineOf(error, url);
    return unreadable([{ path: [], message: reasonOf(error), ...(line !== undefined && { line }) }]);
  } finally {
    cancel();
  }
}

async function load(specifier: string): Promise<ConfigDocument> {
  const module: { readonly default?: unknown } = await import(specifier);
  const content = await module.default;
  if (content !== undefined) return documentOf(content);
  return unreadable([{ path: [], message: "exports no configuration; write export default defineConfig({ ... })" }]);
}

/** What a module that can't be imported says, without the excerpt that a parser adds and without URLs' paths. */
function reasonOf(error: unknown): string {
  const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const first = stripVTControlCharacters(words.split("\n")[0]!).replace(/ at file:\/\/\S+$/, "");
  const reason = first.replaceAll(/\b(?!file:)([a-z][a-z0-9+.-]*:\/\/)(?:[^\s/@]*@)?([^\s/?#"']*)[^\s"']*/gi, "$1$2");
  return `can't be loaded: ${reason.slice(0, MAX_REASON_CHARS)}`;
}

/** The line of the module that an error comes from: the innermost place of it in the stack, or the one that was parsed. */
function lineOf(error: unknown, url: string): number | undefined {
  if (!(error instanceof Error)) return undefined;
  const text = stripVTControlCharacters(`${error.message}\n${error.stack ?? ""}`);
  const places = text.split(url).slice(1);
  const line = places.map((place) => /^\?load=\d+:(\d+)/.exec(place)?.[1]).find((text) => text !== undefined);
  return line === undefined ? undefined : Number(line);
}
