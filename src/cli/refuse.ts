import type { ExitCode } from "./exit_code.ts";
import { printError } from "./terminal.ts";

/** Prints every mistake and the command that helps; comes back with the exit code of wrong usage. */
export function refuse(mistakes: readonly string[], help: string): ExitCode {
  for (const mistake of mistakes) printError(`relaymeter: ${mistake}`);
  printError(
    `${mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`}; nothing was started. Try: ${help}`,
  );
  return 2;
}
