import denoConfig from "../../deno.json" with { type: "json" };
import { type Environment, flagsOfEnvironment, unknownVariables } from "../config/environment.ts";
import { type FlagTable, RELAY_FLAGS } from "../config/flags.ts";
import { FOREIGN_FLAGS } from "../config/foreign_flags.ts";
import { describeFlags, describeForeignFlags } from "../config/help.ts";
import { unknownName } from "../config/mistake.ts";
import { parseFlags } from "../config/parse_flags.ts";
import { COLLECTOR_FLAGS, type CollectorFlags } from "./collector_flags.ts";
import { collect } from "./collector.ts";
import { CONFIG_PRINT_FLAGS, configPrint, configSchema } from "./config.ts";
import type { ExitCode } from "./exit_code.ts";
import { processEnvironment } from "./process_environment.ts";
import { serve } from "./serve.ts";
import { refuse } from "./refuse.ts";
import { spec, SPEC_COMMAND_FLAGS, SPEC_USAGE, type SpecCommandFlags } from "./spec.ts";
import { print, printError } from "./terminal.ts";
import { USAGE_RECONCILE_FLAGS, usageReconcile, type UsageReconcileFlags } from "./usage_reconcile.ts";
import { usageReport } from "./usage_report.ts";
import { USAGE_REPORT_FLAGS, type UsageReportFlags } from "./usage_report_flags.ts";
import { usageShow } from "./usage_show.ts";
import { validate } from "./validate.ts";

interface Command {
  readonly usage: string;
  readonly about: string;
  readonly flags: FlagTable;
  /** `mistakes` are those of the flags, whose values are then the defaults. */
  run(flags: unknown, positionals: readonly string[], mistakes: readonly string[]): Promise<ExitCode>;
}

/** A command that reads its flags by itself, since they may stand in a configuration file as well. */
interface ConfiguredCommand extends Omit<Command, "run"> {
  configure(args: readonly string[], environment: Environment, unknownVariables: readonly string[]): Promise<ExitCode>;
}

const RELAY_USAGE = "CONFIG.yml|.json|.ts | LISTEN CHAIN INTERFACE [LISTEN CHAIN INTERFACE ...] --upstream URL";

/** What the program can be told to do. */
export const COMMANDS: Readonly<Record<string, Command | ConfiguredCommand>> = {
  rpcsmartrouter: {
    usage: RELAY_USAGE,
    about: "run the relay",
    flags: RELAY_FLAGS,
    configure: (...given) => serve("rpcsmartrouter", ...given),
  },
  rpcconsumer: {
    usage: RELAY_USAGE,
    about: "run the relay under the service name lava-rpcconsumer",
    flags: RELAY_FLAGS,
    configure: (...given) => serve("rpcconsumer", ...given),
  },
  collector: {
    usage: "FILE",
    about: "receive usage events as OTLP/HTTP logs and keep them in a file",
    flags: COLLECTOR_FLAGS,
    run: (flags, ...rest) => collect(flags as CollectorFlags, ...rest),
  },
  "usage report": {
    usage: "STORE | FILES AND FOLDERS",
    about: "add up what was used, from a store or from JSON lines that a collector wrote",
    flags: USAGE_REPORT_FLAGS,
    run: (flags, ...rest) => usageReport(flags as UsageReportFlags, ...rest),
  },
  "usage reconcile": {
    usage: "STORE | FILES AND FOLDERS --ledger RELAY.log",
    about: "say whether everything that relays counted has arrived",
    flags: USAGE_RECONCILE_FLAGS,
    run: (flags, ...rest) => usageReconcile(flags as UsageReconcileFlags, ...rest),
  },
  "usage show": {
    usage: "EVENT_ID STORE | EVENT_ID FILES AND FOLDERS",
    about: "print one event",
    flags: {},
    run: (_flags, ...rest) => usageShow(...rest),
  },
  validate: {
    usage: RELAY_USAGE,
    about: "check what a relay would be started with, and print every mistake in it",
    flags: RELAY_FLAGS,
    configure: validate,
  },
  "config print": {
    usage: RELAY_USAGE,
    about: "print what a relay would run with, and where each value comes from; keys are masked",
    flags: CONFIG_PRINT_FLAGS,
    configure: configPrint,
  },
  "config schema": {
    usage: "",
    about: "print the JSON Schema of the configuration file, for editors",
    flags: {},
    run: (_flags, ...rest) => configSchema(...rest),
  },
  spec: {
    usage: SPEC_USAGE,
    about: "show the chain specs, and what a request would be billed as",
    flags: SPEC_COMMAND_FLAGS,
    run: (flags, ...rest) => spec(flags as SpecCommandFlags, ...rest),
  },
};

/** Runs the program with its arguments; comes back with the exit code. */
export async function main(args: readonly string[]): Promise<ExitCode> {
  const [name, ...rest] = joinName(args);
  if (name === "--version") {
    print(`relaymeter ${denoConfig.version}`);
    return 0;
  }
  if (name === undefined) {
    printError(overview());
    return 2;
  }
  if (name === "help" && rest[0] !== undefined) return await main([...rest, "--help"]);
  if (name === "--help" || name === "-h" || name === "help") {
    print(overview());
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    const group = Object.keys(COMMANDS).filter((known) => known.startsWith(`${name} `));
    if (group.length > 0) return refuse([`${name}: name one of ${group.join(", ")}`], `relaymeter ${group[0]} --help`);
    const known = [...Object.keys(COMMANDS), "--help", "--version"];
    return refuse([unknownName(name.startsWith("-") ? "flag" : "command", name, known)], "relaymeter --help");
  }
  const environment = processEnvironment();
  const parsed = parseFlags(rest, command.flags, [flagsOfEnvironment(command.flags, environment)]);
  if (parsed.kind === "help") {
    print(describeCommand(name, command));
    return 0;
  }
  const unknown = unknownVariables(Object.values(COMMANDS).flatMap(({ flags }) => Object.keys(flags)), environment);
  try {
    if ("configure" in command) return await command.configure(rest, environment, unknown);
    for (const line of unknown) printError(`warning: ${line}`);
    return await command.run(parsed.values, parsed.positionals, parsed.mistakes);
  } catch (error) {
    printError(`relaymeter: failed while running: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

/** The arguments, those that name a command of two words joined to one. */
function joinName(args: readonly string[]): readonly string[] {
  const name = args.slice(0, 2).join(" ");
  return Object.hasOwn(COMMANDS, name) ? [name, ...args.slice(2)] : args;
}

function overview(): string {
  const commands = Object.entries(COMMANDS).map(([name, { usage, about }]) => `  ${name} ${usage}\n        ${about}`);
  return [
    "Relaymeter: a relay for blockchain RPC whose bill can be proved.",
    "",
    "Usage: relaymeter COMMAND [ARGUMENTS] [FLAGS]",
    "",
    ...commands,
    "",
    "  COMMAND --help   the flags of a command, with their defaults",
    "  --version        the version",
  ].join("\n");
}

function describeCommand(name: string, command: Command | ConfiguredCommand): string {
  const { usage, about, flags } = command;
  const lines = [
    `Usage: relaymeter ${name} ${usage} [FLAGS]`,
    "",
    `${about}.`,
    "",
    "Flags:",
    "  --help\n        this text",
  ];
  if (Object.keys(flags).length > 0) {
    lines.push(describeFlags(flags));
    lines.push(
      "",
      "Each flag has an environment variable, such as RELAYMETER_LOG_LEVEL for --log-level; the flag wins.",
    );
  }
  if ("configure" in command) lines.push("", describeForeignFlags(FOREIGN_FLAGS));
  return lines.join("\n");
}
