import { assembleGrpc } from "../../src/config/assemble_grpc.ts";
import type { NodeUrlConfig, ProviderConfig, RelayConfig } from "../../src/config/relay_config.ts";
import type { Api, ChainSpec } from "../../src/domain/chain_spec.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { silentLog } from "../../src/domain/log.ts";
import { Cors } from "../../src/hosts/cors.ts";
import { GrpcWebHandler } from "../../src/hosts/grpc/web_handler.ts";
import { GrpcHandler } from "../../src/hosts/grpc/grpc_handler.ts";
import { type GrpcListener, listenGrpc } from "../../src/hosts/grpc/listen.ts";
import { createDenoWire } from "../../src/http2/deno_wire.ts";
import type { Http2Wire } from "../../src/http2/port.ts";
import type { ProjectBudgets } from "../../src/relay/project_budgets.ts";
import { SpecSet } from "../../src/spec/spec_set.ts";
import { MemorySink } from "./memory_sink.ts";

function api(name: string, computeUnits: number, category: Api["category"] = {}): Api {
  const blockParsing = { parser_func: "DEFAULT", parser_arg: ["latest"] } as const;
  return { name, enabled: true, compute_units: computeUnits, category, block_parsing: blockParsing };
}

/** A chain whose nodes speak gRPC: one API that is read, one that is written, one that is dear. */
const SPEC: ChainSpec = {
  index: "GRPC1",
  name: "a chain of tests",
  enabled: true,
  average_block_time: 1_000,
  block_distance_for_finalized_data: 0,
  allowed_block_lag_for_qos_sync: 1,
  api_collections: [{
    enabled: true,
    collection_data: { api_interface: "grpc", internal_path: "", type: "", add_on: "" },
    apis: [
      api("test.Node/Read", 10),
      api("test.Node/Write", 50, { stateful: 2 }),
      api("test.Node/Broadcast", 15, { stateful: 1 }),
      api("test.Node/Subscribe", 30, { subscription: true }),
      api("etcdserverpb.KV/Range", 10),
      api("etcdserverpb.KV/Put", 40, { stateful: 2 }),
    ],
    extensions: [{ name: "archive", cu_multiplier: 5, rule: { block: 100 } }],
  }],
};

/** A relay that serves gRPC, in this process. */
export interface GrpcRelay extends AsyncDisposable {
  readonly port: number;
  readonly listener: GrpcListener;
  readonly usage: MemorySink;
  /** The same relay by gRPC-Web. */
  fetch(request: Request): Promise<Response>;
}

/** A node URL without TLS. */
export function plain(port: number, more: Partial<NodeUrlConfig> = {}): NodeUrlConfig {
  return { url: `grpc://127.0.0.1:${port}`, allowInsecure: true, ...more };
}

/** A provider for each port, called a, b, and so on. */
export function providersAt(...ports: readonly number[]): ProviderConfig[] {
  return ports.map((port, index) => ({ name: "abcdefgh"[index]!, nodeUrls: [plain(port)] }));
}

export async function startGrpcRelay(
  config: Partial<RelayConfig> & Pick<RelayConfig, "providers">,
  wire: Http2Wire = createDenoWire(systemClock),
  budgets?: ProjectBudgets,
): Promise<GrpcRelay> {
  const usage = new MemorySink();
  // Without chance, the first provider of the configuration is asked first.
  const random = () => 0;
  const surroundings = { usage, clock: systemClock, random, log: silentLog, fetch: globalThis.fetch, budgets };
  const { parts, options, transport, web, assembly } = assembleGrpc(
    { chainId: "GRPC1", specs: new SpecSet([SPEC]), ...config },
    surroundings,
    wire,
  );
  assembly.start();
  const handler = new GrpcHandler(parts, options);
  const webHandler = new GrpcWebHandler({ handler, cors: new Cors(web.cors), clock: systemClock }, web);
  const address = { hostname: "127.0.0.1", port: 0 };
  const listener = await listenGrpc(address, { wire, handler, transport, clock: systemClock });
  let closing: Promise<void> | undefined;
  const close = (graceMs: number) => closing ??= assembly.retire().then(() => listener.close(graceMs));
  return {
    port: listener.port,
    listener: { ...listener, close },
    fetch: (request) => webHandler.fetch(request, { clientAddress: "127.0.0.1" }),
    usage,
    [Symbol.asyncDispose]: () => close(0),
  };
}
