import * as v from "valibot";
import {
  choice,
  decimal,
  duration,
  type Flag,
  integer,
  optionalAddress,
  ownAddress,
  secret,
  text,
  texts,
  toggle,
} from "./flag_types.ts";
import { STRATEGIES } from "../providers/optimizer/strategy.ts";

/** The flags that say where chain specs come from. */
export const SPEC_FLAGS = {
  "use-static-spec": texts("FILE|DIR|URL", "chain specs over the built-in ones; repeat it, later ones win per chain"),
  "github-token": secret(text("TOKEN", "for spec URLs of GitHub")),
  "gitlab-token": secret(text("TOKEN", "for spec URLs of GitLab")),
} as const satisfies Record<string, Flag<unknown>>;

/** The flags of the relay commands, in the order in which the help shows them. */
export const RELAY_FLAGS = {
  "upstream": secret(texts("URL", "a provider's URL, instead of a configuration file; repeat it for more providers")),
  ...SPEC_FLAGS,
  "log-level": logLevel(),
  "processes": integer(1, 1, 64, "processes that serve the same ports; one that ends is started again"),
  "reuse-port": toggle(false, "let other relays listen on the same ports; the kernel shares connections among them"),
  "process-slot": integer(0, 0, 64, "set by --processes for each that it starts; it talks to its parent then"),
  "shutdown-delay": duration("0s", 0, "10m", "how long requests are still taken after SIGTERM, while /readyz says no"),
  "shutdown-grace": duration("30s", 0, "1h", "how long requests under way may take to end then"),

  "set-relay-retry-limit": integer(2, 0, 10, "failed attempts after which another node is still asked"),
  "disable-batch-request-retry": toggle(true, "send a batch that a node may have seen to no other node"),
  "batch-node-error-on-any": toggle(false, "count a batch as failed when one of its calls failed, not all"),
  "max-batch-request-size": integer(1000, 0, 1_000_000, "most calls in one batch; 0 for no limit"),
  "min-relay-timeout": duration("1s", 1, "10m", "shortest timeout of one attempt; else 100ms for each compute unit"),
  "default-processing-timeout": duration("30s", 1, "1h", "time for all attempts of one relay"),
  "max-request-body-bytes": integer(10_485_760, 1, 1_073_741_824, "largest body that a client may send"),
  "request-body-timeout": duration("10s", 1, "10m", "time for a request's body to arrive"),
  "max-response-body-bytes": integer(104_857_600, 1, 1_073_741_824, "largest answer that a node may send"),
  "upstream-transport": choice(
    ["auto", "http1", "fetch"],
    "auto",
    "HTTP to nodes: the relay's own, the runtime's fetch, or the first where no proxy and no HTTP/2 is needed",
  ),

  "grpc-max-message-bytes": integer(33_554_432, 1, 536_870_912, "largest gRPC message, in either direction"),
  "grpc-connect-timeout": duration("30s", 1, "10m", "time for a gRPC channel to get ready"),
  "grpc-allow-insecure": toggle(false, "reach nodes that --upstream names with grpc:// without TLS"),
  "grpc-http2": choice(["frames", "node"], "frames", "HTTP/2 of gRPC: the relay's own, or the runtime's node:http2"),

  "debug-relays": toggle(false, "say in lava-debug-relay how each answer came about"),
  "enable-selection-stats": toggle(false, "say in lava-selection-stats what each choice of a provider was made from"),
  "strategy": choice(STRATEGIES, "balanced", "what matters in choosing a provider"),
  "provider-optimizer-availability-weight": decimal(0.3, 0, 1000, "weight of the share of calls that it answers"),
  "provider-optimizer-latency-weight": decimal(0.3, 0, 1000, "weight of how soon it answers"),
  "provider-optimizer-sync-weight": decimal(0.2, 0, 1000, "weight of how little it is behind the chain"),
  "provider-optimizer-stake-weight": decimal(0.2, 0, 1000, "weight of its stake"),
  "provider-optimizer-min-selection-chance": decimal(0.01, 0.000001, 1, "score of even the worst provider"),
  "probe-update-weight": decimal(0.25, 0.000001, 1, "what a probe of the relay's own counts, a client's call being 1"),

  "relays-health-enable": toggle(true, "ask providers for their newest block, and verify them against the chain spec"),
  "relays-health-interval": duration("5m", 1_000, "24h", "how often a provider that has passed is verified again"),
  "geolocation": integer(0, 0, 1_000_000, "region of the relay, as optimizer_qos events have it"),
  "epoch-duration": duration("15m", 1_000, "24h", "length of an epoch, as optimizer_qos events count them"),
  "optimizer-qos-listen": toggle(
    false,
    "serve the newest scores at /provider_optimizer_metrics of the metrics address",
  ),
  "optimizer-qos-sampling-interval": duration("1s", 10, "1h", "how often scores are sampled"),

  "hedge-quantile": decimal(0, 0, 0.999, "ask another node when this share of its answers is faster; 0 for never"),
  "cache": toggle(false, "answer from a cache what any node would answer alike"),
  "cache-redis-url": secret(
    text("REDIS://HOST:PORT", "keep the cache in Redis, for several processes; empty: in memory"),
  ),
  "cache-max-bytes": integer(268_435_456, 1_048_576, 1_099_511_627_776, "most bytes of the cache in memory"),

  "admin-listen-address": ownAddress("where POST /admin/reload is served; a port alone is one of this host"),
  "admin-token": secret(
    text("TOKEN", "what POST /admin/reload needs as Authorization: Bearer; needed beyond this host"),
  ),
  "metrics-listen-address": optionalAddress("where Prometheus finds the metrics, under /metrics"),
  "ui": optionalAddress("where to serve the usage page, such as 127.0.0.1:7780"),
  "ui-host": texts("NAME", "a name under which the page is asked for, beside localhost; repeat it for more"),

  "subscription-delivery-cu": integer(10, 0, 1_000_000, "compute units of one message of a subscription"),
  "websocket-max-subscriptions-per-client": integer(25, 0, 10_000, "subscriptions of one connection"),
  "websocket-max-subscriptions": integer(5_000, 0, 1_000_000, "subscriptions of all connections"),
  "websocket-subscribes-per-minute": integer(
    10,
    0,
    100_000,
    "subscribes of one connection in a minute; 0 for no limit",
  ),
  "websocket-unsubscribes-per-minute": integer(20, 0, 100_000, "unsubscribes of one connection; 0 for no limit"),
  "websocket-max-message-bytes": integer(1_048_576, 1, 67_108_864, "largest message of a client"),
  "websocket-max-buffered-bytes": integer(
    4_194_304,
    1,
    1_073_741_824,
    "bytes waiting for a client that make it too slow",
  ),
  "websocket-max-buffered-bytes-in-all": integer(
    268_435_456,
    1,
    1_099_511_627_776,
    "bytes waiting for all clients; while it is more, 64 KiB make a client too slow",
  ),
  "websocket-max-connections": integer(10_000, 0, 1_000_000, "connections of one endpoint; 0 for no limit"),
  "websocket-max-parallel-requests": integer(100, 1, 100_000, "calls under way on one connection"),
  "rate-limit-websocket-requests-per-connection": {
    ...integer(-1, -1, 1_000_000, "messages of one connection in a second; -1 for no limit"),
    parse: (text: string) => /^-1$|^\d{1,6}$|^1000000$/.test(text) ? Number(text) : undefined,
  },
  "ban-duration-for-websocket-rate-limit-exceeded": duration("0s", 0, "24h", "how long messages are refused then"),
  "limit-parallel-websocket-connections-per-ip": integer(0, 0, 1_000_000, "connections of one address; 0 for no limit"),
  "limit-websocket-connection-idle-time": seconds(
    duration("20m", 0, "24h", "how long a connection may be silent, a bare number being seconds; 0 for ever"),
  ),
  "upstream-websocket-connections": integer(10, 1, 100, "WebSocket connections to one node URL"),
  "upstream-websocket-subscriptions": integer(100, 1, 10_000, "subscriptions on one connection to a node"),
  "upstream-websocket-timeout": duration("10s", 50, "10m", "time for a node to connect, and to answer a subscribe"),
  "upstream-websocket-silence": duration(
    "15s",
    0,
    "1h",
    "silence after which a node is asked for a sign of life; 0 for never",
  ),
  "subscription-gap-fill": toggle(
    false,
    "fetch the heads that came between two connections for subscribers of newHeads",
  ),
  "subscription-gap-fill-max-blocks": integer(128, 1, 10_000, "most heads that are fetched so"),
  "upstream-websocket-max-message-bytes": integer(67_108_864, 1, 67_108_864, "largest message of a node"),
  "http-server": choice(
    ["own", "deno", "node"],
    "deno",
    "the HTTP server: the relay's own, which costs least, the runtime's, or that of Node; deno lacks the limits below",
  ),
  "http-header-timeout": duration("10s", 50, "10m", "time for a request's head to arrive"),
  "http-idle-timeout": duration(
    "60s",
    50,
    "1h",
    "time between two requests of a connection, and with own for a client to take nothing of its answer",
  ),
  "http-max-connections": integer(
    10_000,
    0,
    1_000_000,
    "connections of one listener with --http-server own; 0 for no limit",
  ),
  "cors-origin": text("*|ORIGINS", "pages that may call: all, or origins separated by commas", "*"),
  "cors-headers": text("NAMES", "headers that pages may send, separated by commas; empty: those that they ask for"),
  "cors-methods": text("VERBS", "verbs that pages may use, separated by commas", "GET,POST,PUT,DELETE,OPTIONS"),
  "cors-credentials": toggle(true, "let pages of the origins that are named send credentials along"),
  "response-compression": choice(["gzip", "brotli", "off"], "gzip", "compression of answers for clients that take it"),
  "response-compression-min-bytes": integer(4096, 1, 1_073_741_824, "shortest answer that is compressed"),
  "trusted-proxy": texts("ADDRESS|RANGE", "a proxy whose X-Forwarded-For is believed, such as 10.0.0.0/8; repeat it"),

  "usage-otel-enabled": toggle(false, "export usage events to an OpenTelemetry collector"),
  "usage-otel-endpoint": secret(text(
    "HOST:PORT|URL",
    "the collector; empty: OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT, then localhost:4318",
  )),
  "usage-otel-insecure": toggle(true, "use no TLS when the endpoint names no scheme"),
  "usage-otel-queue-size": integer(50_000, 1, 10_000_000, "events held in memory; more are dropped and counted"),
  "usage-otel-batch-size": integer(1000, 1, 100_000, "events that start a flush, and the most in one batch"),
  "usage-otel-flush-interval": duration("500ms", 1, "1h", "longest that an event waits for its batch"),
  "usage-otel-export-timeout": duration("10s", 1, "10m", "time for one batch, and for all that is left at exit"),
  "usage-otel-service-name": text("NAME", "service.name; empty: lava-rpcsmartrouter or lava-rpcconsumer, by command"),
  "usage-otel-service-instance-id": text("ID", "service.instance.id; empty: <hostname>-<pid>"),
  "usage-otel-headers": secret(text("K=V,K2=V2", "headers for the collector; empty: OTEL_EXPORTER_OTLP_HEADERS")),
  "usage-otel-compression": choice(["none", "gzip"], "none", "compression towards the collector"),
  "usage-otel-protocol": choice(
    ["", "http/json", "http/protobuf"],
    "",
    "wire format; empty: OTEL_EXPORTER_OTLP_LOGS_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL, then http/protobuf, which takes half the bytes",
  ),
  "usage-otel-exporter": choice(["otlp", "sdk"], "otlp", "who exports: this relay, or OpenTelemetry's own exporter"),
  "usage-otel-max-batches-in-flight": integer(4, 1, 64, "batches on their way at once"),
  "usage-otel-retry-budget": duration("5m", 0, "24h", "how long a batch is tried again while the collector is away"),
  "usage-otel-extended": toggle(false, "add event_id, error_class and attempts to each relay_usage record"),
  "usage-receipts": toggle(false, "tell each caller the event_id and price of its call, in Relaymeter-Usage"),
  "usage-store": text("FILE", "keep usage events in this file, instead of sending them to a collector; empty: do not"),
  "usage-store-max-age": duration("2160h", 1_000, "87600h", "how long relay_usage events are kept in the file"),
  "usage-store-max-qos-age": duration("168h", 1_000, "87600h", "how long optimizer_qos events are kept in the file"),
  "usage-store-max-bytes": integer(
    10_737_418_240,
    1_048_576,
    1_099_511_627_776,
    "most bytes of events in the file; beyond, the oldest go",
  ),
  "usage-spool-dir": text("DIR", "keep relay_usage events on disk until the collector has them; empty: in memory only"),
  "usage-spool-max-bytes": integer(1_073_741_824, 1_048_576, 1_099_511_627_776, "most bytes on disk"),
  "usage-spool-sync-interval": duration("100ms", 1, "1m", "how often events are synced to disk: what a crash can lose"),
} as const satisfies Record<string, Flag<unknown>>;

/** What is logged. The levels of the ecosystem's router that the relay does not have are taken for the nearest one. */
function logLevel(): Flag<"debug" | "info" | "warn" | "error", LogLevelText> {
  const levels = choice(["debug", "info", "warn", "error"], "info", "what is logged");
  return {
    ...levels,
    parse: (text) => text === "trace" ? "debug" : text === "fatal" || text === "panic" ? "error" : levels.parse(text),
    written: v.picklist(["debug", "info", "warn", "error", "trace", "fatal", "panic"], `must be ${levels.allowed}`),
  };
}

type LogLevelText = "debug" | "info" | "warn" | "error" | "trace" | "fatal" | "panic";

/** A duration that may be a bare number of seconds as well, as the ecosystem's router has it. */
function seconds(flag: Flag<number, string>): Flag<number, string | number> {
  const number = v.pipe(v.number(), v.integer(), v.minValue(0));
  return {
    ...flag,
    parse: (text) => flag.parse(/^\d{1,9}$/.test(text) ? `${text}s` : text),
    written: v.union([flag.written, number], `must be ${flag.allowed}`),
  };
}

/** A table of flags. */
export type FlagTable = Readonly<Record<string, Flag<unknown>>>;

/** The values of a table's flags. */
export type FlagValues<Table extends FlagTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Flag<infer Value> ? Value : never;
};

/** The values of the flags about chain specs. */
export type SpecFlags = FlagValues<typeof SPEC_FLAGS>;

/** The values of the relay commands' flags. */
export type RelayFlags = FlagValues<typeof RELAY_FLAGS>;
