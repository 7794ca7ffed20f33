import type { Cancellation } from "../../domain/cancellation.ts";
import { failure, type RelayError } from "../../domain/relay_error.ts";
import type { ProtocolCall } from "../../domain/relay_request.ts";
import type { NodeSocketConnector } from "../../providers/node_socket.ts";
import type { Candidate } from "../../providers/selector.ts";
import { socketKey } from "../../providers/socket_selector.ts";
import {
  type AskResult,
  type ConnectionDeps,
  type ConnectionOptions,
  type OpenResult,
  UpstreamConnection,
  type UpstreamListener,
} from "./upstream_connection.ts";

/** Options of connections to nodes, resolved. */
export interface PoolOptions extends ConnectionOptions {
  /** Connections to one URL. */
  readonly maxConnections: number;
  readonly maxSubscriptionsPerConnection: number;
  readonly connectTimeoutMs: number;
  /** How long a connection that only calls were made on is kept for more of them. */
  readonly idleMs: number;
}

/** What connections to nodes need. */
export interface PoolDeps extends ConnectionDeps {
  readonly connector: NodeSocketConnector;
  /** Whether a node is still one of those that are configured. */
  isWanted(candidate: Candidate): boolean;
  /** A node could not be connected to, or a connection with it has ended; it is told once, whoever shared it. */
  onFailure(candidate: Candidate, reason: string): void;
}

type Made = UpstreamConnection | RelayError;

/** The connections to one node. */
interface Place {
  readonly connections: Set<UpstreamConnection>;
  /** The one that is being made: several who want one wait for the same. */
  connecting: Promise<Made> | undefined;
}

/** The connections to nodes that subscriptions share. */
export class UpstreamPool {
  readonly #deps: PoolDeps;
  readonly #options: PoolOptions;
  readonly #places = new Map<string, Place>();
  #isClosed = false;

  constructor(deps: PoolDeps, options: PoolOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /** Connections that are open. */
  get size(): number {
    let size = 0;
    for (const { connections } of this.#places.values()) size += connections.size;
    return size;
  }

  /** Opens a subscription with a node. Never rejects. */
  async open(candidate: Candidate, call: ProtocolCall, listener: UpstreamListener): Promise<OpenResult> {
    const { dialect } = this.#deps;
    const key = dialect.isOncePerClient ? dialect.keyOf(call) : "";
    const connection = await this.#take(candidate, key);
    if (!(connection instanceof UpstreamConnection)) return { kind: "failure", error: connection };
    let state: "opening" | "open" | "over" = "opening";
    const end = () => {
      state = "over";
      connection.count--;
      connection.keys.delete(key);
      this.#closeUnused(connection);
    };
    const result = await connection.open(call, {
      notify: (before, after) => listener.notify(before, after),
      lost() {
        const wasOpen = state === "open";
        end();
        if (wasOpen) listener.lost();
      },
    });
    if (result.kind !== "open") {
      end();
      return result;
    }
    // An end that came with the answer is told by it.
    if (isOver(state)) return failure("upstream_disconnected", "the subscription ended as soon as it was opened");
    state = "open";
    return {
      ...result,
      close() {
        if (state === "over") return;
        result.close();
        end();
      },
    };
  }

  /** Asks a node something over one of its connections; `body` is a request to the id 1. Never rejects. */
  async ask(candidate: Candidate, body: Uint8Array | null, signal: Cancellation): Promise<AskResult> {
    const [open] = this.#places.get(socketKey(candidate))?.connections ?? [];
    const connection = open ?? await this.#connecting(candidate, () => {});
    if (!(connection instanceof UpstreamConnection)) return { kind: "failure", error: connection };
    connection.calls++;
    const result = await connection.ask(body, signal);
    connection.calls--;
    connection.keepFor(this.#options.idleMs, () => this.#closeUnused(connection));
    return result;
  }

  /** Ends the connections to nodes that are not configured any more: their subscriptions are lost, and go to others. */
  dropUnwanted(): void {
    for (const { connections } of [...this.#places.values()]) {
      for (const connection of [...connections]) {
        if (!this.#deps.isWanted(connection.candidate)) this.#drop(connection);
      }
    }
  }

  /** Ends every connection. Nobody is told. */
  close(): void {
    this.#isClosed = true;
    for (const { connections } of this.#places.values()) for (const connection of connections) connection.close();
    this.#places.clear();
  }

  /** A connection with room for one more subscription, which is counted already. */
  async #take(candidate: Candidate, key: string): Promise<Made> {
    const { maxConnections, maxSubscriptionsPerConnection: max } = this.#options;
    for (;;) {
      const connections = this.#places.get(socketKey(candidate))?.connections;
      const free = [...connections ?? []].find(({ count, keys }) => count < max && (key === "" || !keys.has(key)));
      if (free !== undefined) {
        free.count++;
        free.keys.add(key);
        return free;
      }
      if ((connections?.size ?? 0) >= maxConnections) {
        return failure("no_provider", "all connections to it are full of subscriptions").error;
      }
      const made = await this.#connecting(candidate, (reason) => this.#deps.onFailure(candidate, reason));
      if (!(made instanceof UpstreamConnection)) return made;
      // It has room, unless others who waited for it were faster; one that has ended already is not tried again here.
      if (made.isClosed) return failure("upstream_disconnected", "the connection ended as soon as it was open").error;
    }
  }

  #connecting(candidate: Candidate, onFailure: (reason: string) => void): Promise<Made> {
    const name = socketKey(candidate);
    let place = this.#places.get(name);
    if (place === undefined) this.#places.set(name, place = { connections: new Set(), connecting: undefined });
    const { connections } = place;
    place.connecting ??= this.#connect(candidate).then((made) => {
      place.connecting = undefined;
      if (made instanceof UpstreamConnection && !made.isClosed) connections.add(made);
      else if (connections.size === 0) this.#places.delete(name);
      if (!(made instanceof UpstreamConnection) && made.code !== "shutting_down") onFailure(made.message);
      return made;
    });
    return place.connecting;
  }

  async #connect(candidate: Candidate): Promise<Made> {
    const { connector, isWanted, onFailure } = this.#deps;
    const isOver = () => this.#isClosed || !isWanted(candidate);
    if (isOver()) return NOT_ASKED;
    let connection: UpstreamConnection | undefined;
    let ending: string | undefined;
    const result = await connector.connect(candidate.nodeUrl, {
      message: (text) => connection?.message(text),
      closed: (reason) => {
        ending = reason;
        if (connection === undefined) return;
        this.#forget(connection);
        onFailure(candidate, reason);
        connection.closed();
      },
    }, this.#options.connectTimeoutMs);
    if (result.kind === "failure") return result.error;
    if (ending !== undefined) return failure("upstream_disconnected", ending).error;
    if (isOver()) {
      result.socket.close();
      return NOT_ASKED;
    }
    return connection = new UpstreamConnection(this.#deps, this.#options, candidate, result.socket, (reason) => {
      onFailure(candidate, reason);
      this.#drop(connection!);
    });
  }

  #drop(connection: UpstreamConnection): void {
    this.#forget(connection);
    connection.drop();
  }

  /** A connection that nothing is on any more is closed. */
  #closeUnused(connection: UpstreamConnection): void {
    if (connection.isUsed || connection.isClosed) return;
    this.#forget(connection);
    connection.close();
  }

  #forget(connection: UpstreamConnection): void {
    const name = socketKey(connection.candidate);
    const place = this.#places.get(name);
    place?.connections.delete(connection);
    if (place?.connections.size === 0 && place.connecting === undefined) this.#places.delete(name);
  }
}

const NOT_ASKED: RelayError = failure("shutting_down", "it is not asked any more").error;

/** Keeps the compiler from thinking that nothing has changed while there was an await. */
function isOver(state: "opening" | "open" | "over"): boolean {
  return state === "over";
}
