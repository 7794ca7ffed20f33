import { type Clock, systemClock } from "../domain/clock.ts";
import { type Log, silentLog } from "../domain/log.ts";
import type { Post } from "../domain/post.ts";
import type { UsageLogExporter } from "./log_exporter.ts";
import { UsageResource } from "./log_record.ts";
import { OtelUsageSink } from "./otel_usage_sink.ts";
import { jsonEncoding } from "./otlp/encode_json.ts";
import { protobufEncoding } from "./otlp/encode_protobuf.ts";
import type { OtlpEncoding } from "./otlp/encoding.ts";
import { OtlpExporter } from "./otlp/otlp_exporter.ts";
import { postByFetch } from "./post_by_fetch.ts";
import type { SdkExporterOptions } from "./sdk_exporter.ts";
import type { SpoolPort } from "./spool_port.ts";
import type { UsageSink } from "./usage_sink.ts";

/**
 * Options of {@linkcode createOtelUsageSink}. Durations are milliseconds.
 *
 * @example
 * ```ts
 * import { createOtelUsageSink, type OtelUsageOptions } from "@relaymeter/relay";
 *
 * const options: OtelUsageOptions = {
 *   url: "https://collector.example/v1/logs",
 *   protocol: "http/protobuf",
 *   headers: () => ({ authorization: `Bearer ${"token"}` }),
 *   extended: true,
 *   resource: { "service.name": "my-relay", "service.instance.id": "a-1" },
 * };
 * const usage = await createOtelUsageSink(options);
 * if (!usage.numbering?.()?.boot.startsWith("a-1/")) throw new Error("events are numbered");
 * await usage.close();
 * ```
 */
export interface OtelUsageOptions {
  /** Full URL of the collector's logs endpoint. Default `http://localhost:4318/v1/logs`. */
  readonly url?: string;
  /** Headers sent with each export, or what gives them each time. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
  /** Default `http/protobuf`; `http/json` takes twice the bytes and more CPU, and is what `sdk` speaks. */
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
  /** Keeps `relay_usage` events on disk until a collector has acknowledged them. Default: in memory only. */
  readonly spool?: UsageSpoolOptions;
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

/** Where events are kept on disk. Needs a file system, which Deno and Node have and the edge has not. */
export interface UsageSpoolOptions {
  /** Directory; processes may share it, since each has a folder of its own in it. */
  readonly directory: string;
  /** Most bytes on disk; default 1 GiB. Beyond that, events are sent from memory or dropped as `spool_full`. */
  readonly maxBytes?: number;
  /** Longest that an event waits before it is written and synced: what a crash can lose. Default 100. */
  readonly syncIntervalMs?: number;
  /** Name of this host, for telling dead processes of it from live ones of others. Default `localhost`. */
  readonly hostname?: string;
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
export function createOtelUsageSink(options: OtelUsageOptions = {}): Promise<UsageSink> {
  return openUsageSink(options, postByFetch(globalThis.fetch));
}

/** The same, where the program has its own way to a collector. It must be done with a request once that is a success. */
export async function openUsageSink(
  options: OtelUsageOptions,
  post: Post,
): Promise<UsageSink> {
  const { clock = systemClock, log = silentLog, exportTimeoutMs = 10_000, retryBudgetMs = 300_000 } = options;
  const { exporter: choice = "otlp", headers = {}, compression = "none", queueSize = 50_000 } = options;
  const url = options.url ?? "http://localhost:4318/v1/logs";
  const resource = new UsageResource(options.resource ?? { "service.name": "relaymeter" });
  const encoding = options.protocol === "http/json" ? jsonEncoding : protobufEncoding;
  const own = new OtlpExporter({
    post: options.fetch === undefined ? post : postByFetch(options.fetch),
    isPostQuick: options.fetch === undefined,
    clock,
    random: options.random ?? Math.random,
    log,
  }, {
    url,
    headers: typeof headers === "function" ? headers : () => headers,
    encoding,
    compression,
    timeoutMs: exportTimeoutMs,
    retryBudgetMs,
  });
  const exporter = choice === "otlp" ? own : choice === "sdk"
    ? await createSdk({
      url,
      headers: typeof headers === "function" ? headers() : headers,
      compression,
      timeoutMs: exportTimeoutMs,
    })
    : choice;

  const instance = resource.attributes["service.instance.id"] ?? "";
  const boot = bootId();
  if (options.spool !== undefined && exporter !== own) {
    throw new Error("the spool needs the exporter otlp: it keeps encoded records");
  }
  const spool = options.spool && await openSpool(options.spool, `${instance}-${boot}`, encoding, resource, log);
  return new OtelUsageSink({
    exporter,
    resource,
    clock,
    log,
    ...(exporter === own && { encoded: { exporter: own, encoding, retryBudgetMs } }),
    ...(spool !== undefined && {
      spooling: { spool, exporter: own, encoding, syncIntervalMs: options.spool?.syncIntervalMs ?? 100, retryBudgetMs },
    }),
  }, {
    queueSize,
    batchSize: options.batchSize ?? 1_000,
    flushIntervalMs: options.flushIntervalMs ?? 500,
    maxBatchesInFlight: options.maxBatchesInFlight ?? 4,
    // Ours keeps its budget and always calls back; of others that can't be known.
    exporterTimeoutMs: exporter === own ? Infinity : retryBudgetMs + 2 * exportTimeoutMs,
    drainTimeoutMs: exportTimeoutMs,
    eventIdPrefix: options.extended ? `${instance}/${boot}/` : "",
  });
}

/** OpenTelemetry is loaded when it is asked for. */
async function createSdk(options: SdkExporterOptions): Promise<UsageLogExporter> {
  const { createSdkExporter } = await import("./sdk_exporter.ts");
  return createSdkExporter(options);
}

/** The file system is looked for when it is asked for: at the edge there is none. */
async function openSpool(
  { directory, maxBytes = 1024 ** 3, hostname = "localhost" }: UsageSpoolOptions,
  name: string,
  { contentType }: OtlpEncoding,
  { attributes }: UsageResource,
  log: Log,
): Promise<SpoolPort> {
  const { Spool } = await import("./spool/spool.ts");
  const folderName = name.replace(/[^\w.-]/g, "_");
  return await Spool.open({
    directory,
    maxBytes,
    hostname,
    folderName,
    header: { contentType, resource: attributes },
    log,
  });
}

/** Tells two lives of one instance apart. */
function bootId(): string {
  return crypto.randomUUID().slice(0, 13).replace("-", "");
}
