import { createRelay, type RelayHandle } from "../../../mod.ts";
import { addressText } from "../../config/address.ts";
import { type EndpointConfig, pathOfEndpoint } from "../../config/file_content.ts";
import type { RelayFlags } from "../../config/flags.ts";
import { systemClock } from "../../domain/clock.ts";
import { createCoarseClock } from "../../domain/coarse_clock.ts";
import type { Log } from "../../domain/log.ts";
import { listen, type Listener, type ListenerAddress, type ListenerTls } from "../../hosts/deno.ts";
import { hostHandlerOf } from "../../hosts/host_handler.ts";
import type { HttpServerOptions } from "../../hosts/http1/http_server.ts";
import { listenOwn } from "../../hosts/http1/listen.ts";
import type { NodeListenerOptions } from "../../hosts/node.ts";
import { createPathRouter, type RoutedRelay } from "../../hosts/path_router.ts";
import { withHostProbes, withProbes } from "../../hosts/probes.ts";
import type { TakeUpgrade } from "../../hosts/upgrade.ts";
import { upstreamConnect } from "../upstream.ts";
import { startGrpc } from "./grpc_endpoint.ts";
import { relayOptions } from "./relay_options.ts";
import { type RunningEndpoint, type RunningRelay, type Shared, unhealthyOf } from "./running.ts";

/** Serves all endpoints. Rejects when one can't be. */
export async function startEndpoints(
  endpoints: readonly EndpointConfig[],
  flags: RelayFlags,
  shared: Shared,
): Promise<RunningEndpoint[]> {
  return (await Promise.all(byAddress(endpoints).map((group) => startGroup(group, flags, shared)))).flat();
}

/** Endpoints by their addresses. Those that want a free port each get their own. */
function byAddress(endpoints: readonly EndpointConfig[]): EndpointConfig[][] {
  const groups = new Map<string, EndpointConfig[]>();
  for (const [index, endpoint] of endpoints.entries()) {
    const key = endpoint.address.port === 0 ? String(index) : addressText(endpoint.address);
    groups.set(key, [...groups.get(key) ?? [], endpoint]);
  }
  return [...groups.values()];
}

async function startGroup(
  endpoints: readonly EndpointConfig[],
  flags: RelayFlags,
  shared: Shared,
): Promise<RunningEndpoint[]> {
  const [first] = endpoints as [EndpointConfig];
  const running = first.relay.apiInterface === "grpc"
    ? [await startGrpc(first, flags, shared)]
    : await startHttp(endpoints, flags, shared);
  for (const { endpoint, listener } of running) {
    const { relay: config } = endpoint;
    shared.log.info("relay is listening", {
      address: addressText(listener),
      ...((endpoints.length > 1 || endpoint.path !== undefined) && { path: pathOfEndpoint(endpoint) }),
      ...(endpoint.tls && { tls: true }),
      chain: config.chainId,
      api_interface: config.apiInterface ?? "jsonrpc",
      providers: config.providers.length,
      backup_providers: config.backupProviders?.length ?? 0,
      usage: shared.target,
    });
  }
  return running;
}

function runningRelay(handle: RelayHandle): RunningRelay {
  return { ...handle, prepare: (config, flags) => handle.prepare({ ...config, ...relayOptions(flags) }) };
}

/** One relay at an address has it for itself, unless it names a path; several are each served below their own. */
async function startHttp(
  endpoints: readonly EndpointConfig[],
  flags: RelayFlags,
  shared: Shared,
): Promise<RunningEndpoint[]> {
  const { usage, cache, budgets, metrics, qos, log, certificates, lifecycle } = shared;
  const optional = {
    ...(cache && { cache }),
    ...(metrics && { metrics }),
    ...(qos && { qos }),
  };
  const clock = createCoarseClock(systemClock);
  const isStopping = () => lifecycle.phase === "stopping";
  const relays = endpoints.map(({ relay: config }) =>
    createRelay({
      ...config,
      ...relayOptions(flags),
      connect: upstreamConnect,
      usage,
      budgets,
      log,
      clock,
      isStopping,
      ...optional,
    })
  );
  const [first] = endpoints as [EndpointConfig];
  const served = relays.length === 1 && first.path === undefined
    ? relays[0]!
    : createPathRouter(Object.fromEntries(relays.map((relay, index) => [pathOfEndpoint(endpoints[index]!), relay])));
  const own = relays.map((handle, index) => ({ endpoint: endpoints[index]!, relay: runningRelay(handle) }));
  const unreadiness = () => lifecycle.unreadiness(() => unhealthyOf(own));
  const limits = {
    headerTimeoutMs: flags["http-header-timeout"],
    idleTimeoutMs: flags["http-idle-timeout"],
    maxConnections: flags["http-max-connections"],
    maxMessageBytes: flags["websocket-max-message-bytes"],
  };
  const address = { ...first.address, reusePort: flags["reuse-port"] };
  const listener = await openListener(served, unreadiness, address, limits, certificates.get(first), flags, log);
  return own.map((each) => ({ ...each, listener }));
}

/** Opens the listener that the flags ask for. */
async function openListener(
  served: RoutedRelay,
  unreadiness: () => readonly string[],
  address: ListenerAddress,
  limits: HttpServerOptions & NodeListenerOptions,
  certificate: ListenerTls | undefined,
  flags: RelayFlags,
  log: Log,
): Promise<Listener> {
  const { fetch, upgrade } = served;
  switch (flags["http-server"]) {
    case "own": {
      const handler = withHostProbes(hostHandlerOf(served)!, unreadiness);
      // Loaded when the first client asks for a WebSocket, for the same reason as below.
      let loading: Promise<TakeUpgrade> | undefined;
      const load = async () => (await import("../../hosts/own_websocket.ts")).createTakeUpgrade(handler, limits);
      const takeUpgrade: TakeUpgrade = async (offer) => await (await (loading ??= load()))(offer);
      return listenOwn(address, { handler, log, takeUpgrade }, limits, certificate);
    }
    case "deno":
      return listen(address, withProbes(fetch, unreadiness), upgrade, certificate, (error) => {
        log.warn("a connection could not be accepted", { error: String(error) });
      });
    case "node": {
      // Loaded when it is asked for: it brings a library with it, which wants to see the environment.
      const { listenNode } = await import("../../hosts/node.ts");
      return await listenNode(address, withProbes(fetch, unreadiness), limits, upgrade);
    }
  }
}
