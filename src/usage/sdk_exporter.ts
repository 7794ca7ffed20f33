import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import type { UsageLogExporter } from "./log_exporter.ts";

/** Where a collector is and how it is spoken to, resolved. */
export interface SdkExporterOptions {
  /** Full URL of the collector's logs endpoint. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: "none" | "gzip";
  /** Milliseconds for one batch, retries included. */
  readonly timeoutMs: number;
}

/** OpenTelemetry's own OTLP/HTTP exporter. This file is the only one that loads OpenTelemetry. */
export function createSdkExporter({ url, headers, compression, timeoutMs }: SdkExporterOptions): UsageLogExporter {
  return new OTLPLogExporter({
    url,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
    // The package's enum is ambient: its members can be told from their values only.
    compression: compression as NonNullable<ConstructorParameters<typeof OTLPLogExporter>[0]>["compression"] & string,
  });
}
