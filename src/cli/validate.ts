import type { ExitCode } from "./exit_code.ts";
import { readFile } from "./read_endpoints.ts";
import { print, printError } from "./terminal.ts";

/** Checks one configuration file and prints what is wrong with it. */
export function validate(positionals: readonly string[]): ExitCode {
  const [path] = positionals;
  if (path === undefined || positionals.length > 1) {
    printError("relaymeter: validate takes one configuration file\nTry: relaymeter validate --help");
    return 2;
  }
  const { endpoints, mistakes, warnings } = readFile(path);
  for (const warning of warnings) printError(`warning: ${warning}`);
  for (const mistake of mistakes) printError(mistake);
  if (mistakes.length > 0) {
    printError(mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`);
    return 2;
  }
  print(`${path} is good: ${endpoints.length} endpoint${endpoints.length === 1 ? "" : "s"}`);
  return 0;
}
