/** A flag of the ecosystem's router that does nothing here. */
export interface IgnoredFlag {
  /** Whether a value stands behind it. */
  readonly takesValue: boolean;
  /** Why it does nothing, or what does its work. */
  readonly reason: string;
}

/** Names that the ecosystem's router has, or had, for flags of this one. */
export const OTHER_NAMES: Readonly<Record<string, string>> = {
  "log_level": "log-level",
  "shutdown-grace-period": "shutdown-grace",
  "set-retry-count-on-node-error": "set-relay-retry-limit",
  "use-static-spec-file": "use-static-spec",
};

const CHAIN = "the relay has no account and sends no transaction of its own";
const PROFILES = "profiles are taken with the runtime's own tools";
const TIERS = "providers are chosen by their scores, without tiers; see --strategy";
const USAGE = "usage goes to an OpenTelemetry collector, which passes it on; see --usage-otel-enabled";
const ROTATION = "the log goes to standard error; whoever runs the relay keeps it";
const SESSIONS = "there are no sessions with providers";
const PROBES = "providers are asked for their newest block at the pace of their chain; see --relays-health-enable";
const SCORES = "scores are fetched, or exported as events; see --optimizer-qos-listen and --usage-otel-enabled";

const value = (reason: string): IgnoredFlag => ({ takesValue: true, reason });
const only = (reason: string): IgnoredFlag => ({ takesValue: false, reason });

/** Flags of the ecosystem's router that are accepted with a warning, so that its start scripts go on working. */
export const IGNORED_FLAGS: Readonly<Record<string, IgnoredFlag>> = {
  "from": value(CHAIN),
  "chain-id": value(CHAIN),
  "node": value(CHAIN),
  "home": value(CHAIN),
  "keyring-backend": value(CHAIN),
  "keyring-dir": value(CHAIN),
  "gas": value(CHAIN),
  "gas-adjustment": value(CHAIN),
  "gas-prices": value(CHAIN),
  "fees": value(CHAIN),
  "fee-payer": value(CHAIN),
  "fee-granter": value(CHAIN),
  "account-number": value(CHAIN),
  "sequence": value(CHAIN),
  "note": value(CHAIN),
  "timeout-height": value(CHAIN),
  "broadcast-mode": value(CHAIN),
  "sign-mode": value(CHAIN),
  "output": value(CHAIN),
  "grpc-addr": value(CHAIN),
  "grpc-insecure": only(CHAIN),
  "ledger": only(CHAIN),
  "offline": only(CHAIN),
  "dry-run": only(CHAIN),
  "generate-only": only(CHAIN),
  "yes": only(CHAIN),
  "secure": only("cross-validation is asked for by headers, call by call"),
  "save-conf": only("the relay writes no configuration; see config print"),
  "log-format": value("the log is JSON, a line each"),
  "log_format": value("the log is JSON, a line each"),
  "allow-insecure-provider-dialing": only(
    "http and ws node URLs need no permission; grpc:// ones have grpc-config.allow-insecure",
  ),
  "concurrent-providers": value("one provider is asked, and more when it fails or is slow; see --hedge-quantile"),
  "maximum-streams-per-connection": value("100 streams, and up to five connections"),
  "enable-application-level-compression": only("nodes are asked for answers that are not compressed"),
  "max-sessions-per-provider": value(SESSIONS),
  "test-mode": only("the relay makes no answers up"),
  "debug-address": value("the relay's clock can't be moved"),
  "debug-probes": only("the log tells of probes that change something; see --log-level debug"),
  "pprof-address": value(PROFILES),
  "pyroscope-address": value(PROFILES),
  "pyroscope-app-name": value(PROFILES),
  "pyroscope-mutex-profile-fraction": value(PROFILES),
  "pyroscope-block-profile-rate": value(PROFILES),
  "pyroscope-tags": value(PROFILES),
  "cache-be": value("there is no cache server of that kind; see --cache and --cache-redis-url"),
  "shared-state": only("consistency is kept in each process"),
  "cdn-cache-duration": value("browsers may keep a preflight as long as they do by themselves"),
  "relay-server-address": value(USAGE),
  "relay-kafka-address": value(USAGE),
  "relay-kafka-topic": value(USAGE),
  "relay-kafka-username": value(USAGE),
  "relay-kafka-password": value(USAGE),
  "relay-kafka-mechanism": value(USAGE),
  "relay-kafka-tls-enabled": only(USAGE),
  "relay-kafka-tls-insecure": only(USAGE),
  "reports-be-address": value(USAGE),
  "referer-be-address": value("referers are not passed on"),
  "referer-marker": value("paths are taken as they are"),
  "add-api-method-metrics": only("the metrics have methods in any case"),
  "show-provider-address-in-metrics": only("the metrics have providers by their names"),
  "optimizer-qos-server-address": value(SCORES),
  "optimizer-qos-push-interval": value(SCORES),
  "set-provider-optimizer-best-tier-pick-chance": value(TIERS),
  "set-provider-optimizer-worst-tier-pick-chance": value(TIERS),
  "set-provider-optimizer-number-of-tiers-to-create": value(TIERS),
  "set-provider-optimizer-number-of-providers-per-tier": value(TIERS),
  "set-provider-optimizer-qos-based-selection-within-tier": only(TIERS),
  "enable-provider-optimizer-auto-adjustment-of-tiers": only(TIERS),
  "rate-limit-requests-per-second": value("budgets are given to projects, under projects in the configuration file"),
  "skip-policy-verification": only("there is no policy on a chain"),
  "skip-websocket-verification": only("a provider needs no WebSocket URL; skip-verifications spares one that it has"),
  "enable-periodic-probe-providers": only(PROBES),
  "periodic-probe-providers-interval": value(PROBES),
  "memory-gc-threshold-gb": value("the runtime's memory is bounded by its own options"),
  "rolling-log-level": value(ROTATION),
  "rolling-log-max-size": value(ROTATION),
  "rolling-log-max-age": value(ROTATION),
  "rolling-log-backups": value(ROTATION),
  "rolling-log-file-location": value(ROTATION),
  "rolling-log-format": value(ROTATION),
};

/** All of them. */
export const FOREIGN_FLAGS = { otherNames: OTHER_NAMES, ignored: IGNORED_FLAGS };
