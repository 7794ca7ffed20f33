import type { Environment } from "../config/environment.ts";
import { choice } from "../config/flag_types.ts";
import { RELAY_FLAGS } from "../config/flags.ts";
import { configJsonSchema } from "../config/json_schema.ts";
import { printJson, printYaml } from "../config/print_config.ts";
import type { ExitCode } from "./exit_code.ts";
import { loadConfig } from "./load_config.ts";
import { refuse } from "./refuse.ts";
import { resolvedConfig } from "./resolved_config.ts";
import { print, printError } from "./terminal.ts";

const FORMAT = choice(["yaml", "json"], "yaml", "how the configuration is printed");

/** The flags of `config print`: those of the relay, and how it is printed. */
export const CONFIG_PRINT_FLAGS = { ...RELAY_FLAGS, "format": FORMAT } as const;

/** Prints what a relay would run with, and where each value comes from. */
export async function configPrint(
  args: readonly string[],
  environment: Environment,
  unknownVariables: readonly string[],
): Promise<ExitCode> {
  const { format, rest, mistakes: formatMistakes } = takeFormat(args);
  const loaded = await loadConfig(rest, { environment, serviceName: "lava-rpcsmartrouter" });
  for (const warning of [...unknownVariables, ...loaded.warnings]) printError(`warning: ${warning}`);
  const mistakes = [...formatMistakes, ...loaded.mistakes];
  if (mistakes.length > 0) return refuse(mistakes, "relaymeter config print --help");
  const resolved = resolvedConfig(loaded, environment);
  print(format === "json" ? printJson(resolved) : printYaml(resolved));
  return 0;
}

/** Prints the JSON Schema of the configuration file. */
export function configSchema(positionals: readonly string[], mistakes: readonly string[]): Promise<ExitCode> {
  const all = positionals.length > 0 ? [...mistakes, "config schema takes no arguments"] : mistakes;
  if (all.length > 0) return Promise.resolve(refuse(all, "relaymeter config schema --help"));
  print(JSON.stringify(configJsonSchema(), null, 2));
  return Promise.resolve(0);
}

/** Takes `--format` out of the arguments, which are the relay's otherwise. */
function takeFormat(args: readonly string[]) {
  const rest: string[] = [];
  const mistakes: string[] = [];
  let format: "yaml" | "json" = FORMAT.initial;
  for (let i = 0; i < args.length; i++) {
    const [, value] = /^--format(?:=(.*))?$/s.exec(args[i]!) ?? [];
    if (!/^--format(=|$)/.test(args[i]!)) {
      rest.push(args[i]!);
      continue;
    }
    const text = value ?? args[++i] ?? "";
    const read = FORMAT.parse(text);
    if (read === undefined) mistakes.push(`--format: "${text}" is not ${FORMAT.allowed}`);
    else format = read;
  }
  return { format, rest, mistakes };
}
