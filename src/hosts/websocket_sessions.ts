import type { Caller } from "../domain/caller.ts";
import type { Clock } from "../domain/clock.ts";
import { failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";
import type { Steering } from "../domain/steering.ts";
import { type ClientSocket, Outboxes, type OutboxOptions } from "./websocket_outbox.ts";
import { type SessionDeps, type SessionOptions, WebSocketSession } from "./websocket_session.ts";

/** Limits on connections, resolved. Those that are being closed count until their clients have gone. */
export interface SessionsOptions extends SessionOptions, OutboxOptions {
  /** Connections at once; 0 for no limit. */
  readonly maxConnections: number;
  /** Connections of one address at once; 0 for no limit. */
  readonly maxConnectionsPerAddress: number;
}

/** Counts of all sessions, for metrics. */
export interface SessionsStats {
  /** Connections, those included that are being closed. */
  readonly connections: number;
  /** Connections that are being closed, and whose clients have not ended their side yet: they may never do. */
  readonly closing: number;
  /** Bytes that wait for clients. */
  readonly bufferedBytes: number;
  readonly deliveries: number;
  /** Clients that were disconnected because they did not read. */
  readonly sheds: number;
}

/** Who connects, as its upgrade request says. */
export interface SocketOrigin {
  readonly caller: Caller;
  readonly steering: Steering;
  readonly path: string;
}

/** All clients' WebSockets of one chain and interface. */
export class WebSocketSessions {
  readonly #deps: SessionDeps;
  #options: SessionsOptions;
  readonly #clock: Clock;
  readonly #outboxes: Outboxes;
  readonly #sessions = new Set<WebSocketSession>();
  readonly #perAddress = new Map<string, number>();
  #isDraining = false;
  #deliveries = 0;
  #sheds = 0;

  constructor(deps: SessionDeps, options: SessionsOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#clock = deps.clock;
    this.#outboxes = new Outboxes(deps.clock, options);
  }

  /** Changes the limits of connections that are opened from now on, and the bounds on what waits for all. */
  setOptions(options: SessionsOptions): void {
    this.#options = options;
    this.#outboxes.setOptions(options);
  }

  /** Why a connection from this address is not taken now; undefined when it is. */
  refusal(address: string): RelayError | undefined {
    if (this.#isDraining) return SHUTTING_DOWN;
    const { maxConnections: max, maxConnectionsPerAddress: maxPerAddress } = this.#options;
    if (max > 0 && this.#sessions.size >= max) {
      return failure("rate_limited", `the relay has ${max} WebSocket connections, the most it may have`).error;
    }
    if (maxPerAddress === 0 || (this.#perAddress.get(address) ?? 0) < maxPerAddress) return undefined;
    return failure("rate_limited", `one address may have ${maxPerAddress} WebSocket connections; close one of them`)
      .error;
  }

  /** Takes a connection. Its session is told of messages, and of the end, once the socket has really ended. */
  open(socket: ClientSocket, origin: SocketOrigin): WebSocketSession {
    const { address } = origin.caller;
    // Several may have been let through before the first of them was open.
    const refusal = this.refusal(address);
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    const counts = { delivered: () => void this.#deliveries++, shed: () => void this.#sheds++ };
    const session = new WebSocketSession(this.#deps, this.#options, this.#outboxes, socket, origin, counts, () => {
      this.#sessions.delete(session);
      const left = this.#perAddress.get(address)! - 1;
      if (left === 0) this.#perAddress.delete(address);
      else this.#perAddress.set(address, left);
    });
    this.#sessions.add(session);
    if (refusal !== undefined) session.turnAway(refusal.message);
    return session;
  }

  /**
   * Takes no more connections and calls, and closes every socket once its calls under way have been answered. After
   * `graceMs` nodes are waited for no longer: then those calls fail, are recorded, and are answered.
   */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    const cancelTimer = this.#clock.schedule(graceMs, () => {
      this.#deps.relay.interrupt();
      for (const session of this.#sessions) session.interrupt();
    });
    await Promise.all([...this.#sessions].map((session) => session.drain()));
    cancelTimer();
    this.#deps.hub.close();
  }

  /** Calls under way. */
  get inFlight(): number {
    let count = 0;
    for (const session of this.#sessions) count += session.inFlight;
    return count;
  }

  /** What there is now, and what there has been. */
  stats(): SessionsStats {
    let closing = 0;
    for (const session of this.#sessions) if (session.isClosing) closing++;
    return {
      connections: this.#sessions.size,
      closing,
      bufferedBytes: this.#outboxes.bytes,
      deliveries: this.#deliveries,
      sheds: this.#sheds,
    };
  }
}
