import { loadConfig } from "../../../src/cli/load_config.ts";
import { COMMANDS } from "../../../src/cli/main.ts";
import type { Environment } from "../../../src/config/environment.ts";
import { flagsOfEnvironment, unknownVariables } from "../../../src/config/environment.ts";
import type { RelayFlags } from "../../../src/config/flags.ts";
import { IGNORED_FLAGS, OTHER_NAMES } from "../../../src/config/foreign_flags.ts";
import { readCommandLine } from "../../../src/config/parse_flags.ts";
import { resolveFlags } from "../../../src/config/resolve_flags.ts";

/** An environment of these variables and no others. */
export function environmentOf(variables: Readonly<Record<string, string>>): Environment {
  return { get: (name) => variables[name], names: () => Object.keys(variables) };
}

/** All flags that any command has, without dashes. */
export function allFlags(): ReadonlySet<string> {
  return new Set(["help", "version", ...Object.values(COMMANDS).flatMap(({ flags }) => Object.keys(flags))]);
}

/**
 * What the program's own parser has to say against a command line and the variables that it is run with. Files are not
 * looked at: an example may name one that its reader is to write.
 */
export function mistakesIn(args: readonly string[], variables: Readonly<Record<string, string>> = {}): string[] {
  const pair = args.slice(0, 2).join(" ");
  const name = Object.hasOwn(COMMANDS, pair) ? pair : args[0] ?? "";
  if (name === "--version" || name === "--help" || name === "help") return [];
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) return [`${name} is no command`];
  const environment = environmentOf(variables);
  const foreign = "configure" in command ? { otherNames: OTHER_NAMES, ignored: IGNORED_FLAGS } : undefined;
  const line = readCommandLine(args.slice(name.split(" ").length), command.flags, foreign);
  const unknown = unknownVariables(Object.keys(command.flags), environment);
  if (line.kind === "help") return unknown;
  const { mistakes } = resolveFlags(command.flags, [line.given, flagsOfEnvironment(command.flags, environment)]);
  return [...line.mistakes, ...mistakes, ...unknown];
}

/** The flags that a relay would be started with, its configuration file read and everything checked; throws for mistakes. */
export async function relayFlagsOf(
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<RelayFlags> {
  const environment = environmentOf(variables);
  const { flags, mistakes, warnings } = await loadConfig(args, { environment, serviceName: "lava-rpcsmartrouter" });
  const wrong = [...mistakes, ...warnings, ...unknownVariables(Object.keys(flags), environment)];
  if (wrong.length > 0) throw new Error(`a relay would not take ${args.join(" ")}:\n${wrong.join("\n")}`);
  return flags;
}

/** Milliseconds that a relay with these flags may take from SIGTERM to its end. */
export function longestStopMs(flags: RelayFlags): number {
  return flags["shutdown-delay"] + flags["shutdown-grace"] + flags["usage-otel-export-timeout"];
}

/** What {@linkcode longestStopMs} is made of, as the examples' comments have it. */
export function stopTimes(flags: RelayFlags): string {
  const names = ["shutdown-delay", "shutdown-grace", "usage-otel-export-timeout"] as const;
  return `(${names.map((name) => `${flags[name] / 1000} s`).join(", ")})`;
}

/** The words of a line as a shell takes it apart: quotes and backslashes, no variables. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs)) {
    words.push(
      word.replaceAll(
        /\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/gs,
        (_all, escaped, double, single) => escaped ?? single ?? double.replaceAll(/\\(.)/gs, "$1"),
      ),
    );
  }
  return words;
}
