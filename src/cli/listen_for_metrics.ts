import { type Address, addressText } from "../config/address.ts";
import type { Log } from "../domain/log.ts";
import { listen, type Listener } from "../hosts/deno.ts";
import { withProbes } from "../hosts/probes.ts";
import { createMetricsHandler, type MetricsHandlerOptions } from "../observe/metrics/metrics_handler.ts";
import type { MetricsRegistry } from "../observe/metrics/metrics.ts";

/** Serves the metrics on an address of their own, and beside them the probes of the process, unless they are off. */
export function listenForMetrics(
  address: Address | "disabled",
  metrics: MetricsRegistry,
  log: Log,
  unreadiness: () => readonly string[],
  options: MetricsHandlerOptions = {},
): Listener | undefined {
  if (address === "disabled") return undefined;
  const handler = createMetricsHandler(metrics, options);
  const listener = listen(address, withProbes((request) => Promise.resolve(handler(request)), unreadiness));
  log.info("metrics are listening", { address: addressText(listener) });
  return listener;
}
