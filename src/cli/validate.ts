import type { ExitCode } from "./exit_code.ts";
import { readFile } from "./read_endpoints.ts";
import { refuse } from "./refuse.ts";
import { print, printError } from "./terminal.ts";

/** Checks one configuration file and prints what is wrong with it. */
export function validate(positionals: readonly string[], flagMistakes: readonly string[]): ExitCode {
  const [path] = positionals;
  const help = "relaymeter validate --help";
  if (path === undefined || positionals.length > 1) {
    return refuse([...flagMistakes, "validate takes one configuration file"], help);
  }
  const { endpoints, mistakes, warnings } = readFile(path);
  if (mistakes.length + flagMistakes.length > 0) return refuse([...flagMistakes, ...mistakes], help);
  for (const warning of warnings) printError(`warning: ${warning}`);
  print(`${path} is good: ${endpoints.length} endpoint${endpoints.length === 1 ? "" : "s"}`);
  return 0;
}
