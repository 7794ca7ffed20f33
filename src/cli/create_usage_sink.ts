import type { RelayFlags } from "../config/flags.ts";
import { systemClock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import type { RetentionOptions } from "../store/retention.ts";
import { openStoreInWorker } from "../store/store_client.ts";
import type { ProjectUnits } from "../store/worker_messages.ts";
import { PostClient } from "../transports/http1/post_client.ts";
import { createOtelUsageSink, openUsageSink, type OtelUsageOptions } from "../usage/create_usage_sink.ts";
import { postByFetch } from "../usage/post_by_fetch.ts";
import { NoopUsageSink, type UsageSink } from "../usage/usage_sink.ts";
import { hasProxy, upstreamConnect } from "./upstream.ts";

/** A relay's sink, or why there can't be one. */
export type UsageSinkResult =
  | {
    readonly kind: "sink";
    readonly sink: UsageSink;
    /** Where events go. */
    readonly target: "off" | "otel" | "store";
    /** What projects had used of this day, where that is known. */
    readonly unitsOfDay: readonly ProjectUnits[];
    /** Lets go of what is behind the sink, once that is closed. */
    release(): Promise<void>;
  }
  | { readonly kind: "failure"; readonly message: string };

/** What is wrong with the flags that say where events go. */
export function usageTargetMistakes(flags: RelayFlags): string[] {
  const mistakes: string[] = [];
  const isStored = flags["usage-store"] !== "";
  if (isStored && flags["usage-otel-enabled"]) {
    mistakes.push("--usage-store: is instead of a collector; leave out --usage-otel-enabled");
  }
  if (flags["usage-receipts"] && !isStored && !(flags["usage-otel-enabled"] && flags["usage-otel-extended"])) {
    mistakes.push(
      "--usage-receipts: needs events with ids: --usage-store, or --usage-otel-enabled with --usage-otel-extended",
    );
  }
  return mistakes;
}

/** Makes the sink that the flags ask for. */
export async function createUsageSink(
  flags: RelayFlags,
  options: OtelUsageOptions,
  log: Log,
): Promise<UsageSinkResult> {
  const target = flags["usage-store"] !== "" ? "store" : flags["usage-otel-enabled"] ? "otel" : "off";
  if (target === "off") {
    return {
      kind: "sink",
      sink: new NoopUsageSink(),
      target,
      unitsOfDay: [],
      release: () => Promise.resolve(),
    };
  }
  if (target === "store") return await createStoreSink(flags, options, log);
  const byFetch = postByFetch(fetch);
  // A proxy is heeded by the platform's fetch alone.
  const own = hasProxy()
    ? undefined
    : new PostClient({ connect: upstreamConnect, clock: systemClock, fallback: byFetch });
  try {
    const sink = await openUsageSink({ ...options, log }, own?.post ?? byFetch);
    return { kind: "sink", sink, target, unitsOfDay: [], release: () => Promise.resolve(own?.close()) };
  } catch {
    return { kind: "failure", message: `--usage-spool-dir: ${flags["usage-spool-dir"]} can't be written to` };
  }
}

/** How long, and how much of it, a store keeps, as the flags say. */
export function retentionOf(flags: RelayFlags): RetentionOptions {
  return {
    maxAgeMs: { relay_usage: flags["usage-store-max-age"], optimizer_qos: flags["usage-store-max-qos-age"] },
    maxBytes: flags["usage-store-max-bytes"],
  };
}

/** A sink whose collector is a worker of this process: all that it promises of a collector holds here as well. */
async function createStoreSink(flags: RelayFlags, options: OtelUsageOptions, log: Log): Promise<UsageSinkResult> {
  const opened = await openStoreInWorker(Deno.mainModule, flags["usage-store"], retentionOf(flags), log);
  if (opened.kind === "failure") return { kind: "failure", message: `--usage-store: ${opened.message}` };
  const { store } = opened;
  const sink = await createOtelUsageSink({
    ...options,
    log,
    url: "http://usage-store/v1/logs",
    fetch: store.fetch,
    headers: {},
    protocol: "http/protobuf",
    compression: "none",
    exporter: "otlp",
    extended: true,
  });
  return { kind: "sink", sink, target: "store", unitsOfDay: store.unitsOfDay, release: () => store.close() };
}
