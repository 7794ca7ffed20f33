import type { RelayFlags } from "../config/flags.ts";
import { systemClock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { OptimizerQosEvent } from "../domain/usage_event.ts";
import { cleanDouble, OPTIMIZER_QOS_ATTRIBUTES } from "../usage/attributes.ts";
import { OptimizerQosSampler } from "../usage/optimizer_qos_sampler.ts";
import { NoopUsageSink, type UsageSink } from "../usage/usage_sink.ts";

/** What is wrong with the flags that say who sees the scores. */
export function samplerMistakes(flags: RelayFlags): string[] {
  if (!flags["optimizer-qos-listen"] || flags["metrics-listen-address"] !== "disabled") return [];
  return ["--optimizer-qos-listen: needs --metrics-listen-address, where the scores are served"];
}

/** Samples the scores of providers when anybody wants them: the usage sink, the metrics, or the scrape endpoint. */
export function createSampler(flags: RelayFlags, usage: UsageSink, log: Log): OptimizerQosSampler | undefined {
  const isScraped = flags["metrics-listen-address"] !== "disabled";
  if (usage instanceof NoopUsageSink && !isScraped) return undefined;
  return new OptimizerQosSampler(usage, systemClock, {
    intervalMs: flags["optimizer-qos-sampling-interval"],
    epochDurationMs: flags["epoch-duration"],
    hostname: hostname(),
    publicAddress: `smart-router-${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`,
    geoLocation: flags.geolocation,
    log,
  });
}

/** The newest scores as a JSON array: each an object of its record's attributes, and the moment as `timestamp`. */
export function scoresAsJson(events: readonly OptimizerQosEvent[]): string {
  return JSON.stringify(events.map((event) => {
    const record: Record<string, unknown> = { timestamp: new Date(event.timeUnixMs).toISOString() };
    for (const { name, type, read } of OPTIMIZER_QOS_ATTRIBUTES) {
      const value = read(event, "");
      record[name] = type === "double" ? cleanDouble(Number(value)) : value;
    }
    return record;
  }));
}

function hostname(): string {
  try {
    return Deno.hostname();
  } catch {
    // Left unknown, as the permissions say.
    return "unknown";
  }
}
