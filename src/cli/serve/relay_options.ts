import type { RelayFlags } from "../../config/flags.ts";
import type { RelayConfig } from "../../config/relay_config.ts";
import { optimizerConfig } from "../optimizer_flags.ts";
import { upstreamTransport } from "../upstream.ts";

function socketOptions(flags: RelayFlags): NonNullable<RelayConfig["sockets"]> {
  return {
    deliveryComputeUnits: flags["subscription-delivery-cu"],
    maxSubscriptionsPerClient: flags["websocket-max-subscriptions-per-client"],
    maxSubscriptions: flags["websocket-max-subscriptions"],
    maxSubscribesPerMinute: flags["websocket-subscribes-per-minute"],
    maxUnsubscribesPerMinute: flags["websocket-unsubscribes-per-minute"],
    maxMessageBytes: flags["websocket-max-message-bytes"],
    maxBufferedBytes: flags["websocket-max-buffered-bytes"],
    maxBufferedBytesInAll: flags["websocket-max-buffered-bytes-in-all"],
    maxConnections: flags["websocket-max-connections"],
    maxParallelCalls: flags["websocket-max-parallel-requests"],
    maxMessagesPerSecond: Math.max(0, flags["rate-limit-websocket-requests-per-connection"]),
    banMs: flags["ban-duration-for-websocket-rate-limit-exceeded"],
    maxConnectionsPerAddress: flags["limit-parallel-websocket-connections-per-ip"],
    idleTimeoutMs: flags["limit-websocket-connection-idle-time"],
    maxUpstreamConnections: flags["upstream-websocket-connections"],
    maxUpstreamSubscriptions: flags["upstream-websocket-subscriptions"],
    subscribeTimeoutMs: flags["upstream-websocket-timeout"],
    maxUpstreamSilenceMs: flags["upstream-websocket-silence"],
    gapFill: flags["subscription-gap-fill"],
    maxGapBlocks: flags["subscription-gap-fill-max-blocks"],
    maxUpstreamMessageBytes: flags["upstream-websocket-max-message-bytes"],
  };
}

/** What the flags say of every gRPC relay. */
export function grpcOptions(flags: RelayFlags): Partial<RelayConfig> {
  return {
    ...relayOptions(flags),
    maxGrpcMessageBytes: flags["grpc-max-message-bytes"],
    grpcConnectTimeoutMs: flags["grpc-connect-timeout"],
  };
}

/** What the flags say of every relay. */
export function relayOptions(flags: RelayFlags): Partial<RelayConfig> {
  return {
    retryLimit: flags["set-relay-retry-limit"],
    disableBatchRetry: flags["disable-batch-request-retry"],
    batchNodeErrorOnAny: flags["batch-node-error-on-any"],
    maxBatchSize: flags["max-batch-request-size"],
    usageReceipts: flags["usage-receipts"],
    minRelayTimeoutMs: flags["min-relay-timeout"],
    processingTimeoutMs: flags["default-processing-timeout"],
    maxBodyBytes: flags["max-request-body-bytes"],
    bodyTimeoutMs: flags["request-body-timeout"],
    optimizer: optimizerConfig(flags),
    ...(flags["relays-health-enable"] && { probes: { verifyIntervalMs: flags["relays-health-interval"] } }),
    hedgeQuantile: flags["hedge-quantile"],
    debugRelays: flags["debug-relays"],
    selectionStats: flags["enable-selection-stats"],
    maxReplyBytes: flags["max-response-body-bytes"],
    upstreamTransport: upstreamTransport(flags),
    sockets: socketOptions(flags),
    corsOrigin: flags["cors-origin"],
    corsHeaders: flags["cors-headers"],
    corsMethods: flags["cors-methods"],
    corsCredentials: flags["cors-credentials"],
    responseCompression: flags["response-compression"],
    responseCompressionMinBytes: flags["response-compression-min-bytes"],
    trustedProxies: flags["trusted-proxy"],
  };
}
