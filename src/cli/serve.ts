import denoConfig from "../../deno.json" with { type: "json" };
import { createMetrics, ProjectBudgets } from "../../mod.ts";
import type { Environment } from "../config/environment.ts";
import { addressText } from "../config/address.ts";
import type { RelayFlags } from "../config/flags.ts";
import { systemClock } from "../domain/clock.ts";
import { createJsonLog, logWith } from "../observe/log.ts";
import { createCache } from "./create_cache.ts";
import { createUsageSink } from "./create_usage_sink.ts";
import type { ExitCode } from "./exit_code.ts";
import { listenForHangUps } from "./hang_ups.ts";
import { loadConfig } from "./load_config.ts";
import { listenForMetrics } from "./listen_for_metrics.ts";
import { openParentChannel } from "./processes/parent_channel.ts";
import { supervise } from "./processes/supervise.ts";
import { refuse } from "./refuse.ts";
import { createSampler, scoresAsJson } from "./sampler.ts";
import { prepareChange } from "./serve/change_config.ts";
import { startEndpoints } from "./serve/endpoints.ts";
import { eventsAtRisk, ledgerFields } from "./serve/final_ledger.ts";
import { Lifecycle } from "./serve/lifecycle.ts";
import { listenAddresses, takenAddresses } from "./serve/listen_addresses.ts";
import { listenForAdmin } from "./serve/listen_for_admin.ts";
import { Reloader } from "./serve/reloader.ts";
import { type RunningEndpoint, unhealthyOf } from "./serve/running.ts";
import { stop } from "./serve/stop.ts";
import { stopSignals } from "./stop_signals.ts";
import { write } from "./terminal.ts";
import { pageOfRelay } from "./usage_page.ts";

/** Runs the relay until SIGTERM or SIGINT. Nothing listens before everything has been found to be good. */
export async function serve(
  command: "rpcsmartrouter" | "rpcconsumer",
  args: readonly string[],
  environment: Environment,
  unknownVariables: readonly string[],
): Promise<ExitCode> {
  const hangUps = listenForHangUps();
  const load = () => loadConfig(args, { environment, serviceName: `lava-${command}` });
  const loaded = await load();
  const { certificates, usage: usageOptions } = loaded;
  let { flags } = loaded;
  const taken = takenAddresses(listenAddresses(loaded.endpoints, flags));
  if (loaded.mistakes.length > 0 || taken.length > 0 || usageOptions.kind === "mistakes") {
    refuse([...loaded.mistakes, ...taken], `relaymeter ${command} --help`);
    // An address in use may be free again the next time, which wrong usage is not.
    return loaded.mistakes.length > 0 ? 2 : 1;
  }

  // To create it again changes the level of the one that there is.
  const setLevel = (level: RelayFlags["log-level"]) => createJsonLog(level, (line) => write(Deno.stderr, line));
  const processLog = setLevel(flags["log-level"]);
  if (flags.processes > 1) return await supervise(command, args, loaded, { load, hangUps, log: processLog, setLevel });
  const slot = flags["process-slot"];
  const parent = slot > 0 ? openParentChannel() : undefined;
  const log = parent === undefined ? processLog : logWith(processLog, { process: slot });
  for (const warning of [...unknownVariables, ...loaded.warnings]) log.warn(warning);
  for (const note of loaded.notes) log.debug(note);
  const created = await createUsageSink(flags, usageOptions.options, log);
  if (created.kind === "failure") return refuse([created.message], `relaymeter ${command} --help`);
  const { sink: usage, target } = created;
  const stopped = stopSignals(parent);
  const lifecycle = new Lifecycle();
  const cache = await createCache(flags, log);
  const budgets = new ProjectBudgets(loaded.projects, systemClock);
  for (const [project, units] of created.unitsOfDay) budgets.resumeDay(project, units);
  const qos = createSampler(flags, usage, log);
  let running: readonly RunningEndpoint[] = [];
  const reloader = new Reloader({
    async prepare() {
      // What is asked for while the relay starts waits until there is something to change.
      await lifecycle.started;
      const next = await load();
      return { change: prepareChange(next, running, flags, { budgets, certificates }), warnings: next.warnings };
    },
    apply(change) {
      flags = change.apply();
      setLevel(flags["log-level"]);
    },
    isStopping: () => lifecycle.phase === "stopping",
    now: () => systemClock.now(),
    log,
  });
  hangUps.onHangUp(() => void reloader.reload("SIGHUP"));
  parent?.onReload(async () => parent.report({ is: "reloaded", result: await reloader.reload("parent") }));
  const metrics = createMetrics({
    version: denoConfig.version,
    usage: () => usage.stats(),
    numbering: () => usage.numbering?.(),
    scores: () => qos?.latest() ?? [],
    reloads: () => reloader.counts,
  });
  const optimizerMetrics = flags["optimizer-qos-listen"] && qos ? () => scoresAsJson(qos.latest()) : undefined;
  const unreadiness = () => lifecycle.unreadiness(() => unhealthyOf(running));
  const metricsListener = listenForMetrics(flags["metrics-listen-address"], metrics, log, unreadiness, {
    optimizerMetrics,
  });
  const admin = listenForAdmin(flags, () => reloader.reload("POST /admin/reload"), unreadiness, log);
  const page = flags.ui === "disabled" ? undefined : pageOfRelay(usage, flags.ui, flags["ui-host"], log);
  running = await startEndpoints(loaded.endpoints, flags, {
    usage: page?.usage ?? usage,
    target,
    cache,
    budgets,
    qos,
    log,
    metrics: metricsListener && metrics,
    certificates,
    lifecycle,
  });
  lifecycle.start();
  parent?.report({ is: "serving", metrics: metricsListener === undefined ? "" : addressText(metricsListener) });

  const signal = await stopped.first;
  lifecycle.stop();
  log.info("stopping", { signal, delay_ms: flags["shutdown-delay"], grace_ms: flags["shutdown-grace"] });
  const stopping = stop(running, created, flags, [metricsListener, admin, page], qos, log);
  const insisted = await Promise.race([stopping, stopped.second]);
  if (insisted === undefined) {
    await cache?.[Symbol.asyncDispose]?.();
    log.info("stopped; final ledger", ledgerFields(usage));
    return 0;
  }
  log.warn("stopped at once; what is queued or in flight is lost", {
    signal: insisted,
    requests_lost: running.reduce((sum, { relay }) => sum + relay.inFlight(), 0),
    usage_events_lost: eventsAtRisk(usage.stats(), flags["usage-spool-dir"] !== ""),
    ...ledgerFields(usage),
  });
  return 1;
}
