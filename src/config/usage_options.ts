import { canSend } from "./headers.ts";
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

/** OpenTelemetry's variables that stand in for flags which are not given, the first one that is set. */
export const OTEL_VARIABLES = {
  "usage-otel-endpoint": ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"],
  "usage-otel-headers": ["OTEL_EXPORTER_OTLP_HEADERS"],
  "usage-otel-protocol": ["OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
} as const;

/** Resolves the `--usage-otel-*` flags and the `OTEL_*` variables behind them. */
export function resolveUsageOptions(
  flags: RelayFlags,
  defaultServiceName: string,
  process: ProcessFacts,
): UsageOptionsResult {
  // The variables are for programs that export; with usage off they are none of the relay's business.
  const facts = flags["usage-otel-enabled"] ? process : { ...process, env: () => undefined };
  const mistakes: string[] = [];
  const endpoint = chooseEndpoint(flags, facts);
  const url = toUrl(endpoint, flags["usage-otel-insecure"] ? "http" : "https");
  if (url === undefined) {
    // What has a user has a password.
    const value = endpoint.text.includes("@") ? "the value" : `"${endpoint.text}"`;
    mistakes.push(`${endpoint.source}: ${value} is not host:port or an http(s) URL`);
  }
  const headersFlag = flags["usage-otel-headers"];
  const headers = parsePairs(headersFlag || facts.env(OTEL_VARIABLES["usage-otel-headers"][0]) || "");
  if (headers === undefined || !canSend(headers)) {
    // The value may be a token: it is not shown.
    const source = headersFlag === "" ? OTEL_VARIABLES["usage-otel-headers"][0] : "--usage-otel-headers";
    mistakes.push(`${source}: must be headers written k=v,k2=v2, values percent-encoded`);
  }
  const added = parsePairs(facts.env("OTEL_RESOURCE_ATTRIBUTES") ?? "");
  if (added === undefined) mistakes.push("OTEL_RESOURCE_ATTRIBUTES: must be written k=v,k2=v2");
  const protocol = resolveProtocol(flags, facts);
  if (protocol === undefined) mistakes.push("OTEL_EXPORTER_OTLP_PROTOCOL: must be http/json or http/protobuf");
  if (flags["usage-otel-exporter"] === "sdk" && protocol === "http/protobuf") {
    mistakes.push("--usage-otel-exporter: sdk speaks http/json only; leave it at otlp for http/protobuf");
  }
  const directory = flags["usage-spool-dir"];
  if (directory !== "" && (!flags["usage-otel-enabled"] || flags["usage-store"] !== "")) {
    mistakes.push("--usage-spool-dir: needs --usage-otel-enabled; without it there is no collector to keep events for");
  }
  if (directory !== "" && flags["usage-otel-exporter"] === "sdk") {
    mistakes.push("--usage-spool-dir: needs --usage-otel-exporter otlp, since it keeps encoded records");
  }
  if (
    url === undefined || headers === undefined || added === undefined || protocol === undefined || mistakes.length > 0
  ) {
    return { kind: "mistakes", mistakes };
  }
  return {
    kind: "options",
    options: {
      url,
      headers,
      protocol,
      compression: flags["usage-otel-compression"],
      exporter: flags["usage-otel-exporter"],
      extended: flags["usage-otel-extended"],
      queueSize: flags["usage-otel-queue-size"],
      batchSize: flags["usage-otel-batch-size"],
      flushIntervalMs: flags["usage-otel-flush-interval"],
      exportTimeoutMs: flags["usage-otel-export-timeout"],
      retryBudgetMs: flags["usage-otel-retry-budget"],
      maxBatchesInFlight: flags["usage-otel-max-batches-in-flight"],
      ...(directory !== "" && {
        spool: {
          directory,
          maxBytes: flags["usage-spool-max-bytes"],
          syncIntervalMs: flags["usage-spool-sync-interval"],
          hostname: facts.hostname ?? "unknown",
        },
      }),
      resource: {
        ...added,
        "service.name": flags["usage-otel-service-name"] || defaultServiceName,
        "service.instance.id": flags["usage-otel-service-instance-id"] || `${facts.hostname ?? "unknown"}-${facts.pid}`,
      },
    },
  };
}

/** Where the collector's endpoint was named, and how much of a URL is to be made of it. */
interface Endpoint {
  readonly source: string;
  readonly text: string;
  readonly addPath: "always" | "never" | "unless_it_has_a_path";
}

/**
 * The flag's endpoint, that of the variable for logs, or the general one. A URL with a path of its own keeps it; to a
 * base URL, and always to the general variable's, the path of OTLP/HTTP logs is added.
 */
function chooseEndpoint(flags: RelayFlags, facts: ProcessFacts): Endpoint {
  const flag = flags["usage-otel-endpoint"];
  if (flag !== "") return { source: "--usage-otel-endpoint", text: flag, addPath: "unless_it_has_a_path" };
  const [ofLogs, general] = OTEL_VARIABLES["usage-otel-endpoint"];
  const logsText = facts.env(ofLogs);
  if (logsText) return { source: ofLogs, text: logsText, addPath: "never" };
  return { source: general, text: facts.env(general) || "localhost:4318", addPath: "always" };
}

function toUrl({ text, addPath }: Endpoint, scheme: string): string | undefined {
  try {
    const url = new URL(text.includes("://") ? text : `${scheme}://${text}`);
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

/** The flag's protocol, that of the variable for logs, or the general one; undefined for one that is not spoken. */
function resolveProtocol(flags: RelayFlags, facts: ProcessFacts): OtelUsageOptions["protocol"] | undefined {
  const [ofLogs, general] = OTEL_VARIABLES["usage-otel-protocol"];
  const name = flags["usage-otel-protocol"] || facts.env(ofLogs) || facts.env(general) ||
    (flags["usage-otel-exporter"] === "sdk" ? "http/json" : "http/protobuf");
  return name === "http/json" || name === "http/protobuf" ? name : undefined;
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
