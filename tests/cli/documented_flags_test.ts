import { assert, assertEquals, assertMatch } from "@std/assert";
import { type FlagTable, RELAY_FLAGS } from "../../src/config/flags.ts";
import { IGNORED_FLAGS } from "../../src/config/foreign_flags.ts";

/** The flags that operators of the ecosystem's router know, with their defaults. */
const ROUTER: Readonly<Record<string, string>> = {
  "geolocation": "0",
  "strategy": "balanced",
  "provider-optimizer-availability-weight": "0.3",
  "provider-optimizer-latency-weight": "0.3",
  "provider-optimizer-sync-weight": "0.2",
  "provider-optimizer-stake-weight": "0.2",
  "provider-optimizer-min-selection-chance": "0.01",
  "response-compression": "gzip",
  "use-static-spec": "",
  "epoch-duration": "15m",
  "set-relay-retry-limit": "2",
  "disable-batch-request-retry": "true",
  "batch-node-error-on-any": "false",
  // The router has no limit.
  "max-batch-request-size": "1000",
  "default-processing-timeout": "30s",
  "min-relay-timeout": "1s",
  "relays-health-enable": "true",
  "relays-health-interval": "5m",
  "metrics-listen-address": "disabled",
  "probe-update-weight": "0.25",
  "rate-limit-websocket-requests-per-connection": "-1",
  "limit-parallel-websocket-connections-per-ip": "0",
  "limit-websocket-connection-idle-time": "20m",
  "ban-duration-for-websocket-rate-limit-exceeded": "0s",
  "cors-origin": "*",
  "cors-headers": "",
  "cors-methods": "GET,POST,PUT,DELETE,OPTIONS",
  "cors-credentials": "true",
  "enable-selection-stats": "false",
  "debug-relays": "false",
};

/** The flags of usage events, with their defaults. */
const USAGE: Readonly<Record<string, string>> = {
  "usage-otel-enabled": "false",
  "usage-otel-endpoint": "",
  "usage-otel-insecure": "true",
  "usage-otel-queue-size": "50000",
  "usage-otel-batch-size": "1000",
  "usage-otel-flush-interval": "500ms",
  "usage-otel-export-timeout": "10s",
  // Empty: lava-rpcsmartrouter or lava-rpcconsumer, by the command.
  "usage-otel-service-name": "",
  "usage-otel-service-instance-id": "",
  "usage-otel-headers": "",
  "usage-otel-compression": "none",
  "optimizer-qos-listen": "false",
  "optimizer-qos-sampling-interval": "1s",
  "usage-otel-extended": "false",
  "usage-spool-dir": "",
  "usage-spool-max-bytes": "1073741824",
  "subscription-delivery-cu": "10",
  "hedge-quantile": "0",
};

/** Flags that start scripts of the router have and that make no sense here. */
const WITHOUT_SENSE = `
  from chain-id node home keyring-backend keyring-dir gas gas-adjustment gas-prices fees broadcast-mode sign-mode output
  concurrent-providers allow-insecure-provider-dialing maximum-streams-per-connection test-mode pprof-address
  debug-address pyroscope-address pyroscope-app-name pyroscope-mutex-profile-fraction pyroscope-block-profile-rate
  pyroscope-tags cache-be relay-server-address relay-kafka-address relay-kafka-topic relay-kafka-username
  relay-kafka-password relay-kafka-mechanism relay-kafka-tls-enabled relay-kafka-tls-insecure cdn-cache-duration
  shared-state reports-be-address debug-probes optimizer-qos-server-address optimizer-qos-push-interval
  show-provider-address-in-metrics skip-websocket-verification enable-periodic-probe-providers
  periodic-probe-providers-interval max-sessions-per-provider rolling-log-level rolling-log-max-size rolling-log-max-age
  rolling-log-backups rolling-log-file-location rolling-log-format log-format
`.trim().split(/\s+/);

const TABLE: FlagTable = RELAY_FLAGS;

for (const [name, defaultText] of Object.entries({ ...ROUTER, ...USAGE })) {
  Deno.test(`--${name} exists and has its documented default`, () => {
    const flag = TABLE[name];
    assert(flag !== undefined, "there is no such flag");
    assertEquals(flag.defaultText, defaultText);
    if (defaultText !== "") assertEquals(flag.parse(defaultText), flag.initial);
  });
}

Deno.test("the router's other flags are accepted, and the reason why they do nothing is a sentence", () => {
  for (const name of WITHOUT_SENSE) {
    assert(Object.hasOwn(IGNORED_FLAGS, name), `--${name} is refused`);
    assertMatch(IGNORED_FLAGS[name]!.reason, /^[a-z0-9].{10,}[^.]$/);
  }
});
