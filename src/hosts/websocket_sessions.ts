import type { Caller } from "../domain/caller.ts";
import type { Clock } from "../domain/clock.ts";
import { failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";
import type { Steering } from "../domain/steering.ts";
import { type ClientSocket, type SessionDeps, type SessionOptions, WebSocketSession } from "./websocket_session.ts";

/** Limits on connections, resolved. */
export interface SessionsOptions extends SessionOptions {
  /** Connections of one address at once; 0 for no limit. */
  readonly maxConnectionsPerAddress: number;
}

/** Counts of all sessions, for metrics. */
export interface SessionsStats {
  /** Connections that are open, those included that are being closed and whose client does not read. */
  readonly connections: number;
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
  readonly #options: SessionsOptions;
  readonly #clock: Clock;
  readonly #sessions = new Set<WebSocketSession>();
  readonly #perAddress = new Map<string, number>();
  #isDraining = false;
  #deliveries = 0;
  #sheds = 0;

  constructor(deps: SessionDeps, options: SessionsOptions) {
    this.#deps = deps;
    this.#options = options;
    this.#clock = deps.clock;
  }

  /** Why a connection from this address is not taken now; undefined when it is. */
  refusal(address: string): RelayError | undefined {
    if (this.#isDraining) return SHUTTING_DOWN;
    const { maxConnectionsPerAddress: max } = this.#options;
    if (max === 0 || (this.#perAddress.get(address) ?? 0) < max) return undefined;
    return failure("rate_limited", `one address may have ${max} WebSocket connections; close one of them`).error;
  }

  /** Takes a connection. Its session is told of messages, and of the end, once the socket has really ended. */
  open(socket: ClientSocket, origin: SocketOrigin): WebSocketSession {
    const { address } = origin.caller;
    // Several may have been let through before the first of them was open.
    const refusal = this.refusal(address);
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    const counts = { delivered: () => void this.#deliveries++, shed: () => void this.#sheds++ };
    const session = new WebSocketSession(this.#deps, this.#options, socket, origin, counts, () => {
      this.#sessions.delete(session);
      const left = this.#perAddress.get(address)! - 1;
      if (left === 0) this.#perAddress.delete(address);
      else this.#perAddress.set(address, left);
    });
    this.#sessions.add(session);
    if (refusal !== undefined) session.turnAway(refusal.message);
    return session;
  }

  /** Takes no more connections, lets calls under way end, for `graceMs` at the most, and closes every socket. */
  async drain(graceMs: number): Promise<void> {
    this.#isDraining = true;
    const { promise: timeUp, resolve } = Promise.withResolvers<void>();
    const cancelTimer = this.#clock.schedule(graceMs, resolve);
    await Promise.race([Promise.all([...this.#sessions].map((session) => session.drain())), timeUp]);
    cancelTimer();
    this.#deps.hub.close();
  }

  stats(): SessionsStats {
    return { connections: this.#sessions.size, deliveries: this.#deliveries, sheds: this.#sheds };
  }
}
