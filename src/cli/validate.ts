import type { ExitCode } from "./exit_code.ts";
import type { SpecFlags } from "../config/flags.ts";
import { loadSpecs, specFetchOptions } from "./load_specs.ts";
import { readFile } from "./read_endpoints.ts";
import { refuse } from "./refuse.ts";
import { print, printError } from "./terminal.ts";

/** Checks one configuration file and prints what is wrong with it. */
export async function validate(
  flags: SpecFlags,
  positionals: readonly string[],
  flagMistakes: readonly string[],
): Promise<ExitCode> {
  const [path] = positionals;
  const help = "relaymeter validate --help";
  if (path === undefined || positionals.length > 1) {
    return refuse([...flagMistakes, "validate takes one configuration file"], help);
  }
  const loaded = await loadSpecs(flags["use-static-spec"], specFetchOptions(flags));
  const { endpoints, mistakes, warnings } = readFile(path, loaded.specs);
  const all = [...flagMistakes, ...loaded.mistakes, ...mistakes];
  if (all.length > 0) return refuse(all, help);
  for (const warning of warnings) printError(`warning: ${warning}`);
  print(`${path} is good: ${endpoints.length} endpoint${endpoints.length === 1 ? "" : "s"}`);
  return 0;
}
