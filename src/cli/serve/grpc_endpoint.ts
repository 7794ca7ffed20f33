import { addressText } from "../../config/address.ts";
import { assembleGrpc } from "../../config/assemble_grpc.ts";
import type { EndpointConfig } from "../../config/file_content.ts";
import type { RelayFlags } from "../../config/flags.ts";
import { systemClock } from "../../domain/clock.ts";
import { Cors } from "../../hosts/cors.ts";
import { listen } from "../../hosts/deno.ts";
import { GrpcHandler } from "../../hosts/grpc/grpc_handler.ts";
import { listenGrpc } from "../../hosts/grpc/listen.ts";
import { GrpcWebHandler } from "../../hosts/grpc/web_handler.ts";
import { withProbes } from "../../hosts/probes.ts";
import { createDenoWire } from "../../http2/deno_wire.ts";
import { createNodeWire } from "../../http2/node_wire.ts";
import { Metrics } from "../../observe/metrics/metrics.ts";
import { trailersOnly } from "../../protocols/grpc/errors.ts";
import { STATUS } from "../../protocols/grpc/status.ts";
import { relayOptions } from "./relay_options.ts";
import { type RunningEndpoint, type Shared, unhealthyOf } from "./running.ts";

/** Serves one chain over gRPC and, where it has an address for that, over gRPC-Web: both over TLS with a certificate. */
export async function startGrpc(
  endpoint: EndpointConfig,
  flags: RelayFlags,
  shared: Shared,
): Promise<RunningEndpoint> {
  const { usage, metrics, budgets, qos, log, lifecycle, certificates } = shared;
  const { address, grpcWebAddress, relay: config } = endpoint;
  const tls = certificates.get(endpoint);
  const wire = flags["grpc-http2"] === "node" ? createNodeWire() : createDenoWire(systemClock, { headTooLarge });
  const limits = {
    maxGrpcMessageBytes: flags["grpc-max-message-bytes"],
    grpcConnectTimeoutMs: flags["grpc-connect-timeout"],
  };
  const assembly = assembleGrpc({ ...config, ...relayOptions(flags), ...limits }, {
    usage,
    log,
    clock: systemClock,
    fetch: globalThis.fetch,
    metrics: metrics instanceof Metrics ? metrics : undefined,
    budgets,
    qos,
    isStopping: () => lifecycle.phase === "stopping",
  }, wire);
  const handler = new GrpcHandler(assembly.parts, assembly.options);
  const listener = await listenGrpc(
    { ...address, ...(tls && { tls: { certPem: tls.cert, keyPem: tls.key } }) },
    { wire, handler, transport: assembly.transport, clock: systemClock },
  );
  const relay = {
    isHealthy: () => assembly.parts.isHealthy(),
    inFlight: () => handler.inFlight,
    async close(graceMs: number) {
      const closed = webListener?.shutdown();
      await listener.close(graceMs);
      await assembly.prober?.[Symbol.asyncDispose]();
      await closed;
    },
  };
  const web = new GrpcWebHandler({ handler, cors: new Cors(assembly.web.cors), clock: systemClock }, assembly.web);
  const fetch = withProbes(
    (request, info) => web.fetch(request, info),
    () => lifecycle.unreadiness(() => unhealthyOf([{ endpoint, relay }])),
  );
  const webListener = grpcWebAddress && listen(grpcWebAddress, fetch, undefined, tls);
  if (webListener !== undefined) {
    log.info("relay is listening for gRPC-Web", { address: addressText(webListener), chain: config.chainId });
  }
  // To close the relay is to stop listening as well.
  return { endpoint, relay, listener: { ...listener, shutdown: () => Promise.resolve() } };
}

/** What is answered to metadata over the limit. */
const headTooLarge = trailersOnly([
  ["grpc-status", String(STATUS.RESOURCE_EXHAUSTED)],
  ["grpc-message", "the metadata is larger than the relay takes"],
]);
