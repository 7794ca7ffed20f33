import { type Clock, systemClock } from "../domain/clock.ts";
import { type Log, silentLog } from "../domain/log.ts";
import type { UsageLogExporter } from "./log_exporter.ts";
import { UsageResource } from "./log_record.ts";
import { OtelUsageSink } from "./otel_usage_sink.ts";
import { jsonEncoding } from "./otlp/encode_json.ts";
import { protobufEncoding } from "./otlp/encode_protobuf.ts";
import { OtlpExporter } from "./otlp/otlp_exporter.ts";
import type { UsageSink } from "./usage_sink.ts";

/** Options of {@linkcode createOtelUsageSink}. Durations are milliseconds. */
export interface OtelUsageOptions {
  /** Full URL of the collector's logs endpoint. Default `http://localhost:4318/v1/logs`. */
  readonly url?: string;
  /** Headers sent with each export, or what gives them each time. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
  /** Default `http/json`; `http/protobuf` takes half the bytes and a third of the time. */
  readonly protocol?: "http/json" | "http/protobuf";
  /** Default `none`. */
  readonly compression?: "none" | "gzip";
  /**
   * Default `otlp`. `sdk` is OpenTelemetry's own OTLP/HTTP exporter, which speaks JSON and is loaded when it is asked
   * for; any other log exporter of its ecosystem can be given instead of a name, and is shut down with the sink.
   */
  readonly exporter?: "otlp" | "sdk" | UsageLogExporter;
  /** Most events of a kind waiting in memory; default 50,000. */
  readonly queueSize?: number;
  /** Events that start a flush, and the most in one batch; default 1,000. */
  readonly batchSize?: number;
  /** Longest that an event waits for its batch; default 500. */
  readonly flushIntervalMs?: number;
  /** For one request to the collector, and for all that is left at `close`; default 10,000. */
  readonly exportTimeoutMs?: number;
  /** For a batch with all its retries; default 300,000. An outage that is longer loses events, and counts them. */
  readonly retryBudgetMs?: number;
  /** Most batches of a kind on their way at once; default 4. */
  readonly maxBatchesInFlight?: number;
  /** Whether `relay_usage` records carry `event_id`, `error_class` and `attempts` as well; default false. */
  readonly extended?: boolean;
  /** Resource attributes: `service.name`, `service.instance.id` and whatever else says whose events these are. */
  readonly resource?: Readonly<Record<string, string>>;
  /** Reaches the collector. Default: the platform's. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Default: the platform's. */
  readonly clock?: Clock;
  /** From 0 to 1, for the jitter between retries. Default: the platform's. */
  readonly random?: () => number;
  /** Where drops are reported; default: nowhere but the ledger. */
  readonly log?: Log;
}

/**
 * A sink that exports OTLP/HTTP logs to an OpenTelemetry collector.
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
  const { clock = systemClock, log = silentLog, exportTimeoutMs = 10_000, retryBudgetMs = 300_000 } = options;
  const resource = new UsageResource(options.resource ?? { "service.name": "relaymeter" });
  const exporter = await createExporter({ ...options, clock, log, exportTimeoutMs, retryBudgetMs });
  return new OtelUsageSink({ exporter, resource, clock, log }, {
    queueSize: options.queueSize ?? 50_000,
    batchSize: options.batchSize ?? 1_000,
    flushIntervalMs: options.flushIntervalMs ?? 500,
    maxBatchesInFlight: options.maxBatchesInFlight ?? 4,
    // Only for exporters that forget to call back: ours keeps its budget.
    exporterTimeoutMs: retryBudgetMs + 2 * exportTimeoutMs,
    drainTimeoutMs: exportTimeoutMs,
    eventIdPrefix: options.extended ? `${resource.attributes["service.instance.id"] ?? ""}/${bootId()}/` : "",
  });
}

type ResolvedOptions =
  & OtelUsageOptions
  & Required<Pick<OtelUsageOptions, "clock" | "log" | "exportTimeoutMs" | "retryBudgetMs">>;

async function createExporter(options: ResolvedOptions): Promise<UsageLogExporter> {
  const { clock, log, exportTimeoutMs: timeoutMs, retryBudgetMs } = options;
  const { exporter = "otlp", url = "http://localhost:4318/v1/logs", headers = {}, compression = "none" } = options;
  if (typeof exporter !== "string") return exporter;
  if (exporter === "sdk") {
    const { createSdkExporter } = await import("./sdk_exporter.ts");
    const fixed = typeof headers === "function" ? headers() : headers;
    return createSdkExporter({ url, headers: fixed, compression, timeoutMs });
  }
  return new OtlpExporter({
    fetch: options.fetch ?? globalThis.fetch,
    clock,
    random: options.random ?? Math.random,
    log,
  }, {
    url,
    headers: typeof headers === "function" ? headers : () => headers,
    encoding: options.protocol === "http/protobuf" ? protobufEncoding : jsonEncoding,
    compression,
    timeoutMs,
    retryBudgetMs,
  });
}

/** Tells two lives of one instance apart. */
function bootId(): string {
  return crypto.randomUUID().slice(0, 13).replace("-", "");
}
