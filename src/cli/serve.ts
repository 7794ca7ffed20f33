import denoConfig from "../../deno.json" with { type: "json" };
import { createMetrics, ProjectBudgets } from "../../mod.ts";
import type { Environment } from "../config/environment.ts";
import { systemClock } from "../domain/clock.ts";
import { createJsonLog } from "../observe/log.ts";
import { createCache } from "./create_cache.ts";
import { createUsageSink } from "./create_usage_sink.ts";
import type { ExitCode } from "./exit_code.ts";
import { loadConfig } from "./load_config.ts";
import { listenForMetrics } from "./listen_for_metrics.ts";
import { refuse } from "./refuse.ts";
import { createSampler, scoresAsJson } from "./sampler.ts";
import { startEndpoints } from "./serve/endpoints.ts";
import { eventsAtRisk, ledgerFields } from "./serve/final_ledger.ts";
import { Lifecycle } from "./serve/lifecycle.ts";
import { listenAddresses, takenAddresses } from "./serve/listen_addresses.ts";
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
  const loaded = await loadConfig(args, { environment, serviceName: `lava-${command}` });
  const { flags, certificates, usage: usageOptions } = loaded;
  const mistakes = [...loaded.mistakes, ...takenAddresses(listenAddresses(loaded.endpoints, flags))];
  if (mistakes.length > 0 || usageOptions.kind === "mistakes") return refuse(mistakes, `relaymeter ${command} --help`);

  const log = createJsonLog(flags["log-level"], (line) => write(Deno.stderr, line));
  for (const warning of [...unknownVariables, ...loaded.warnings]) log.warn(warning);
  for (const note of loaded.notes) log.debug(note);
  const created = await createUsageSink(flags, usageOptions.options, log);
  if (created.kind === "failure") return refuse([created.message], `relaymeter ${command} --help`);
  const { sink: usage, target } = created;
  const stopped = stopSignals();
  const cache = await createCache(flags, log);
  const budgets = new ProjectBudgets(loaded.projects, systemClock);
  for (const [project, units] of created.unitsOfDay) budgets.resumeDay(project, units);
  const qos = createSampler(flags, usage, log);
  const metrics = createMetrics({
    version: denoConfig.version,
    usage: () => usage.stats(),
    numbering: () => usage.numbering?.(),
    scores: () => qos?.latest() ?? [],
  });
  const optimizerMetrics = flags["optimizer-qos-listen"] && qos ? () => scoresAsJson(qos.latest()) : undefined;
  const lifecycle = new Lifecycle();
  let running: readonly RunningEndpoint[] = [];
  const unreadiness = () => lifecycle.unreadiness(() => unhealthyOf(running));
  const metricsListener = listenForMetrics(flags["metrics-listen-address"], metrics, log, unreadiness, {
    optimizerMetrics,
  });
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
  if (lifecycle.phase === "starting") lifecycle.phase = "serving";

  const signal = await stopped.first;
  lifecycle.phase = "stopping";
  log.info("stopping", { signal, delay_ms: flags["shutdown-delay"], grace_ms: flags["shutdown-grace"] });
  const stopping = stop(running, created, flags, [metricsListener, page], qos, log);
  const insisted = await Promise.race([stopping, stopped.second]);
  const isClean = insisted === undefined;
  if (isClean) {
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
