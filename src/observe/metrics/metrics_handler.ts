import type { MetricsRegistry } from "./metrics.ts";

/** What is served beside the metrics. */
export interface MetricsHandlerOptions {
  /** The body of `/provider_optimizer_metrics`, JSON; without it, that path is not served. */
  readonly optimizerMetrics?: (() => string) | undefined;
}

/**
 * Serves the metrics of a process to Prometheus, and its health.
 *
 * @example
 * ```ts
 * import { createMetrics, createMetricsHandler, NoopUsageSink } from "@relaymeter/relay";
 *
 * const usage = new NoopUsageSink();
 * const handler = createMetricsHandler(createMetrics({ version: "1.0.0", usage: () => usage.stats() }));
 * const response = handler(new Request("http://relay.example/metrics"));
 * if (response.status !== 200) throw new Error("metrics are served");
 * ```
 */
export function createMetricsHandler(metrics: MetricsRegistry, { optimizerMetrics }: MetricsHandlerOptions = {}): (
  request: Request,
) => Response {
  return (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") return text("only GET is served here", 405, "GET, HEAD");
    switch (pathOf(request)) {
      case "/metrics":
        return respond(metrics.toString(), 200, "text/plain; version=0.0.4; charset=utf-8");
      case "/metrics/overall-health":
        return metrics.isHealthy() ? text("Health status OK", 200) : text("Health status not OK", 503);
      case "/provider_optimizer_metrics":
        if (optimizerMetrics === undefined) break;
        return respond(optimizerMetrics(), 200, "application/json");
    }
    return text("not found; ask for /metrics", 404);
  };
}

function pathOf(request: Request): string {
  try {
    return new URL(request.url).pathname;
  } catch {
    return "";
  }
}

function text(body: string, status: number, allow?: string): Response {
  const response = respond(body, status, "text/plain; charset=utf-8");
  if (allow !== undefined) response.headers.set("allow", allow);
  return response;
}

function respond(body: string, status: number, contentType: string): Response {
  return new Response(body, { status, headers: { "content-type": contentType } });
}
