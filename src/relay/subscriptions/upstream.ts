import type { Clock } from "../../domain/clock.ts";
import { failure, type RelayError } from "../../domain/relay_error.ts";
import type { ProtocolCall } from "../../domain/relay_request.ts";
import type { NodeMessage, SubscriptionDialect } from "../../domain/subscription.ts";
import type { NodeSocket, NodeSocketConnector } from "../../providers/node_socket.ts";
import type { NodeUrl } from "../../providers/provider.ts";

/** Who gets what a node sends on a subscription. */
export interface UpstreamListener {
  /** One notification, parted where the subscription's id stands. */
  notify(before: string, after: string): void;
  /** The connection has ended, and the subscription with it. */
  lost(): void;
}

/** A subscription with a node, the node's refusal, or why it could not be asked. */
export type OpenResult =
  | { readonly kind: "open"; readonly subscription: string; close(): void; flush(): void }
  | { readonly kind: "refused"; readonly text: string }
  | { readonly kind: "failure"; readonly error: RelayError };

/** Options of connections to nodes, resolved. */
export interface UpstreamOptions {
  /** Connections to one URL. */
  readonly maxConnections: number;
  readonly maxSubscriptionsPerConnection: number;
  readonly connectTimeoutMs: number;
  /** Milliseconds for a node to answer a subscribe. */
  readonly subscribeTimeoutMs: number;
}

/** What connections to nodes need. */
export interface UpstreamDeps {
  readonly connector: NodeSocketConnector;
  readonly dialect: SubscriptionDialect;
  readonly clock: Clock;
}

/** Notifications that are kept for subscriptions whose answer has not come yet. */
const MAX_EARLY = 64;

/** One connection to a node, and the subscriptions on it. */
class UpstreamConnection {
  readonly #deps: UpstreamDeps;
  readonly #socket: NodeSocket;
  readonly #pending = new Map<number, (reply: NodeMessage & { kind: "reply" } | undefined) => void>();
  readonly #active = new Map<string, UpstreamListener>();
  #early: (NodeMessage & { kind: "notification" })[] = [];
  #lastId = 0;
  /** Subscriptions that are open or being opened. */
  count = 0;
  isClosed = false;

  constructor(deps: UpstreamDeps, socket: NodeSocket) {
    this.#deps = deps;
    this.#socket = socket;
  }

  async open(call: ProtocolCall, listener: UpstreamListener, timeoutMs: number): Promise<OpenResult> {
    const { dialect, clock } = this.#deps;
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<NodeMessage & { kind: "reply" } | undefined>();
    this.#pending.set(id, resolve);
    const cancelTimer = clock.schedule(timeoutMs, () => resolve(undefined));
    this.#socket.send(dialect.subscribeMessage(call, id));
    const reply = await promise;
    cancelTimer();
    this.#pending.delete(id);
    if (reply === undefined) {
      const error = this.isClosed
        ? failure("upstream_disconnected", "the connection broke before the subscription was answered")
        : failure("upstream_timeout", `the subscription was not answered within ${timeoutMs} ms`);
      return error;
    }
    if (reply.isError) return { kind: "refused", text: reply.text };
    const { subscription } = reply;
    if (subscription === "" || this.#active.has(subscription)) {
      return failure("malformed_answer", "the node's answer to the subscription names no id of its own");
    }
    this.#active.set(subscription, listener);
    return {
      kind: "open",
      subscription,
      close: () => this.#end(call, subscription),
      flush: () => this.#flush(subscription, listener),
    };
  }

  /** Hands on what came before the answer did, and asks no more of what nobody waits for. */
  #flush(subscription: string, listener: UpstreamListener): void {
    const early = this.#early.filter((message) => message.subscription === subscription);
    this.#early = this.#pending.size === 0
      ? []
      : this.#early.filter((message) => message.subscription !== subscription);
    for (const { before, after } of early) listener.notify(before, after);
  }

  #end(call: ProtocolCall, subscription: string): void {
    if (!this.#active.delete(subscription) || this.isClosed) return;
    const message = this.#deps.dialect.unsubscribeMessage(call, subscription, ++this.#lastId);
    if (message !== undefined) this.#socket.send(message);
  }

  message(text: string): void {
    const message = this.#deps.dialect.readNodeMessage(text, (id) => this.#pending.has(id));
    switch (message.kind) {
      case "reply":
        return this.#pending.get(message.id)?.(message);
      case "notification": {
        const listener = this.#active.get(message.subscription);
        if (listener !== undefined) listener.notify(message.before, message.after);
        else if (this.#pending.size > 0 && this.#early.length < MAX_EARLY) this.#early.push(message);
        return;
      }
      case "unreadable":
        return;
    }
  }

  /** The socket has ended: everyone on it is told. */
  closed(): void {
    this.isClosed = true;
    for (const resolve of this.#pending.values()) resolve(undefined);
    const listeners = [...this.#active.values()];
    this.#active.clear();
    for (const listener of listeners) listener.lost();
  }

  close(): void {
    this.isClosed = true;
    this.#socket.close();
    for (const resolve of this.#pending.values()) resolve(undefined);
    this.#active.clear();
  }
}

/** The connections to nodes that subscriptions share. */
export class UpstreamPool {
  readonly #deps: UpstreamDeps;
  readonly #options: UpstreamOptions;
  readonly #connections = new Map<NodeUrl, Set<UpstreamConnection>>();
  /** Connections that are being made: several who want one wait for the same. */
  readonly #connecting = new Map<NodeUrl, Promise<UpstreamConnection | RelayError>>();
  #isClosed = false;

  constructor(deps: UpstreamDeps, options: UpstreamOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Opens a subscription with a node. Never rejects. */
  async open(nodeUrl: NodeUrl, call: ProtocolCall, listener: UpstreamListener): Promise<OpenResult> {
    const connection = await this.#connectionTo(nodeUrl);
    if (!(connection instanceof UpstreamConnection)) return { kind: "failure", error: connection };
    const result = await connection.open(call, listener, this.#options.subscribeTimeoutMs);
    if (result.kind !== "open") {
      this.#release(nodeUrl, connection);
      return result;
    }
    let isOpen = true;
    return {
      ...result,
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        result.close();
        this.#release(nodeUrl, connection);
      },
    };
  }

  /** Ends every connection. Nobody is told. */
  close(): void {
    this.#isClosed = true;
    for (const connections of this.#connections.values()) for (const connection of connections) connection.close();
    this.#connections.clear();
  }

  /** A connection with room for one more subscription, which is counted already. */
  async #connectionTo(nodeUrl: NodeUrl): Promise<UpstreamConnection | RelayError> {
    for (;;) {
      const connections = this.#connections.get(nodeUrl);
      const free = [...connections ?? []].find(({ count }) => count < this.#options.maxSubscriptionsPerConnection);
      if (free !== undefined) {
        free.count++;
        return free;
      }
      if ((connections?.size ?? 0) >= this.#options.maxConnections) {
        return failure("upstream_rate_limited", "all connections to it are full of subscriptions").error;
      }
      let connecting = this.#connecting.get(nodeUrl);
      if (connecting === undefined) {
        connecting = this.#connect(nodeUrl).finally(() => this.#connecting.delete(nodeUrl));
        this.#connecting.set(nodeUrl, connecting);
      }
      const made = await connecting;
      if (!(made instanceof UpstreamConnection)) return made;
    }
  }

  async #connect(nodeUrl: NodeUrl): Promise<UpstreamConnection | RelayError> {
    const made: { connection?: UpstreamConnection } = {};
    const result = await this.#deps.connector.connect(nodeUrl, {
      message: (text) => made.connection?.message(text),
      closed: () => {
        if (made.connection === undefined) return;
        this.#connections.get(nodeUrl)?.delete(made.connection);
        made.connection.closed();
      },
    }, this.#options.connectTimeoutMs);
    if (result.kind === "failure") return result.error;
    if (this.#isClosed) {
      result.socket.close();
      return failure("shutting_down", "the relay is shutting down").error;
    }
    const connection = made.connection = new UpstreamConnection(this.#deps, result.socket);
    let connections = this.#connections.get(nodeUrl);
    if (connections === undefined) this.#connections.set(nodeUrl, connections = new Set());
    connections.add(connection);
    return connection;
  }

  /** One subscription less; a connection that has none is closed. */
  #release(nodeUrl: NodeUrl, connection: UpstreamConnection): void {
    connection.count--;
    if (connection.count > 0 || connection.isClosed) return;
    const connections = this.#connections.get(nodeUrl);
    connections?.delete(connection);
    if (connections?.size === 0) this.#connections.delete(nodeUrl);
    connection.close();
  }
}
