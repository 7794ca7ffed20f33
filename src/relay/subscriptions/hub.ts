import { failure, type RelayError } from "../../domain/relay_error.ts";
import type { RelayRequest } from "../../domain/relay_request.ts";
import type { SubscriptionDialect } from "../../domain/subscription.ts";
import type { Membership, Subscriber } from "./membership.ts";
import { recordStart } from "./start_outcome.ts";
import type { UpstreamPool } from "./upstream_pool.ts";
import { type SharedDeps, SharedSubscription } from "./shared_subscription.ts";

/** A client's share, and whose it is of. */
interface Share {
  readonly membership: Membership;
  readonly shared: SharedSubscription;
}

/** Limits on subscriptions, resolved. */
export interface HubOptions {
  readonly maxPerClient: number;
  readonly maxInAll: number;
}

/** What the hub works with. */
export interface HubDeps extends Omit<SharedDeps, "onEmpty" | "onReopened" | "heads"> {
  readonly pool: UpstreamPool;
  readonly dialect: SubscriptionDialect;
}

/** Counts for metrics. */
export interface HubStats {
  /** Clients' subscriptions that are open. */
  readonly subscriptions: number;
  /** Subscriptions with nodes. */
  readonly shared: number;
  /** Connections to nodes. */
  readonly connections: number;
  /** Subscriptions that were opened again after their connection had broken. */
  readonly reconnects: number;
  /** Heads that came without a connection, and were fetched and sent to subscribers. */
  readonly gapHeads: number;
  /** Gaps that stayed. */
  readonly gapsGivenUp: number;
}

/** Every client's subscriptions of one chain and interface: those to the same thing share one with a node. */
export class SubscriptionHub {
  readonly #deps: HubDeps;
  readonly #options: HubOptions;
  readonly #shared = new Map<string, SharedSubscription>();
  readonly #members = new Map<Subscriber, Map<string, Share>>();
  /** Keys of the subscribes that wait for their node; they count against the limits. */
  readonly #waiting = new Map<Subscriber, string[]>();
  #count = 0;
  #reconnects = 0;

  constructor(deps: HubDeps, options: HubOptions) {
    this.#deps = deps;
    this.#options = options;
  }

  /**
   * Subscribes a client. The answer is sent before the first notification, and the start is on the bill then. Comes
   * back with the error to answer with, when there is one.
   */
  async subscribe(request: RelayRequest, subscriber: Subscriber): Promise<RelayError | undefined> {
    const { dialect } = this.#deps;
    const own = this.#members.get(subscriber);
    const waiting = this.#waiting.get(subscriber) ?? [];
    const { maxPerClient, maxInAll } = this.#options;
    if ((own?.size ?? 0) + waiting.length >= maxPerClient) {
      return tooMany(`a connection may have ${maxPerClient} subscriptions`);
    }
    if (this.#count >= maxInAll) return tooMany(`the relay has ${maxInAll} subscriptions, the most it may have`);
    const callKey = dialect.keyOf(request.call);
    if (dialect.isOncePerClient && (own?.has(callKey) || waiting.includes(callKey))) {
      return failure("invalid_request", "this connection has that subscription already").error;
    }
    const refusal = this.#deps.meter.admit(request);
    if (refusal !== undefined) return refusal.error;
    this.#count++;
    this.#waiting.set(subscriber, [...waiting, callKey]);
    try {
      return await this.#join(`${whoMayBeAsked(request)}\n${callKey}`, request, subscriber);
    } finally {
      this.#deps.meter.release(request);
      const left = [...this.#waiting.get(subscriber)!];
      left.splice(left.indexOf(callKey), 1);
      if (left.length === 0) this.#waiting.delete(subscriber);
      else this.#waiting.set(subscriber, left);
    }
  }

  async #join(key: string, request: RelayRequest, subscriber: Subscriber): Promise<RelayError | undefined> {
    const { meter, dialect, random } = this.#deps;
    let shared = this.#shared.get(key);
    if (shared === undefined) {
      const created = new SharedSubscription({
        ...this.#deps,
        heads: dialect.heads?.areWanted(request.call) ? dialect.heads : undefined,
        onEmpty: () => {
          if (this.#shared.get(key) === created) this.#shared.delete(key);
        },
        onReopened: () => this.#reconnects++,
      }, request);
      this.#shared.set(key, shared = created);
    }
    const start = await shared.start(request.signal);
    if (start.kind !== "open") {
      this.#count--;
      recordStart(meter, request, start);
      if (start.kind === "failure") return start.error;
      subscriber.answer(request, start.text);
      return undefined;
    }
    if (request.signal.aborted) {
      this.#count--;
      shared.leaveIfEmpty();
      return undefined;
    }
    const unique = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join("");
    const clientId = dialect.clientId(request.call, start.subscription, unique);
    const endKey = dialect.isOncePerClient ? dialect.keyOf(request.call) : clientId;
    const membership: Membership = { request, subscriber, clientId };
    let own = this.#members.get(subscriber);
    if (own === undefined) this.#members.set(subscriber, own = new Map());
    own.set(endKey, { membership, shared });
    recordStart(meter, request, start);
    subscriber.answer(request, dialect.acceptance(clientId));
    shared.add(membership);
    return undefined;
  }

  /** Ends one of a client's subscriptions; false when it has none of that name. */
  unsubscribe(subscriber: Subscriber, endKey: string): boolean {
    const own = this.#members.get(subscriber);
    const share = own?.get(endKey);
    if (own === undefined || share === undefined) return false;
    own.delete(endKey);
    if (own.size === 0) this.#members.delete(subscriber);
    this.#count--;
    share.shared.remove(share.membership);
    return true;
  }

  /** Ends all of a client's subscriptions; comes back with how many there were. */
  leave(subscriber: Subscriber): number {
    const keys = [...this.#members.get(subscriber)?.keys() ?? []];
    for (const key of keys) this.unsubscribe(subscriber, key);
    return keys.length;
  }

  /** What there is at the moment. */
  stats(): HubStats {
    const { pool, gapFill } = this.#deps;
    return {
      subscriptions: this.#count,
      shared: this.#shared.size,
      connections: pool.size,
      reconnects: this.#reconnects,
      gapHeads: gapFill?.counts.filled ?? 0,
      gapsGivenUp: gapFill?.counts.givenUp ?? 0,
    };
  }

  /** Ends every connection to a node, and tries no more. */
  close(): void {
    for (const shared of this.#shared.values()) shared.close();
    this.#shared.clear();
    this.#members.clear();
    this.#deps.pool.close();
  }
}

/** Those who let different nodes be asked can't share a subscription, although it is to the same thing. */
function whoMayBeAsked({ steering: { selectProvider, blockedProviders }, api }: RelayRequest): string {
  return [selectProvider, blockedProviders.toSorted(), api.extensions, api.internalPath].join("\n");
}

function tooMany(reason: string): RelayError {
  return failure("rate_limited", `${reason}; end one of them first`).error;
}
