import type { OtelUsageOptions } from "../usage/create_usage_sink.ts";
import type { RelayFlags } from "./flags.ts";

/** What of the process the usage options depend on. */
export interface ProcessFacts {
  /** Value of an environment variable; undefined when it is not set. */
  env(name: string): string | undefined;
  readonly hostname: string | undefined;
  readonly pid: number;
}

/** The sink's options, or what is wrong with the flags and variables that they come from. */
export type UsageOptionsResult =
  | { readonly kind: "options"; readonly options: OtelUsageOptions }
  | { readonly kind: "mistakes"; readonly mistakes: readonly string[] };

/** Resolves the `--usage-otel-*` flags and the `OTEL_*` variables behind them. */
export function resolveUsageOptions(
  flags: RelayFlags,
  defaultServiceName: string,
  facts: ProcessFacts,
): UsageOptionsResult {
  const mistakes: string[] = [];
  const url = resolveUrl(flags, facts);
  if (url === undefined) mistakes.push("the collector's endpoint is not host:port or an http(s) URL");
  const headers = parsePairs(flags["usage-otel-headers"] || facts.env("OTEL_EXPORTER_OTLP_HEADERS") || "");
  if (headers === undefined) mistakes.push("--usage-otel-headers: must be written k=v,k2=v2");
  const added = parsePairs(facts.env("OTEL_RESOURCE_ATTRIBUTES") ?? "");
  if (added === undefined) mistakes.push("OTEL_RESOURCE_ATTRIBUTES: must be written k=v,k2=v2");
  if (url === undefined || headers === undefined || added === undefined) return { kind: "mistakes", mistakes };
  return {
    kind: "options",
    options: {
      url,
      headers,
      compression: flags["usage-otel-compression"],
      queueSize: flags["usage-otel-queue-size"],
      batchSize: flags["usage-otel-batch-size"],
      flushIntervalMs: flags["usage-otel-flush-interval"],
      exportTimeoutMs: flags["usage-otel-export-timeout"],
      resource: {
        ...added,
        "service.name": flags["usage-otel-service-name"] || defaultServiceName,
        "service.instance.id": flags["usage-otel-service-instance-id"] || `${facts.hostname ?? "unknown"}-${facts.pid}`,
      },
    },
  };
}

/**
 * The flag's endpoint, that of the variable for logs, or the general one. A URL with a path of its own keeps it; to a
 * base URL, and always to the general variable's, the path of OTLP/HTTP logs is added.
 */
function resolveUrl(flags: RelayFlags, facts: ProcessFacts): string | undefined {
  const scheme = flags["usage-otel-insecure"] ? "http" : "https";
  const flag = flags["usage-otel-endpoint"];
  const ofLogs = facts.env("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT");
  const general = facts.env("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (flag !== "") return toUrl(flag, scheme, "unless_it_has_a_path");
  if (ofLogs) return toUrl(ofLogs, scheme, "never");
  return toUrl(general || "localhost:4318", scheme, "always");
}

type AddPath = "always" | "never" | "unless_it_has_a_path";

function toUrl(endpoint: string, scheme: string, addPath: AddPath): string | undefined {
  try {
    const url = new URL(endpoint.includes("://") ? endpoint : `${scheme}://${endpoint}`);
    if ((url.protocol !== "http:" && url.protocol !== "https:") || url.hostname === "") return undefined;
    const hasPath = url.pathname !== "/";
    if (addPath === "always" || (addPath === "unless_it_has_a_path" && !hasPath)) {
      url.pathname = `${url.pathname.replace(/\/$/, "")}/v1/logs`;
    }
    return url.href;
  } catch {
    return undefined;
  }
}

/** `k=v,k2=v2`, values percent-encoded, as OpenTelemetry's variables are written. */
function parsePairs(text: string): Record<string, string> | undefined {
  const pairs: Record<string, string> = {};
  for (const part of text.split(",").filter((part) => part.trim() !== "")) {
    const equals = part.indexOf("=");
    const key = part.slice(0, equals).trim();
    if (equals < 1 || key === "") return undefined;
    try {
      pairs[key] = decodeURIComponent(part.slice(equals + 1).trim());
    } catch {
      return undefined;
    }
  }
  return pairs;
}
