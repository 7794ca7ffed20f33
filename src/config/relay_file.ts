// Made from the schema in file_schema.ts by `deno run -A tests/support/config_files.ts`; a test compares them.

/** How the relay shows a node who it is. */
export interface FileAuthConfig {
  /** Headers that authenticate, by name. */
  readonly "auth-headers"?: Readonly<Record<string, string>> | undefined;
  /** Query that authenticates, such as apikey=KEY. */
  readonly "auth-query"?: string | undefined;
  /** Speak TLS with a gRPC node. */
  readonly "use-tls"?: boolean | undefined;
  /** Allow a grpc:// node without TLS; certificates are always checked. */
  readonly "allow-insecure"?: boolean | undefined;
  /** The relay's own certificate, as PEM text. */
  readonly "cert-pem"?: string | undefined;
  /** The key of cert-pem, as PEM text. */
  readonly "key-pem"?: string | undefined;
  /** An authority that is trusted beside the platform's, as PEM text. */
  readonly "cacert-pem"?: string | undefined;
}

/** What is only for gRPC nodes. */
export interface FileGrpcConfig {
  /** Does nothing: messages pass as bytes. */
  readonly "descriptor-source"?: string | undefined;
  /** Allow a grpc:// node without TLS. */
  readonly "allow-insecure"?: boolean | undefined;
}

/** One URL of a provider. */
export interface FileNodeUrl {
  /** Http(s), ws(s) or grpc(s); a bare host:port has TLS. */
  readonly "url": string;
  /** Add-ons and extensions that it serves, such as archive, debug, trace. */
  readonly "addons"?: readonly string[] | undefined;
  /** Path of the chain's APIs that it leads to and alone serves. */
  readonly "internal-path"?: string | undefined;
  /** Added to the relay timeout. */
  readonly "timeout"?: string | undefined;
  /** Tell it the client's address in X-Forwarded-For. */
  readonly "ip-forwarding"?: boolean | undefined;
  /** Names of the chain spec's verifications that it is spared, * for all. */
  readonly "skip-verifications"?: readonly string[] | undefined;
  /** The only APIs that it is asked for. */
  readonly "methods"?: readonly string[] | undefined;
  /** How the relay shows who it is. */
  readonly "auth-config"?: FileAuthConfig | undefined;
  /** For gRPC nodes. */
  readonly "grpc-config"?: FileGrpcConfig | undefined;
}

/** An upstream: who is asked for answers. */
export interface FileProvider {
  /** Unique; what events, headers and logs call it. */
  readonly "name"?: string | undefined;
  /** Index of the chain spec, such as ETH1. */
  readonly "chain-id": string;
  /** Which of the chain's interfaces. */
  readonly "api-interface": "jsonrpc" | "tendermintrpc" | "rest" | "grpc";
  /** How much it is asked, against the others; without one, ten times the highest. */
  readonly "stake"?: number | undefined;
  /** Tried in this order. */
  readonly "node-urls": readonly FileNodeUrl[];
}

/** What the relay listens on for one chain over one interface. */
export interface FileEndpoint {
  /** Index of the chain spec, such as ETH1. */
  readonly "chain-id": string;
  /** Which of the chain's interfaces. */
  readonly "api-interface": "jsonrpc" | "tendermintrpc" | "rest" | "grpc";
  /** Where it listens; port 0 takes a free one. */
  readonly "network-address": string;
  /** Below which path it is served. */
  readonly "path"?: string | undefined;
  /** Where gRPC-Web is served beside gRPC. */
  readonly "grpc-web-address"?: string | undefined;
  /** Listen with TLS. */
  readonly "tls-enabled"?: boolean | undefined;
  /** File of the certificate chain in PEM. */
  readonly "tls-cert-file"?: string | undefined;
  /** File of the private key in PEM. */
  readonly "tls-key-file"?: string | undefined;
  /** Where GET asks for the health; default /lava/health. */
  readonly "health-check-path"?: string | undefined;
}

/** What a project may use. */
export interface FileProject {
  /** As in the header project-id; * for all others together. */
  readonly "id": string;
  /** Most compute units in a second. */
  readonly "units-per-second"?: number | undefined;
  /** Most compute units in a day of UTC. */
  readonly "units-per-day"?: number | undefined;
}

/** A configuration file: listeners, providers, projects, and any flag of the command line under its name. */
export interface RelayFile {
  /** Where an editor finds this format's JSON Schema. */
  readonly "$schema"?: string | undefined;
  /** What the relay listens on. */
  readonly "endpoints": readonly FileEndpoint[];
  /** Who is asked. */
  readonly "static-providers"?: readonly FileProvider[] | undefined;
  /** Another name for static-providers. */
  readonly "direct-rpc"?: readonly FileProvider[] | undefined;
  /** Asked when none of the others can serve. */
  readonly "backup-providers"?: readonly FileProvider[] | undefined;
  /** Another name for backup-providers. */
  readonly "backup-direct-rpc"?: readonly FileProvider[] | undefined;
  /** What projects may use. */
  readonly "projects"?: readonly FileProject[] | undefined;
  /** Chain specs over the built-in ones; repeat it, later ones win per chain; default empty. */
  readonly "use-static-spec"?: string | readonly string[] | undefined;
  /** For spec URLs of GitHub; default empty. */
  readonly "github-token"?: string | undefined;
  /** For spec URLs of GitLab; default empty. */
  readonly "gitlab-token"?: string | undefined;
  /** What is logged; default info. */
  readonly "log-level"?: "debug" | "info" | "warn" | "error" | "trace" | "fatal" | "panic" | undefined;
  /** Processes that serve the same ports; one that ends is started again; default 1. */
  readonly "processes"?: number | undefined;
  /** Let other relays listen on the same ports; the kernel shares connections among them; default false. */
  readonly "reuse-port"?: boolean | undefined;
  /** Set by --processes for each that it starts; it talks to its parent then; default 0. */
  readonly "process-slot"?: number | undefined;
  /** How long requests are still taken after SIGTERM, while /readyz says no; default 0s. */
  readonly "shutdown-delay"?: string | undefined;
  /** How long requests under way may take to end then; default 30s. */
  readonly "shutdown-grace"?: string | undefined;
  /** Failed attempts after which another node is still asked; default 2. */
  readonly "set-relay-retry-limit"?: number | undefined;
  /** Send a batch that a node may have seen to no other node; default true. */
  readonly "disable-batch-request-retry"?: boolean | undefined;
  /** Count a batch as failed when one of its calls failed, not all; default false. */
  readonly "batch-node-error-on-any"?: boolean | undefined;
  /** Most calls in one batch; 0 for no limit; default 1000. */
  readonly "max-batch-request-size"?: number | undefined;
  /** Shortest timeout of one attempt; else 100ms for each compute unit; default 1s. */
  readonly "min-relay-timeout"?: string | undefined;
  /** Time for all attempts of one relay; default 30s. */
  readonly "default-processing-timeout"?: string | undefined;
  /** Largest body that a client may send; default 10485760. */
  readonly "max-request-body-bytes"?: number | undefined;
  /** Time for a request's body to arrive; default 10s. */
  readonly "request-body-timeout"?: string | undefined;
  /** Largest answer that a node may send; default 104857600. */
  readonly "max-response-body-bytes"?: number | undefined;
  /** HTTP to nodes: the relay's own, the runtime's fetch, or the first where no proxy and no HTTP/2 is needed; default auto. */
  readonly "upstream-transport"?: "auto" | "http1" | "fetch" | undefined;
  /** Largest gRPC message, in either direction; default 33554432. */
  readonly "grpc-max-message-bytes"?: number | undefined;
  /** Time for a gRPC channel to get ready; default 30s. */
  readonly "grpc-connect-timeout"?: string | undefined;
  /** Reach nodes that --upstream names with grpc:// without TLS; default false. */
  readonly "grpc-allow-insecure"?: boolean | undefined;
  /** HTTP/2 of gRPC: the relay's own, or the runtime's node:http2; default frames. */
  readonly "grpc-http2"?: "frames" | "node" | undefined;
  /** Say in lava-debug-relay how each answer came about; default false. */
  readonly "debug-relays"?: boolean | undefined;
  /** Say in lava-selection-stats what each choice of a provider was made from; default false. */
  readonly "enable-selection-stats"?: boolean | undefined;
  /** What matters in choosing a provider; default balanced. */
  readonly "strategy"?:
    | "balanced"
    | "latency"
    | "sync-freshness"
    | "cost"
    | "privacy"
    | "accuracy"
    | "distributed"
    | undefined;
  /** Weight of the share of calls that it answers; default 0.3. */
  readonly "provider-optimizer-availability-weight"?: number | undefined;
  /** Weight of how soon it answers; default 0.3. */
  readonly "provider-optimizer-latency-weight"?: number | undefined;
  /** Weight of how little it is behind the chain; default 0.2. */
  readonly "provider-optimizer-sync-weight"?: number | undefined;
  /** Weight of its stake; default 0.2. */
  readonly "provider-optimizer-stake-weight"?: number | undefined;
  /** Score of even the worst provider; default 0.01. */
  readonly "provider-optimizer-min-selection-chance"?: number | undefined;
  /** What a probe of the relay's own counts, a client's call being 1; default 0.25. */
  readonly "probe-update-weight"?: number | undefined;
  /** Ask providers for their newest block, and verify them against the chain spec; default true. */
  readonly "relays-health-enable"?: boolean | undefined;
  /** How often a provider that has passed is verified again; default 5m. */
  readonly "relays-health-interval"?: string | undefined;
  /** Region of the relay, as optimizer_qos events have it; default 0. */
  readonly "geolocation"?: number | undefined;
  /** Length of an epoch, as optimizer_qos events count them; default 15m. */
  readonly "epoch-duration"?: string | undefined;
  /** Serve the newest scores at /provider_optimizer_metrics of the metrics address; default false. */
  readonly "optimizer-qos-listen"?: boolean | undefined;
  /** How often scores are sampled; default 1s. */
  readonly "optimizer-qos-sampling-interval"?: string | undefined;
  /** Ask another node when this share of its answers is faster; 0 for never; default 0. */
  readonly "hedge-quantile"?: number | undefined;
  /** Answer from a cache what any node would answer alike; default false. */
  readonly "cache"?: boolean | undefined;
  /** Keep the cache in Redis, for several processes; empty: in memory; default empty. */
  readonly "cache-redis-url"?: string | undefined;
  /** Most bytes of the cache in memory; default 268435456. */
  readonly "cache-max-bytes"?: number | undefined;
  /** Where POST /admin/reload is served; a port alone is one of this host; default disabled. */
  readonly "admin-listen-address"?: string | number | undefined;
  /** What POST /admin/reload needs as Authorization: Bearer; needed beyond this host; default empty. */
  readonly "admin-token"?: string | undefined;
  /** Where Prometheus finds the metrics, under /metrics; default disabled. */
  readonly "metrics-listen-address"?: string | undefined;
  /** Where to serve the usage page, such as 127.0.0.1:7780; default disabled. */
  readonly "ui"?: string | undefined;
  /** A name under which the page is asked for, beside localhost; repeat it for more; default empty. */
  readonly "ui-host"?: string | readonly string[] | undefined;
  /** Compute units of one message of a subscription; default 10. */
  readonly "subscription-delivery-cu"?: number | undefined;
  /** Subscriptions of one connection; default 25. */
  readonly "websocket-max-subscriptions-per-client"?: number | undefined;
  /** Subscriptions of all connections; default 5000. */
  readonly "websocket-max-subscriptions"?: number | undefined;
  /** Subscribes of one connection in a minute; 0 for no limit; default 10. */
  readonly "websocket-subscribes-per-minute"?: number | undefined;
  /** Unsubscribes of one connection; 0 for no limit; default 20. */
  readonly "websocket-unsubscribes-per-minute"?: number | undefined;
  /** Largest message of a client; default 1048576. */
  readonly "websocket-max-message-bytes"?: number | undefined;
  /** Bytes waiting for a client that make it too slow; default 4194304. */
  readonly "websocket-max-buffered-bytes"?: number | undefined;
  /** Bytes waiting for all clients; while it is more, 64 KiB make a client too slow; default 268435456. */
  readonly "websocket-max-buffered-bytes-in-all"?: number | undefined;
  /** Connections of one endpoint; 0 for no limit; default 10000. */
  readonly "websocket-max-connections"?: number | undefined;
  /** Calls under way on one connection; default 100. */
  readonly "websocket-max-parallel-requests"?: number | undefined;
  /** Messages of one connection in a second; -1 for no limit; default -1. */
  readonly "rate-limit-websocket-requests-per-connection"?: number | undefined;
  /** How long messages are refused then; default 0s. */
  readonly "ban-duration-for-websocket-rate-limit-exceeded"?: string | undefined;
  /** Connections of one address; 0 for no limit; default 0. */
  readonly "limit-parallel-websocket-connections-per-ip"?: number | undefined;
  /** How long a connection may be silent, a bare number being seconds; 0 for ever; default 20m. */
  readonly "limit-websocket-connection-idle-time"?: string | number | undefined;
  /** WebSocket connections to one node URL; default 10. */
  readonly "upstream-websocket-connections"?: number | undefined;
  /** Subscriptions on one connection to a node; default 100. */
  readonly "upstream-websocket-subscriptions"?: number | undefined;
  /** Time for a node to connect, and to answer a subscribe; default 10s. */
  readonly "upstream-websocket-timeout"?: string | undefined;
  /** Silence after which a node is asked for a sign of life; 0 for never; default 15s. */
  readonly "upstream-websocket-silence"?: string | undefined;
  /** Fetch the heads that came between two connections for subscribers of newHeads; default false. */
  readonly "subscription-gap-fill"?: boolean | undefined;
  /** Most heads that are fetched so; default 128. */
  readonly "subscription-gap-fill-max-blocks"?: number | undefined;
  /** Largest message of a node; default 67108864. */
  readonly "upstream-websocket-max-message-bytes"?: number | undefined;
  /** The HTTP server: the relay's own, which costs least, the runtime's, or that of Node; deno lacks the limits below; default deno. */
  readonly "http-server"?: "own" | "deno" | "node" | undefined;
  /** Time for a request's head to arrive; default 10s. */
  readonly "http-header-timeout"?: string | undefined;
  /** Time between two requests of a connection, and with own for a client to take nothing of its answer; default 60s. */
  readonly "http-idle-timeout"?: string | undefined;
  /** Connections of one listener with --http-server own; 0 for no limit; default 10000. */
  readonly "http-max-connections"?: number | undefined;
  /** Pages that may call: all, or origins separated by commas; default *. */
  readonly "cors-origin"?: string | undefined;
  /** Headers that pages may send, separated by commas; empty: those that they ask for; default empty. */
  readonly "cors-headers"?: string | undefined;
  /** Verbs that pages may use, separated by commas; default GET,POST,PUT,DELETE,OPTIONS. */
  readonly "cors-methods"?: string | undefined;
  /** Let pages of the origins that are named send credentials along; default true. */
  readonly "cors-credentials"?: boolean | undefined;
  /** Compression of answers for clients that take it; default gzip. */
  readonly "response-compression"?: "gzip" | "brotli" | "off" | undefined;
  /** Shortest answer that is compressed; default 4096. */
  readonly "response-compression-min-bytes"?: number | undefined;
  /** A proxy whose X-Forwarded-For is believed, such as 10.0.0.0/8; repeat it; default empty. */
  readonly "trusted-proxy"?: string | readonly string[] | undefined;
  /** Export usage events to an OpenTelemetry collector; default false. */
  readonly "usage-otel-enabled"?: boolean | undefined;
  /** The collector; empty: OTEL_EXPORTER_OTLP_LOGS_ENDPOINT, OTEL_EXPORTER_OTLP_ENDPOINT, then localhost:4318; default empty. */
  readonly "usage-otel-endpoint"?: string | undefined;
  /** Use no TLS when the endpoint names no scheme; default true. */
  readonly "usage-otel-insecure"?: boolean | undefined;
  /** Events held in memory; more are dropped and counted; default 50000. */
  readonly "usage-otel-queue-size"?: number | undefined;
  /** Events that start a flush, and the most in one batch; default 1000. */
  readonly "usage-otel-batch-size"?: number | undefined;
  /** Longest that an event waits for its batch; default 500ms. */
  readonly "usage-otel-flush-interval"?: string | undefined;
  /** Time for one batch, and for all that is left at exit; default 10s. */
  readonly "usage-otel-export-timeout"?: string | undefined;
  /** Service.name; empty: lava-rpcsmartrouter or lava-rpcconsumer, by command; default empty. */
  readonly "usage-otel-service-name"?: string | undefined;
  /** Service.instance.id; empty: <hostname>-<pid>; default empty. */
  readonly "usage-otel-service-instance-id"?: string | undefined;
  /** Headers for the collector; empty: OTEL_EXPORTER_OTLP_HEADERS; default empty. */
  readonly "usage-otel-headers"?: string | undefined;
  /** Compression towards the collector; default none. */
  readonly "usage-otel-compression"?: "none" | "gzip" | undefined;
  /** Wire format; empty: OTEL_EXPORTER_OTLP_LOGS_PROTOCOL, OTEL_EXPORTER_OTLP_PROTOCOL, then http/protobuf, which takes half the bytes; default empty. */
  readonly "usage-otel-protocol"?: "" | "http/json" | "http/protobuf" | undefined;
  /** Who exports: this relay, or OpenTelemetry's own exporter; default otlp. */
  readonly "usage-otel-exporter"?: "otlp" | "sdk" | undefined;
  /** Batches on their way at once; default 4. */
  readonly "usage-otel-max-batches-in-flight"?: number | undefined;
  /** How long a batch is tried again while the collector is away; default 5m. */
  readonly "usage-otel-retry-budget"?: string | undefined;
  /** Add event_id, error_class and attempts to each relay_usage record; default false. */
  readonly "usage-otel-extended"?: boolean | undefined;
  /** Tell each caller the event_id and price of its call, in Relaymeter-Usage; default false. */
  readonly "usage-receipts"?: boolean | undefined;
  /** Keep usage events in this file, instead of sending them to a collector; empty: do not; default empty. */
  readonly "usage-store"?: string | undefined;
  /** How long relay_usage events are kept in the file; default 2160h. */
  readonly "usage-store-max-age"?: string | undefined;
  /** How long optimizer_qos events are kept in the file; default 168h. */
  readonly "usage-store-max-qos-age"?: string | undefined;
  /** Most bytes of events in the file; beyond, the oldest go; default 10737418240. */
  readonly "usage-store-max-bytes"?: number | undefined;
  /** Keep relay_usage events on disk until the collector has them; empty: in memory only; default empty. */
  readonly "usage-spool-dir"?: string | undefined;
  /** Most bytes on disk; default 1073741824. */
  readonly "usage-spool-max-bytes"?: number | undefined;
  /** How often events are synced to disk: what a crash can lose; default 100ms. */
  readonly "usage-spool-sync-interval"?: string | undefined;
}
