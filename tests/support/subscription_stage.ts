/** A relay's WebSocket side without a host: clients are objects, nodes are reached over real sockets. */
import { assemble } from "../../src/config/assemble.ts";
import type { SocketAssembly } from "../../src/config/assemble_sockets.ts";
import type { RelayConfig } from "../../src/config/relay_config.ts";
import { type Clock, systemClock } from "../../src/domain/clock.ts";
import { type Log, silentLog } from "../../src/domain/log.ts";
import { NO_STEERING } from "../../src/domain/steering.ts";
import type { SocketReceiver } from "../../src/hosts/websocket_session.ts";
import { WebSocketSessions } from "../../src/hosts/websocket_sessions.ts";
import { Metrics, type MetricsRegistry } from "../../src/observe/metrics/metrics.ts";
import { MemorySink } from "./memory_sink.ts";
import { within } from "./within.ts";
import type { SocketNode } from "./socket_node.ts";

/** A client's end. */
export interface StageClient {
  /** Everything that it was sent, parsed. */
  readonly messages: readonly Record<string, unknown>[];
  /** The results of its notifications. */
  readonly delivered: readonly unknown[];
  /** Sends a call, and waits for its answer. */
  call(method: string, params?: unknown): Promise<{ readonly result?: unknown; readonly error?: { code: number } }>;
  /** Sends a call whose answer nobody waits for. */
  send(method: string, params: unknown): void;
  /** Resolves when so many notifications have come. */
  notified(count: number): Promise<void>;
  /** It goes away. */
  leave(): void;
}

/** The relay's side. */
export interface SocketStage extends AsyncDisposable {
  readonly usage: MemorySink;
  readonly sockets: SocketAssembly;
  /** The newest block that is known of a provider; 0 while none is. */
  headOf(provider: string): number;
  join(project?: string): StageClient;
}

/** What a stage may be set up with, beside what a relay is configured with. */
export interface StageOptions extends Partial<RelayConfig> {
  readonly clock?: Clock;
  readonly random?: () => number;
  readonly log?: Log;
  readonly metrics?: MetricsRegistry;
}

/** Where a node is. */
export type NodePlace = Pick<SocketNode, "httpUrl" | "wsUrl">;

/** Providers `node-1`, `node-2` and so on. */
export function providersOf(nodes: readonly NodePlace[]): RelayConfig["providers"] {
  return nodes.map(({ httpUrl, wsUrl }, index) => ({
    name: `node-${index + 1}`,
    nodeUrls: [{ url: httpUrl }, { url: wsUrl }],
  }));
}

/** Sets it up in front of nodes. */
export function stageSockets(nodes: readonly NodePlace[], options: StageOptions = {}): SocketStage {
  const { clock = systemClock, log = silentLog, random, metrics, ...config } = options;
  const usage = new MemorySink();
  const { sockets, core, start, retire, close } = assemble({
    chainId: "ETH1",
    providers: providersOf(nodes),
    ...config,
  }, {
    usage,
    fetch: globalThis.fetch,
    clock,
    log,
    random,
    metrics: metrics instanceof Metrics ? metrics : undefined,
  });
  start();
  const sessions = new WebSocketSessions(sockets!.deps, sockets!.options);
  return {
    usage,
    sockets: sockets!,
    headOf: (provider) => core.selector.headOf(provider),
    join(project = "acme") {
      const messages: Record<string, unknown>[] = [];
      const delivered: unknown[] = [];
      const answers = new Map<unknown, (message: Record<string, unknown>) => void>();
      const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
      let lastId = 0;
      const session: SocketReceiver = sessions.open({
        bufferedAmount: 0,
        send(text) {
          const message: Record<string, unknown> = JSON.parse(text);
          messages.push(message);
          if (message["params"] === undefined) answers.get(message["id"])?.(message);
          else {
            delivered.push((message["params"] as { result: unknown }).result);
            for (const { count, resolve } of waiting) if (delivered.length >= count) resolve();
          }
          return true;
        },
        close: () => session.closed(),
      }, { caller: { project, origin: "", address: "" }, steering: NO_STEERING, path: "/" });
      return {
        messages,
        delivered,
        call(method, params = []) {
          const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>();
          answers.set(++lastId, resolve);
          session.message(JSON.stringify({ jsonrpc: "2.0", id: lastId, method, params }));
          return within(promise, `the answer to ${method}`);
        },
        send: (method, params) => session.message(JSON.stringify({ jsonrpc: "2.0", id: 0, method, params })),
        notified(count) {
          const { promise, resolve } = Promise.withResolvers<void>();
          if (delivered.length >= count) resolve();
          else waiting.push({ count, resolve });
          return within(promise, `notification ${count}`);
        },
        leave: () => session.closed(),
      };
    },
    async [Symbol.asyncDispose]() {
      await sessions.drain(1_000);
      await retire();
      close();
    },
  };
}
