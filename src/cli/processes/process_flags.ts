import { addressText } from "../../config/address.ts";
import type { EndpointConfig } from "../../config/file_content.ts";
import type { RelayFlags } from "../../config/flags.ts";

/** What can't be had from several processes together, or on ports that they share. */
export function processMistakes(
  flags: RelayFlags,
  endpoints: readonly EndpointConfig[],
  projects: readonly unknown[],
): string[] {
  const mistakes: string[] = [];
  const [name, isShared] = flags.processes > 1 ? ["--processes", true] : ["--reuse-port", flags["reuse-port"]];
  if (!isShared) return [];
  if (flags["http-server"] === "node") {
    mistakes.push(`${name}: needs --http-server own or deno, which can share their ports`);
  }
  if (flags["grpc-http2"] === "node" && endpoints.some(({ relay }) => relay.apiInterface === "grpc")) {
    mistakes.push(`${name}: needs --grpc-http2 frames, which can share its ports`);
  }
  if (flags.processes === 1) return mistakes;
  for (const { address, grpcWebAddress } of endpoints) {
    for (const each of [address, grpcWebAddress]) {
      if (each?.port === 0) mistakes.push(`--processes: ${addressText(each)} would be another port for each process`);
    }
  }
  if (flags.ui !== "disabled") mistakes.push("--processes: --ui shows the events of one process; run it from a store");
  if (flags["usage-store"] !== "") {
    mistakes.push("--processes: --usage-store is written by one process; use --usage-otel-enabled and a collector");
  }
  if (projects.length > 0) mistakes.push("--processes: projects have their budgets within one process; leave one out");
  return mistakes;
}
