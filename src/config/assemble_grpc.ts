import type { StreamProtocol } from "../domain/stream_call.ts";
import type { Http2Wire } from "../http2/port.ts";
import { createGrpcProtocol } from "../protocols/grpc/protocol.ts";
import type { Relay } from "../relay/relay.ts";
import { StreamRelay } from "../relay/stream_relay.ts";
import { createUnaryTransport } from "../transports/grpc/unary_transport.ts";
import { GrpcTransport } from "../transports/grpc/stream_transport.ts";
import { assemble, type Assembly, type Surroundings } from "./assemble.ts";
import { createGrpcWording } from "./grpc_wording.ts";
import type { HttpOptions } from "./http_options.ts";
import type { RelayConfig } from "./relay_config.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** The parts that a gRPC host puts its own end to, and their resolved options. */
export interface GrpcAssembly {
  readonly parts: Omit<Assembly["parts"], "relay" | "codec"> & {
    readonly relay: StreamRelay;
    /** Makes the calls that several nodes are asked at once. */
    readonly unary: Relay;
    readonly protocol: StreamProtocol;
  };
  /** All of it that is not gRPC's own. */
  readonly assembly: Assembly;
  /** Stays when the configuration changes; to be closed when the last call has ended. */
  readonly transport: GrpcTransport;
  readonly options: { readonly chain: string; readonly healthPath: string };
  /** Options of gRPC-Web. */
  readonly web: { readonly cors: HttpOptions["cors"]; readonly maxBodyBytes: number; readonly bodyTimeoutMs: number };
}

/**
 * Builds a gRPC relay of its parts, over the given HTTP/2, or what changes of them when `previous` is in force. Throws a
 * `ConfigError` that holds every mistake.
 */
export function assembleGrpc(
  config: RelayConfig,
  surroundings: Surroundings,
  wire: Http2Wire,
  previous?: GrpcAssembly,
): GrpcAssembly {
  const { clock, log, random = Math.random } = surroundings;
  const transport = previous?.transport ?? new GrpcTransport({ wire, clock, random }, {
    maxChannels: 5,
    streamsPerChannel: 100,
    connectTimeoutMs: config.grpcConnectTimeoutMs ?? 30_000,
    // Servers of gRPC take more than one ping in five minutes amiss.
    keepaliveMs: 310_000,
    keepaliveTimeoutMs: 20_000,
  });
  const maxBytes = config.maxGrpcMessageBytes ?? 32 * MIB;
  const unaryTransport = createUnaryTransport(transport, maxBytes + 5);
  const assembly = assemble({ ...config, apiInterface: "grpc" }, {
    ...surroundings,
    transport: unaryTransport,
    wording: createGrpcWording(unaryTransport, clock),
    // An answer is kept by its JSON, and there is none.
    cache: undefined,
  }, previous?.assembly);
  const { core, kept: { counts }, parts, options } = assembly;
  const relay = new StreamRelay(
    { selector: core.selector, transport, meter: core.meter, metrics: counts, clock, log },
    {
      ...core.options,
      maxCopyBytes: 256 * KIB,
      maxCopyTotalBytes: 64 * MIB,
    },
  );
  const protocol = createGrpcProtocol({ maxRequestBytes: maxBytes, maxAnswerBytes: maxBytes });
  const { relay: unary, codec: _codec, ...shared } = parts;
  return {
    parts: { ...shared, relay, unary, protocol },
    assembly,
    transport,
    options: { chain: options.chain, healthPath: options.healthPath },
    // Base64 takes a third more.
    web: {
      cors: options.cors,
      maxBodyBytes: Math.ceil((maxBytes + 5) * 4 / 3) + 4,
      bodyTimeoutMs: options.bodyTimeoutMs,
    },
  };
}
