import { systemClock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import { addressText } from "../../config/address.ts";
import type { RelayFlags } from "../../config/flags.ts";
import { listen } from "../../hosts/deno.ts";
import type { ExitCode } from "../exit_code.ts";
import type { HangUps } from "../hang_ups.ts";
import type { LoadedConfig } from "../load_config.ts";
import { refuse } from "../refuse.ts";
import { listenForAdmin } from "../serve/listen_for_admin.ts";
import { changeFlags } from "../serve/reloadable_flags.ts";
import { Reloader, type ReloadResult } from "../serve/reloader.ts";
import { stopSignals } from "../stop_signals.ts";
import { askProcess } from "./ask_process.ts";
import { childArgs, childCommand } from "./child_command.ts";
import { startChild } from "./child_process.ts";
import { createParentHandler } from "./parent_handler.ts";
import { Supervisor } from "./supervisor.ts";

/** The flags that are of the parent alone, and read once. */
const OWN_FLAGS = ["--processes", "--metrics-listen-address", "--admin-listen-address", "--admin-token"];

/** What the parent works with. */
export interface ParentDeps {
  /** Reads the configuration anew. */
  load(): Promise<LoadedConfig>;
  readonly hangUps: HangUps;
  readonly log: Log;
  setLevel(level: RelayFlags["log-level"]): void;
}

/** Runs a relay as several processes on the same ports, until SIGTERM or SIGINT. */
export async function supervise(
  command: string,
  args: readonly string[],
  loaded: LoadedConfig,
  { load, hangUps, log, setLevel }: ParentDeps,
): Promise<ExitCode> {
  const { flags } = loaded;
  const program = childCommand(filesOf(loaded, args));
  if (program.kind === "failure") return refuse([program.message], `relaymeter ${command} --help`);
  const stopped = stopSignals();
  let isStopping = false;
  const supervisor = new Supervisor({
    start: (slot, onReport) =>
      startChild(program.path, [...program.args, ...childArgs(command, args, slot, loaded)], onReport),
    clock: systemClock,
    log,
  }, flags.processes);
  const reloader = new Reloader({
    async prepare() {
      const next = await load();
      if (next.mistakes.length > 0) {
        return { change: { kind: "refused" as const, mistakes: next.mistakes }, warnings: [] };
      }
      const own = changeFlags(flags, next.flags).unchanged.filter((name) => OWN_FLAGS.includes(name));
      const change = changeOf(await supervisor.reload(), own);
      if (change.kind === "ready") setLevel(next.flags["log-level"]);
      return { change, warnings: next.warnings };
    },
    // The processes have done it.
    apply() {},
    isStopping: () => isStopping,
    now: () => systemClock.now(),
    log,
  });
  hangUps.onHangUp(() => void reloader.reload("SIGHUP"));
  const handler = createParentHandler({
    processes: () => supervisor.processes,
    isStopping: () => isStopping,
    ask: askProcess,
  });
  const address = flags["metrics-listen-address"];
  const metrics = address === "disabled" ? undefined : listen(address, handler);
  if (metrics !== undefined) log.info("metrics are listening", { address: addressText(metrics) });
  const unreadiness = () =>
    supervisor.processes.some(({ isServing }) => isServing) && !isStopping ? [] : ["no process serves"];
  const admin = listenForAdmin(flags, () => reloader.reload("POST /admin/reload"), unreadiness, log);

  const signal = await Promise.race([stopped.first, supervisor.ended.then(() => undefined)]);
  isStopping = true;
  if (signal !== undefined) log.info("stopping", { signal, processes: flags.processes });
  supervisor.stop();
  stopped.second.then((signal) => {
    log.warn("all processes are told to end at once", { signal });
    supervisor.insist();
  });
  const code = await supervisor.ended;
  for (const listener of [metrics, admin]) listener?.shutdown().catch(() => {});
  log.info("stopped; all processes have ended", { exit_code: code });
  return code;
}

/** What came of a reload of all processes. */
function changeOf(results: ReadonlyMap<number, ReloadResult>, needsRestart: readonly string[]) {
  const mistakes: string[] = [];
  const restarts = new Set(needsRestart);
  for (const [slot, result] of results) {
    if (result.kind === "refused") mistakes.push(...result.mistakes.map((mistake) => `process ${slot}: ${mistake}`));
    if (result.kind === "applied") { for (const each of result.needsRestart) restarts.add(each); }
  }
  if (mistakes.length > 0) return { kind: "refused", mistakes } as const;
  return { kind: "ready", needsRestart: [...restarts] } as const;
}

/** What a process may have to read or write. */
function filesOf({ flags, endpoints }: LoadedConfig, args: readonly string[]): string[] {
  const files = [
    ".",
    ...args.filter((arg) => !arg.startsWith("-")),
    ...flags["use-static-spec"].filter((source) => !/^https?:/i.test(source)),
    ...endpoints.flatMap(({ tls }) => tls === undefined ? [] : [tls.certFile, tls.keyFile]),
    flags["usage-spool-dir"],
  ];
  return [...new Set(files.filter((file) => file !== ""))];
}
