import type { Clock } from "../../domain/clock.ts";
import { ClientConnection, type ConnectionOwner } from "./client_connection.ts";
import type { Connect, Origin } from "./connection.ts";
import type { Exchange, Holder } from "./exchange.ts";
import type { ParserLimits } from "./response_parser.ts";

/** Options of a pool, resolved. */
export interface PoolOptions extends ParserLimits {
  /** Most connections; requests beyond wait for one. */
  readonly maxConnections: number;
  /** Milliseconds for a connection to be made. */
  readonly connectTimeoutMs: number;
  /** Milliseconds that an idle connection is kept, where the node does not say for how long it keeps it. */
  readonly idleTimeoutMs: number;
  /** Milliseconds after which a connection is not used again, so that a change of addresses is followed. */
  readonly maxAgeMs: number;
}

/** What a pool works with. */
export interface PoolDeps {
  readonly connect: Connect;
  readonly clock: Clock;
}

/** Time is counted in steps of this: one timer for all connections, and no look at a clock for a request. */
const STEP_MS = 500;
/** A connection that was used within this time is taken to be open, milliseconds. */
const FRESH_MS = 10;
/** Longest that a node's word is taken for how long it keeps a connection, milliseconds. */
const MAX_HINT_MS = 60_000;

/** The connections to one origin. The one used last is used first, so that the others can go. */
export class Pool implements ConnectionOwner, Holder {
  readonly #deps: PoolDeps;
  readonly #origin: Origin;
  readonly #options: PoolOptions;
  readonly #open = new Set<ClientConnection>();
  readonly #idle: ClientConnection[] = [];
  readonly #waiting = new Set<Exchange>();
  /** Requests that have a connection, of which is heard first what has come in. */
  #listening: { readonly exchange: Exchange; readonly connection: ClientConnection }[] = [];
  #dialling = 0;
  #step = 0;
  #cancelStep: (() => void) | undefined;
  readonly #stop = new AbortController();

  constructor(deps: PoolDeps, origin: Origin, options: PoolOptions) {
    this.#deps = deps;
    this.#origin = origin;
    this.#options = options;
  }

  /** Open connections, idle ones with them. */
  get size(): number {
    return this.#open.size;
  }

  /** Makes a request, on a connection that is free or on a new one. */
  send(exchange: Exchange): void {
    const connection = this.#idle.pop();
    if (connection === undefined) return this.#wait(exchange);
    // By the wall clock, which costs half: when that is set, a fresh one is heard for nothing.
    if (Math.abs(this.#deps.clock.now() - connection.freeSinceMs) < FRESH_MS) return connection.start(exchange);
    // The node may have ended it, and the word of that may have come together with what asks for it: it is heard first.
    exchange.holder = this;
    this.#listening.push({ exchange, connection });
    if (this.#listening.length === 1) this.#deps.clock.schedule(0, () => this.#startHeard());
  }

  abandon(exchange: Exchange): void {
    this.#waiting.delete(exchange);
  }

  onFree(connection: ClientConnection, keepAliveSeconds: number | undefined): void {
    const { idleTimeoutMs, maxAgeMs } = this.#options;
    // A second less than the node says: it may close at the very moment at which it is sent a request.
    const keptMs = keepAliveSeconds === undefined
      ? idleTimeoutMs
      : Math.min(keepAliveSeconds * 1000 - 1000, MAX_HINT_MS);
    const isOld = (this.#step - connection.bornAt) * STEP_MS >= maxAgeMs;
    if (keptMs < STEP_MS || isOld || this.#stop.signal.aborted) return connection.close();
    connection.keptUntil = this.#step + Math.floor(keptMs / STEP_MS);
    this.#hand(connection);
  }

  onClosed(connection: ClientConnection): void {
    this.#open.delete(connection);
    const at = this.#idle.lastIndexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#open.size === 0) this.#rest();
    this.#dialIfNeeded();
  }

  onUnsent(exchange: Exchange): void {
    if (this.#stop.signal.aborted) return exchange.end({ kind: "disconnected" });
    // Those that are idle may be closed as well, so that it gets a new one.
    this.#wait(exchange);
  }

  /** Ends all connections. Requests under way end as disconnected. */
  close(): void {
    this.#stop.abort();
    this.#rest();
    for (const exchange of [...this.#waiting, ...this.#listening.map(({ exchange }) => exchange)]) {
      this.#waiting.delete(exchange);
      exchange.end({ kind: "disconnected" });
    }
    for (const connection of [...this.#open]) connection.close();
  }

  #wait(exchange: Exchange): void {
    exchange.holder = this;
    this.#waiting.add(exchange);
    this.#dialIfNeeded();
  }

  /** Makes the requests whose connections have been heard. */
  #startHeard(): void {
    const listening = this.#listening;
    this.#listening = [];
    for (const { exchange, connection } of listening) {
      const isWanted = exchange.holder === this;
      if (connection.isClosed) {
        if (isWanted) this.#wait(exchange);
      } else if (isWanted) connection.start(exchange);
      else this.#hand(connection);
    }
  }

  #hand(connection: ClientConnection): void {
    if (this.#waiting.size > 0) {
      const exchange = this.#waiting.values().next().value!;
      this.#waiting.delete(exchange);
      return connection.start(exchange);
    }
    connection.freeSinceMs = this.#deps.clock.now();
    this.#idle.push(connection);
  }

  #dialIfNeeded(): void {
    if (this.#stop.signal.aborted) return;
    while (this.#waiting.size > this.#dialling && this.#open.size + this.#dialling < this.#options.maxConnections) {
      this.#dialling++;
      this.#dial();
    }
  }

  async #dial(): Promise<void> {
    const { connect, clock } = this.#deps;
    const timeout = new AbortController();
    const cancelTimer = clock.schedule(this.#options.connectTimeoutMs, () => timeout.abort());
    const onStop = () => timeout.abort();
    this.#stop.signal.addEventListener("abort", onStop);
    const result = await connect(this.#origin, timeout.signal);
    cancelTimer();
    this.#stop.signal.removeEventListener("abort", onStop);
    this.#dialling--;
    if (result.kind === "failure") {
      const reason = timeout.signal.aborted ? "could not connect in time" : result.reason;
      this.#giveUp(reason, result.isOtherProtocol);
      return this.#dialIfNeeded();
    }
    if (this.#stop.signal.aborted) return result.connection.close();
    const connection = new ClientConnection(result, this, this.#options);
    connection.bornAt = this.#step;
    connection.keptUntil = this.#step + Math.ceil(this.#options.idleTimeoutMs / STEP_MS);
    this.#open.add(connection);
    this.#cancelStep ??= clock.schedule(STEP_MS, () => this.#onStep());
    this.#hand(connection);
  }

  /** A connection could not be made: one of those that wait goes without, if there are more of them than are to come. */
  #giveUp(reason: string, isOtherProtocol: boolean): void {
    if (this.#waiting.size <= this.#dialling) return;
    for (const exchange of this.#waiting) {
      this.#waiting.delete(exchange);
      return exchange.end({ kind: "unreachable", reason, isOtherProtocol });
    }
  }

  #onStep(): void {
    this.#step++;
    for (const connection of this.#idle.filter(({ keptUntil }) => keptUntil <= this.#step)) connection.close();
    this.#cancelStep = this.#open.size > 0 ? this.#deps.clock.schedule(STEP_MS, () => this.#onStep()) : undefined;
  }

  #rest(): void {
    this.#cancelStep?.();
    this.#cancelStep = undefined;
  }
}
