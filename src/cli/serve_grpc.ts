import { assembleGrpc } from "../config/assemble_grpc.ts";
import type { EndpointConfig } from "../config/file_content.ts";
import type { RelayFlags } from "../config/flags.ts";
import type { RelayConfig } from "../config/relay_config.ts";
import { systemClock } from "../domain/clock.ts";
import type { Log } from "../domain/log.ts";
import { addressText } from "../config/address.ts";
import { Cors } from "../hosts/cors.ts";
import { listen, type ListenerTls } from "../hosts/deno.ts";
import { GrpcWebHandler } from "../hosts/grpc/web_handler.ts";
import { GrpcHandler } from "../hosts/grpc/grpc_handler.ts";
import { type GrpcListener, listenGrpc } from "../hosts/grpc/listen.ts";
import { createDenoWire } from "../http2/deno_wire.ts";
import { createNodeWire } from "../http2/node_wire.ts";
import { Metrics, type MetricsRegistry } from "../observe/metrics/metrics.ts";
import { trailersOnly } from "../protocols/grpc/errors.ts";
import { STATUS } from "../protocols/grpc/status.ts";
import type { ProjectBudgets } from "../relay/project_budgets.ts";
import type { OptimizerQosSampler } from "../usage/optimizer_qos_sampler.ts";
import type { UsageSink } from "../usage/usage_sink.ts";

/** What gRPC endpoints share with the others. */
export interface GrpcShared {
  readonly usage: UsageSink;
  readonly metrics: MetricsRegistry | undefined;
  readonly budgets: ProjectBudgets | undefined;
  readonly qos: OptimizerQosSampler | undefined;
  readonly log: Log;
}

/** Serves one chain over gRPC and, where it has an address for that, over gRPC-Web: both over TLS with a certificate. */
export async function serveGrpc(
  { address, grpcWebAddress, relay: config }: EndpointConfig,
  options: Partial<RelayConfig>,
  flags: RelayFlags,
  { usage, metrics, budgets, qos, log }: GrpcShared,
  tls: ListenerTls | undefined,
): Promise<GrpcListener> {
  const registry = metrics instanceof Metrics ? metrics : undefined;
  const surroundings = { usage, log, clock: systemClock, fetch: globalThis.fetch, metrics: registry, budgets, qos };
  const wire = flags["grpc-http2"] === "node" ? createNodeWire() : createDenoWire(systemClock, { headTooLarge });
  const limits = {
    maxGrpcMessageBytes: flags["grpc-max-message-bytes"],
    grpcConnectTimeoutMs: flags["grpc-connect-timeout"],
  };
  const assembly = assembleGrpc({ ...config, ...options, ...limits }, surroundings, wire);
  const handler = new GrpcHandler(assembly.parts, assembly.options);
  const listener = await listenGrpc(
    { ...address, ...(tls && { tls: { certPem: tls.cert, keyPem: tls.key } }) },
    { wire, handler, transport: assembly.transport, clock: systemClock },
  );
  if (grpcWebAddress === undefined) return listener;
  const web = new GrpcWebHandler({ handler, cors: new Cors(assembly.web.cors), clock: systemClock }, assembly.web);
  const webListener = listen(grpcWebAddress, (request, info) => web.fetch(request, info), undefined, tls);
  log.info("relay is listening for gRPC-Web", { address: addressText(webListener), chain: config.chainId });
  return {
    ...listener,
    async close(graceMs) {
      const closed = webListener.shutdown();
      await listener.close(graceMs);
      await closed;
    },
  };
}

/** What is answered to metadata over the limit. */
const headTooLarge = trailersOnly([
  ["grpc-status", String(STATUS.RESOURCE_EXHAUSTED)],
  ["grpc-message", "the metadata is larger than the relay takes"],
]);
