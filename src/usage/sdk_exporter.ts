import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import type { LogRecordExporter } from "@opentelemetry/sdk-logs";

/** Where a collector is and how it is spoken to, resolved. */
export interface OtlpOptions {
  /** Full URL of the collector's logs endpoint. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: "none" | "gzip";
  /** Milliseconds for one batch, retries included. */
  readonly timeoutMs: number;
}

/** The official OTLP/HTTP exporter. This file is the only one that loads OpenTelemetry, and is loaded when it is used. */
export function createSdkExporter({ url, headers, compression, timeoutMs }: OtlpOptions): LogRecordExporter {
  return new OTLPLogExporter({
    url,
    headers: { ...headers },
    timeoutMillis: timeoutMs,
    // The package's enum is ambient: its members can be told from its values only.
    compression: compression as NonNullable<ConstructorParameters<typeof OTLPLogExporter>[0]>["compression"] & string,
  });
}

/** The resource that says which process the records come from. */
export function createResource(attributes: Readonly<Record<string, string>>): Resource {
  return resourceFromAttributes({ ...attributes });
}
