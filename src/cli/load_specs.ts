import { SpecSet } from "../spec/spec_set.ts";
import { readSpecFile } from "../spec/spec_schema.ts";
import type { ChainSpec } from "../domain/chain_spec.ts";
import type { SpecFlags } from "../config/flags.ts";
import { describeMistake } from "../config/mistake.ts";
import { fetchSpecTexts, MAX_SPEC_BYTES, type SpecFetchOptions, type SpecText } from "./fetch_specs.ts";

/** The specs that sources hold, and everything that is wrong with them. */
export interface LoadedSpecs {
  readonly specs: SpecSet;
  /** Where each loaded spec comes from, by index. */
  readonly sources: ReadonlyMap<string, string>;
  readonly mistakes: readonly string[];
  /** What was read over, a line for each file. */
  readonly notes: readonly string[];
}

/** Loads files, directories and URLs, in this order: of several specs with one index, the last one counts. */
export async function loadSpecs(sources: readonly string[], options: SpecFetchOptions): Promise<LoadedSpecs> {
  const loaded: ChainSpec[] = [];
  const from = new Map<string, string>();
  const mistakes: string[] = [];
  const notes: string[] = [];
  for (const source of sources) {
    const texts = /^https?:\/\//i.test(source) ? await fetchSpecTexts(source, options) : readSpecTexts(source);
    for (const each of texts) {
      if (each.kind === "mistake") {
        mistakes.push(each.message);
        continue;
      }
      const read = parse(each.text);
      if (read.kind === "mistakes") {
        mistakes.push(...read.mistakes.map((mistake) => `${each.name}: ${describeMistake(mistake)}`));
        continue;
      }
      if (read.ignored.length > 0) notes.push(`${each.name}: members without a use here: ${read.ignored.join(", ")}`);
      for (const spec of read.specs) {
        loaded.push(spec);
        from.set(spec.index, each.name);
      }
    }
  }
  const specs = new SpecSet(loaded);
  for (const index of from.keys()) {
    const expansion = specs.expand(index);
    if (expansion.kind === "failure") {
      mistakes.push(...expansion.reasons.map((reason) => `${from.get(index)}: ${reason}`));
    }
  }
  return { specs, sources: from, mistakes: [...new Set(mistakes)], notes };
}

function parse(text: string): ReturnType<typeof readSpecFile> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "";
    return { kind: "mistakes", mistakes: [{ path: [], message: `is not JSON: ${reason}` }] };
  }
  return readSpecFile(content);
}

/** The text of a file, or of all `.json` files of a directory, by name. */
function readSpecTexts(path: string): readonly SpecText[] {
  try {
    const { isDirectory } = Deno.statSync(path);
    if (!isDirectory) return [readSpecText(path)];
    const names = [...Deno.readDirSync(path)].map(({ name }) => name).filter((name) => name.endsWith(".json")).sort();
    if (names.length === 0) return [{ kind: "mistake", message: `${path}: the directory holds no .json file` }];
    return names.map((name) => readSpecText(`${path.replace(/\/$/, "")}/${name}`));
  } catch (error) {
    return [unreadable(path, error)];
  }
}

function readSpecText(path: string): SpecText {
  try {
    const { size } = Deno.statSync(path);
    if (size > MAX_SPEC_BYTES) {
      return { kind: "mistake", message: `${path}: the file is larger than ${MAX_SPEC_BYTES / 1024 / 1024} MiB` };
    }
    return { kind: "text", name: path, text: Deno.readTextFileSync(path) };
  } catch (error) {
    return unreadable(path, error);
  }
}

function unreadable(path: string, error: unknown): SpecText {
  const reason = error instanceof Deno.errors.NotFound ? "there is no such file or directory" : "it can't be read";
  return { kind: "mistake", message: `${path}: ${reason}` };
}

/** What spec files are fetched with, as the flags say. */
export function specFetchOptions(flags: SpecFlags): SpecFetchOptions {
  return { fetch: globalThis.fetch, githubToken: flags["github-token"], gitlabToken: flags["gitlab-token"] };
}
