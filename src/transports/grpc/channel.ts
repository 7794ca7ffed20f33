import type { Clock } from "../../domain/clock.ts";
import type { ConnectResult, Http2Client } from "../../http2/port.ts";
import { backoffMs, type ChannelEvent, type ChannelState, decideChannel, stepChannel } from "./channel_state.ts";

/** What a channel works with. */
export interface ChannelDeps {
  readonly clock: Clock;
  /** A number from 0 to 1. */
  random(): number;
  /** Makes a connection. Never rejects. */
  connect(signal: AbortSignal): Promise<ConnectResult>;
  /** The channel is of no more use. */
  onShutdown(): void;
}

/** Somebody who waits for a connection. */
export interface ChannelWaiter {
  /** Whether a failure to connect is waited out, until the connect timeout. */
  readonly isPatient: boolean;
  readonly since: number;
  /** It is there. */
  go(client: Http2Client): void;
  /** It won't come, in words. */
  fail(reason: string): void;
}

/** One connection to a node that comes when it is wanted, and comes again when it was lost. */
export class Channel {
  readonly #deps: ChannelDeps;
  readonly #connectTimeoutMs: number;
  #state: ChannelState = "IDLE";
  #client: Http2Client | undefined;
  /** With those that take no more calls and have some left. */
  readonly #clients = new Set<Http2Client>();
  #isConnecting = false;
  #waiters = new Set<ChannelWaiter>();
  #failures = 0;
  #retryAtMs = 0;
  #reason = "could not connect";
  #cancelRetry = () => {};
  #cancelTimeout = () => {};
  readonly #stop = new AbortController();

  constructor(deps: ChannelDeps, connectTimeoutMs: number) {
    this.#deps = deps;
    this.#connectTimeoutMs = connectTimeoutMs;
  }

  get state(): ChannelState {
    return this.#state;
  }

  /** The connection, where it would take a call now. */
  get ready(): Http2Client | undefined {
    return this.#client?.canRequest ? this.#client : undefined;
  }

  /** Whether the connection is there and takes no more calls at the moment. */
  get isFull(): boolean {
    return this.#state === "READY" && this.ready === undefined;
  }

  /** Waits for the connection. The function that comes back gives up. */
  wait(waiter: ChannelWaiter): () => void {
    this.#waiters.add(waiter);
    this.#step("wanted");
    if (this.#deps.clock.monotonic() >= this.#retryAtMs) this.#step("try_again");
    if (this.#state === "CONNECTING") this.#connect();
    this.#look();
    return () => {
      this.#waiters.delete(waiter);
      if (this.#waiters.size === 0) this.#rest();
    };
  }

  /** Somebody who waits, or has a call on it. */
  get load(): number {
    return this.#waiters.size + (this.#client?.openStreams ?? 0);
  }

  /** A call has ended, so that one that waits may have its place. */
  onFree(): void {
    if (this.#waiters.size > 0) this.#look();
  }

  /** Ends everything at once, and comes back when the connections are gone. */
  async close(): Promise<void> {
    const closed = [...this.#clients].map((client) => client.closed);
    this.#shutDown("the relay is shutting down");
    await Promise.all(closed);
  }

  async #connect(): Promise<void> {
    if (this.#isConnecting) return;
    this.#isConnecting = true;
    const result = await this.#deps.connect(this.#stop.signal);
    this.#isConnecting = false;
    if (this.#state === "SHUTDOWN") {
      if (result.kind === "connected") result.client.close();
      return;
    }
    if (result.kind === "failure") {
      this.#failures++;
      this.#reason = result.reason;
      this.#retryAtMs = this.#deps.clock.monotonic() + backoffMs(this.#failures, this.#deps.random());
      this.#step("refused");
      this.#look();
      return;
    }
    this.#failures = 0;
    this.#client = result.client;
    this.#clients.add(result.client);
    result.client.closed.then(() => this.#clients.delete(result.client));
    this.#step("connected");
    result.client.ending.then(() => this.#lose(result.client));
    this.#look();
  }

  #lose(client: Http2Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#step("lost");
    if (this.#waiters.size === 0) return;
    this.#step("wanted");
    this.#connect();
  }

  #step(event: ChannelEvent): void {
    this.#state = stepChannel(this.#state, event);
  }

  /** Does about each waiter what the state says. */
  #look(): void {
    const nowMs = this.#deps.clock.monotonic();
    for (const waiter of [...this.#waiters]) {
      const decision = decideChannel(this.#state, nowMs - waiter.since, this.#connectTimeoutMs);
      if (decision === "close_and_fail") return this.#shutDown(`not ready within ${this.#connectTimeoutMs} ms`);
      if (decision === "fail") this.#fail(waiter, this.#reason);
      if (decision === "go") this.#letGo(waiter, nowMs - waiter.since);
      if (decision === "wait" && this.#state === "TRANSIENT_FAILURE" && !waiter.isPatient) {
        this.#fail(waiter, this.#reason);
      }
    }
    if (this.#waiters.size === 0) this.#rest();
    else this.#setTimers(nowMs);
  }

  /** The connection is there, and may have no room for more calls at the moment. */
  #letGo(waiter: ChannelWaiter, waitedMs: number): void {
    const { ready } = this;
    if (ready === undefined) {
      if (waitedMs >= this.#connectTimeoutMs) this.#fail(waiter, "it has as many calls as it takes");
      return;
    }
    this.#waiters.delete(waiter);
    waiter.go(ready);
  }

  #setTimers(nowMs: number): void {
    const { clock } = this.#deps;
    this.#cancelTimeout();
    let oldest = Infinity;
    for (const { since } of this.#waiters) oldest = Math.min(oldest, since);
    this.#cancelTimeout = clock.schedule(Math.max(0, oldest + this.#connectTimeoutMs - nowMs), () => this.#look());
    this.#cancelRetry();
    if (this.#state !== "TRANSIENT_FAILURE") return;
    this.#cancelRetry = clock.schedule(Math.max(0, this.#retryAtMs - nowMs), () => {
      this.#step("try_again");
      this.#connect();
    });
  }

  /** Nobody waits, so that no timer is needed: who comes after the pause tries at once. */
  #rest(): void {
    this.#cancelTimeout();
    this.#cancelRetry();
  }

  #fail(waiter: ChannelWaiter, reason: string): void {
    if (this.#waiters.delete(waiter)) waiter.fail(reason);
  }

  #shutDown(reason: string): void {
    if (this.#state === "SHUTDOWN") return;
    this.#step("closed");
    this.#stop.abort();
    this.#cancelTimeout();
    this.#cancelRetry();
    for (const client of this.#clients) client.close();
    for (const waiter of [...this.#waiters]) this.#fail(waiter, reason);
    this.#deps.onShutdown();
  }
}
