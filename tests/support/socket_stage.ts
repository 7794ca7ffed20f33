/** A relay on a real socket in front of scripted nodes, on either of the listeners that have WebSockets. */
import { createRelay, type RelayHandle, type RelayOptions } from "../../mod.ts";
import { type HttpServer, listenWith } from "./http_servers.ts";
import { MemorySink } from "./memory_sink.ts";
import type { SocketNode } from "./socket_node.ts";

/** The servers that take WebSockets: the platform's own, and npm `ws` on `node:http`. */
export const SOCKET_HOSTS = ["deno", "node", "own"] as const satisfies readonly HttpServer[];

export type SocketHost = typeof SOCKET_HOSTS[number];

export interface SocketStage extends AsyncDisposable {
  readonly url: string;
  readonly usage: MemorySink;
  readonly relay: RelayHandle;
  /** Ends listener and relay as the program does. */
  stop(graceMs: number): Promise<void>;
}

/** Starts a relay, whose nodes are called node-1 and so on. */
export async function startSocketStage(
  host: SocketHost,
  nodes: readonly SocketNode[],
  options: Partial<RelayOptions> = {},
  closeTimeoutMs = 5_000,
): Promise<SocketStage> {
  const usage = new MemorySink();
  const relay = createRelay({
    chainId: "ETH1",
    providers: nodes.map(({ httpUrl, wsUrl }, index) => ({
      name: `node-${index + 1}`,
      nodeUrls: [{ url: httpUrl }, { url: wsUrl }],
    })),
    usage,
    ...options,
  });
  const maxMessageBytes = options.sockets?.maxMessageBytes ?? 1_048_576;
  const listener = await listenWith(host, relay, { maxMessageBytes, closeTimeoutMs });
  let stopped: Promise<void> | undefined;
  const stop = async (graceMs: number) => {
    const closing = listener.shutdown();
    await relay.close(graceMs);
    await closing;
  };
  return {
    url: `http://127.0.0.1:${listener.port}`,
    usage,
    relay,
    stop: (graceMs) => stopped ??= stop(graceMs),
    [Symbol.asyncDispose]: () => stopped ??= stop(1_000),
  };
}
