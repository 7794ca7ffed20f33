import { type Clock, systemClock } from "../domain/clock.ts";
import { type Log, silentLog } from "../domain/log.ts";
import { OtelUsageSink } from "./otel_usage_sink.ts";
import type { UsageSink } from "./usage_sink.ts";

/** Options of {@linkcode createOtelUsageSink}. Durations are milliseconds. */
export interface OtelUsageOptions {
  /** Full URL of the collector's logs endpoint. Default `http://localhost:4318/v1/logs`. */
  readonly url?: string;
  /** Headers sent with each export. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `none`. */
  readonly compression?: "none" | "gzip";
  /** Most events waiting in memory; default 50,000. */
  readonly queueSize?: number;
  /** Events that start a flush, and the most in one batch; default 1,000. */
  readonly batchSize?: number;
  /** Longest that an event waits for its batch; default 500. */
  readonly flushIntervalMs?: number;
  /** For one batch, and for all that is left at `close`; default 10,000. */
  readonly exportTimeoutMs?: number;
  /** Most batches on their way at once; default 4. */
  readonly maxBatchesInFlight?: number;
  /** Resource attributes: `service.name`, `service.instance.id` and whatever else says whose events these are. */
  readonly resource?: Readonly<Record<string, string>>;
  /** Default: the platform's. */
  readonly clock?: Clock;
  /** Where drops are reported; default: nowhere but the ledger. */
  readonly log?: Log;
}

/**
 * A sink that exports OTLP/HTTP logs to an OpenTelemetry collector. OpenTelemetry is loaded here, and only here.
 *
 * @example
 * ```ts
 * import { createOtelUsageSink } from "@relaymeter/relay";
 *
 * const usage = await createOtelUsageSink({
 *   url: "http://127.0.0.1:4318/v1/logs",
 *   resource: { "service.name": "my-relay" },
 * });
 * const ledger = await usage.close();
 * if (ledger.relay_usage.accepted !== 0) throw new Error("nothing was emitted");
 * ```
 */
export async function createOtelUsageSink(options: OtelUsageOptions = {}): Promise<UsageSink> {
  const { createSdkExporter, createResource } = await import("./sdk_exporter.ts");
  const exportTimeoutMs = options.exportTimeoutMs ?? 10_000;
  const exporter = createSdkExporter({
    url: options.url ?? "http://localhost:4318/v1/logs",
    headers: options.headers ?? {},
    compression: options.compression ?? "none",
    timeoutMs: exportTimeoutMs,
  });
  return new OtelUsageSink({
    exporter,
    resource: createResource(options.resource ?? { "service.name": "relaymeter" }),
    clock: options.clock ?? systemClock,
    log: options.log ?? silentLog,
  }, {
    queueSize: options.queueSize ?? 50_000,
    batchSize: options.batchSize ?? 1_000,
    flushIntervalMs: options.flushIntervalMs ?? 500,
    exportTimeoutMs,
    maxBatchesInFlight: options.maxBatchesInFlight ?? 4,
  });
}
