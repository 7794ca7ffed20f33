import type { RelayFlags } from "../../config/flags.ts";

/** The flags whose values a running relay changes to. All others are read once, at the start. */
const RELOADABLE = [
  "log-level",
  "use-static-spec",
  "github-token",
  "gitlab-token",
  "upstream",
  "grpc-allow-insecure",
  "shutdown-delay",
  "shutdown-grace",
  "set-relay-retry-limit",
  "disable-batch-request-retry",
  "batch-node-error-on-any",
  "max-batch-request-size",
  "min-relay-timeout",
  "default-processing-timeout",
  "max-request-body-bytes",
  "request-body-timeout",
  "grpc-max-message-bytes",
  "debug-relays",
  "enable-selection-stats",
  "strategy",
  "provider-optimizer-availability-weight",
  "provider-optimizer-latency-weight",
  "provider-optimizer-sync-weight",
  "provider-optimizer-stake-weight",
  "provider-optimizer-min-selection-chance",
  "probe-update-weight",
  "relays-health-enable",
  "relays-health-interval",
  "hedge-quantile",
  "websocket-subscribes-per-minute",
  "websocket-unsubscribes-per-minute",
  "websocket-max-connections",
  "websocket-max-message-bytes",
  "websocket-max-parallel-requests",
  "rate-limit-websocket-requests-per-connection",
  "ban-duration-for-websocket-rate-limit-exceeded",
  "limit-parallel-websocket-connections-per-ip",
  "limit-websocket-connection-idle-time",
  "cors-origin",
  "cors-headers",
  "cors-methods",
  "cors-credentials",
  "response-compression",
  "response-compression-min-bytes",
  "trusted-proxy",
  "usage-receipts",
] as const satisfies readonly (keyof RelayFlags)[];

/** The flags in force when a relay that runs with `current` is told `next`, and the names of those that stay. */
export function changeFlags(
  current: RelayFlags,
  next: RelayFlags,
): { readonly flags: RelayFlags; readonly unchanged: readonly string[] } {
  const changed = Object.fromEntries(RELOADABLE.map((name) => [name, next[name]]));
  const flags: RelayFlags = { ...current, ...changed };
  const names = Object.keys(next) as (keyof RelayFlags)[];
  const unchanged = names.filter((name) => JSON.stringify(flags[name]) !== JSON.stringify(next[name]));
  return { flags, unchanged: unchanged.map((name) => `--${name}`) };
}
