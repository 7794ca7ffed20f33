import { addressText } from "../../config/address.ts";
import { assembleGrpc, type GrpcAssembly } from "../../config/assemble_grpc.ts";
import type { EndpointConfig } from "../../config/file_content.ts";
import type { RelayFlags } from "../../config/flags.ts";
import { type Generation, Generations } from "../../config/generations.ts";
import type { RelayConfig } from "../../config/relay_config.ts";
import { systemClock } from "../../domain/clock.ts";
import { Cors } from "../../hosts/cors.ts";
import { listen } from "../../hosts/deno.ts";
import { GrpcHandler } from "../../hosts/grpc/grpc_handler.ts";
import { listenGrpc } from "../../hosts/grpc/listen.ts";
import { GrpcWebHandler } from "../../hosts/grpc/web_handler.ts";
import { withProbes } from "../../hosts/probes.ts";
import { createDenoWire } from "../../http2/deno_wire.ts";
import { createNodeWire } from "../../http2/node_wire.ts";
import type { IncomingStream } from "../../http2/port.ts";
import { Metrics } from "../../observe/metrics/metrics.ts";
import { trailersOnly } from "../../protocols/grpc/errors.ts";
import { STATUS } from "../../protocols/grpc/status.ts";
import type { NodeUrl } from "../../providers/provider.ts";
import { grpcOptions } from "./relay_options.ts";
import { type RunningEndpoint, type RunningRelay, type Shared, unhealthyOf } from "./running.ts";

/** Serves one chain over gRPC and, where it has an address for that, over gRPC-Web: both over TLS with a certificate. */
export async function startGrpc(
  endpoint: EndpointConfig,
  flags: RelayFlags,
  shared: Shared,
): Promise<RunningEndpoint> {
  const { usage, metrics, budgets, qos, log, lifecycle, certificates } = shared;
  const { address, grpcWebAddress, relay: { chainId } } = endpoint;
  const tls = certificates.get(endpoint);
  const wire = flags["grpc-http2"] === "node" ? createNodeWire() : createDenoWire(systemClock, { headTooLarge });
  const surroundings = {
    usage,
    log,
    clock: systemClock,
    fetch: globalThis.fetch,
    metrics: metrics instanceof Metrics ? metrics : undefined,
    budgets,
    qos,
    isStopping: () => lifecycle.phase === "stopping",
  };
  const handler = {
    onStream: (incoming: IncomingStream) => generations.current.handler.onStream(incoming),
    drain: (graceMs: number) => generations.drain(graceMs),
  };
  const generationOf = (config: RelayConfig, previous?: GrpcAssembly) =>
    new GrpcGeneration(assembleGrpc(config, surroundings, wire, previous), handler);
  const generations: Generations<GrpcGeneration> = new Generations(
    generationOf({ ...endpoint.relay, ...grpcOptions(flags) }),
    (remaining) => transport.keepOnly(new Set(remaining.flatMap(({ nodeUrls }) => nodeUrls))),
  );
  const { transport } = generations.current.grpc;
  const listener = await listenGrpc(
    { ...address, reusePort: flags["reuse-port"], ...(tls && { tls: { certPem: tls.cert, keyPem: tls.key } }) },
    { wire, handler, transport, clock: systemClock },
  );
  const relay: RunningRelay = {
    isHealthy: () => generations.current.grpc.parts.isHealthy(),
    inFlight: () => generations.all.reduce((sum, generation) => sum + generation.handler.inFlight, 0),
    prepare(config, newFlags) {
      const next = generationOf({ ...config, ...grpcOptions(newFlags) }, generations.current.grpc);
      return { needsRestart: next.grpc.assembly.needsRestart, apply: () => generations.replace(next) };
    },
    async close(graceMs) {
      const closed = webListener?.shutdown();
      await listener.close(graceMs);
      await closed;
    },
  };
  const fetch = withProbes(
    (request, info) => generations.current.web.fetch(request, info),
    () => lifecycle.unreadiness(() => unhealthyOf([{ endpoint, relay }])),
  );
  const webListener = grpcWebAddress &&
    listen({ ...grpcWebAddress, reusePort: flags["reuse-port"] }, fetch, undefined, tls);
  if (webListener !== undefined) {
    log.info("relay is listening for gRPC-Web", { address: addressText(webListener), chain: chainId });
  }
  // To close the relay is to stop listening as well.
  return { endpoint, relay, listener: { ...listener, shutdown: () => Promise.resolve() } };
}

/** What serves under one configuration. */
class GrpcGeneration implements Generation {
  readonly grpc: GrpcAssembly;
  readonly handler: GrpcHandler;
  readonly web: GrpcWebHandler;

  /** Calls over gRPC-Web are known once their bodies are, and then `handlerInForce` takes them. */
  constructor(grpc: GrpcAssembly, handlerInForce: Pick<GrpcHandler, "onStream">) {
    this.grpc = grpc;
    this.handler = new GrpcHandler(grpc.parts, grpc.options);
    const cors = new Cors(grpc.web.cors);
    this.web = new GrpcWebHandler({ handler: handlerInForce, cors, clock: systemClock }, grpc.web);
  }

  get nodeUrls(): readonly NodeUrl[] {
    return this.grpc.assembly.providers.flatMap(({ nodeUrls }) => nodeUrls);
  }

  start(): void {
    this.grpc.assembly.start();
  }

  retire(): Promise<void> {
    return this.grpc.assembly.retire();
  }

  drain(graceMs: number): Promise<void> {
    return this.handler.drain(graceMs);
  }
}

/** What is answered to metadata over the limit. */
const headTooLarge = trailersOnly([
  ["grpc-status", String(STATUS.RESOURCE_EXHAUSTED)],
  ["grpc-message", "the metadata is larger than the relay takes"],
]);
