import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import { UnderWay } from "../../relay/under_way.ts";
import type { HostHandler } from "../host_handler.ts";
import type { TakeUpgrade } from "../upgrade.ts";
import { refusalBytes } from "./refusal.ts";
import { ResponseWriter } from "./response_writer.ts";
import { type ConnectionOwner, ServerConnection, type ServerSocket } from "./server_connection.ts";

/** What clients are bounded by. */
export interface HttpServerOptions {
  /** For a request's head to arrive whole, milliseconds. */
  readonly headerTimeoutMs: number;
  /** For a connection to stay open between two requests, and for its client to take nothing of what it is sent. */
  readonly idleTimeoutMs: number;
  /** Connections at once; more are told that there are too many, and closed. 0 for no limit. */
  readonly maxConnections: number;
}

/** What the server works with. */
export interface HttpServerDeps {
  readonly handler: HostHandler;
  readonly clock: Clock;
  readonly log: Log;
  /** Default: nobody takes WebSockets. */
  readonly takeUpgrade?: TakeUpgrade | undefined;
}

/** Milliseconds that a client has to end its side, once it was told that the connection ends. */
const LEAVE_MS = 2_000;
/** Milliseconds between two words in the log about too many connections. */
const LOG_EVERY_MS = 10_000;

/** HTTP/1.1 over connections that somebody else accepts. */
export class HttpServer implements ConnectionOwner {
  readonly handler: HostHandler;
  readonly log: Log;
  readonly takeUpgrade: TakeUpgrade | undefined;
  readonly writer = new ResponseWriter();
  readonly headerTicks: number;
  readonly idleTicks: number;
  readonly leaveTicks: number;
  readonly #clock: Clock;
  readonly #maxConnections: number;
  readonly #tickMs: number;
  readonly #open = new UnderWay<ServerConnection>();
  #count = 0;
  #tick = 0;
  #isStopping = false;
  #cancelTimer: (() => void) | undefined;
  #fullSinceMs = -Infinity;
  /** Settles when there may be another connection; there while that is waited for. */
  #room: PromiseWithResolvers<void> | undefined;
  /** Settles when the last connection is closed; there while that is waited for. */
  #ended: PromiseWithResolvers<void> | undefined;

  constructor({ handler, clock, log, takeUpgrade }: HttpServerDeps, options: HttpServerOptions) {
    const { headerTimeoutMs, idleTimeoutMs, maxConnections } = options;
    this.handler = handler;
    this.log = log;
    this.takeUpgrade = takeUpgrade;
    this.#clock = clock;
    this.#maxConnections = maxConnections === 0 ? Infinity : maxConnections;
    // Nobody is cut early, and late by two steps at the most.
    this.#tickMs = Math.max(25, Math.min(1_000, Math.ceil(Math.min(headerTimeoutMs, idleTimeoutMs) / 4)));
    this.headerTicks = Math.ceil(headerTimeoutMs / this.#tickMs);
    this.idleTicks = Math.ceil(idleTimeoutMs / this.#tickMs);
    this.leaveTicks = Math.ceil(LEAVE_MS / this.#tickMs);
  }

  get tick(): number {
    return this.#tick;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#count;
  }

  /** Comes back when there may be another connection. */
  async room(): Promise<void> {
    if (this.#count < this.#maxConnections || this.#isStopping) return;
    this.#room ??= Promise.withResolvers();
    await this.#room.promise;
  }

  /** Counts a connection that is not ready to be served yet. */
  hold(): void {
    this.#count++;
  }

  /** A connection that was held has gone, or is about to be served. */
  release(): void {
    this.#count--;
    this.#room?.resolve();
    this.#room = undefined;
    if (this.#count > 0) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#ended?.resolve();
  }

  /** Serves a connection. */
  accept(socket: ServerSocket, clientAddress: string): void {
    if (this.#count >= this.#maxConnections || this.#isStopping) return void this.#turnAway(socket);
    this.#count++;
    if (this.#cancelTimer === undefined) {
      this.writer.setTime(this.#clock.now());
      this.#cancelTimer = this.#clock.schedule(this.#tickMs, this.#onTick);
    }
    const connection = new ServerConnection(socket, clientAddress, this);
    this.#open.add(connection);
    connection.start();
  }

  onClosed(connection: ServerConnection): void {
    this.#open.delete(connection);
    this.release();
  }

  /** Ends connections that wait for a request, and comes back when those with one have had their answer. */
  async shutdown(): Promise<void> {
    this.#isStopping = true;
    this.#room?.resolve();
    for (const connection of this.#open.list()) connection.stop();
    if (this.#count === 0) return;
    this.#ended ??= Promise.withResolvers();
    await this.#ended.promise;
  }

  readonly #onTick = (): void => {
    this.#tick++;
    this.writer.setTime(this.#clock.now());
    this.#cancelTimer = this.#clock.schedule(this.#tickMs, this.#onTick);
    for (const connection of this.#open.list()) connection.checkTime();
  };

  async #turnAway(socket: ServerSocket): Promise<void> {
    const nowMs = this.#clock.monotonic();
    if (!this.#isStopping && nowMs - this.#fullSinceMs > LOG_EVERY_MS) {
      this.#fullSinceMs = nowMs;
      this.log.warn("connections are turned away", { max_connections: this.#maxConnections });
    }
    const cancelTimer = this.#clock.schedule(LEAVE_MS, () => close(socket));
    try {
      await socket.write(refusalBytes(503));
      await socket.closeWrite();
    } catch {
      // The client has gone.
    }
    cancelTimer();
    close(socket);
  }
}

/** Closes a connection that may be closed already. */
export function close(socket: Pick<ServerSocket, "close">): void {
  try {
    socket.close();
  } catch {
    // It was closed already.
  }
}
