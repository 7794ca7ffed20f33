import type { Clock } from "../../domain/clock.ts";
import type { ConnectResult, Http2Client } from "../../http2/port.ts";
import { Channel, type ChannelWaiter } from "./channel.ts";

/** What a pool works with. */
export interface PoolDeps {
  readonly clock: Clock;
  random(): number;
  connect(signal: AbortSignal): Promise<ConnectResult>;
}

/** Options of a pool, resolved. */
export interface PoolOptions {
  /** Channels to one node at the most. */
  readonly maxChannels: number;
  /** Calls on a channel from which on another one is opened. */
  readonly streamsPerChannel: number;
  /** Milliseconds for a channel to get ready. */
  readonly connectTimeoutMs: number;
}

/** Nobody, who makes a channel come all the same. */
const WARM_UP = { isPatient: false, go() {}, fail() {} };

/** The channels to one node: one, and more where there are many calls at once. */
export class ChannelPool {
  readonly #deps: PoolDeps;
  readonly #options: PoolOptions;
  readonly #channels = new Set<Channel>();

  constructor(deps: PoolDeps, options: PoolOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /**
   * Finds a connection with room, or waits for one. A busy one is better than none: it is only while all of them take no
   * more that a call has to wait. The function that comes back gives up.
   */
  acquire(waiter: ChannelWaiter): () => void {
    let best: Channel | undefined;
    for (const channel of this.#channels) {
      if (best === undefined || rankOf(channel) < rankOf(best)) best = channel;
    }
    const isFull = best === undefined || best.isFull || best.load >= this.#options.streamsPerChannel;
    if (isFull && this.#channels.size < this.#options.maxChannels) {
      const another = this.#add();
      if (best?.ready === undefined) best = another;
      else another.wait({ ...WARM_UP, since: this.#deps.clock.monotonic() });
    }
    const ready: Http2Client | undefined = best!.ready;
    if (ready === undefined) return best!.wait(waiter);
    waiter.go(ready);
    return () => {};
  }

  /** A call has ended. */
  onFree(): void {
    for (const channel of this.#channels) channel.onFree();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#channels].map((channel) => channel.close()));
  }

  #add(): Channel {
    const channel: Channel = new Channel({
      ...this.#deps,
      onShutdown: () => this.#channels.delete(channel),
    }, this.#options.connectTimeoutMs);
    this.#channels.add(channel);
    return channel;
  }
}

/** Lower is better: those that are ready, then those with fewer calls. */
function rankOf(channel: Channel): number {
  return channel.load + (channel.ready === undefined ? 1e9 : 0) + (channel.state === "TRANSIENT_FAILURE" ? 1e9 : 0);
}
