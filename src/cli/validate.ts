import type { Environment } from "../config/environment.ts";
import type { ExitCode } from "./exit_code.ts";
import { loadConfig } from "./load_config.ts";
import { refuse } from "./refuse.ts";
import { print, printError } from "./terminal.ts";

/** Checks what a relay would be started with, and prints everything that is wrong with it. Listens nowhere. */
export async function validate(
  args: readonly string[],
  environment: Environment,
  unknownVariables: readonly string[],
): Promise<ExitCode> {
  const { file, endpoints, mistakes, warnings } = await loadConfig(args, {
    environment,
    serviceName: "lava-rpcsmartrouter",
  });
  for (const warning of [...unknownVariables, ...warnings]) printError(`warning: ${warning}`);
  if (mistakes.length > 0) return refuse(mistakes, "relaymeter validate --help");
  const what = file === undefined ? "the command line" : file.path;
  print(`${what} is good: ${endpoints.length} endpoint${endpoints.length === 1 ? "" : "s"}`);
  return 0;
}
