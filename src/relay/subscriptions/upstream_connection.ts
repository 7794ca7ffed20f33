import type { Cancellation } from "../../domain/cancellation.ts";
import type { Clock } from "../../domain/clock.ts";
import { failure, type RelayError } from "../../domain/relay_error.ts";
import type { ProtocolCall } from "../../domain/relay_request.ts";
import type { NodeMessage, SubscriptionDialect } from "../../domain/subscription.ts";
import type { NodeSocket } from "../../providers/node_socket.ts";
import type { Candidate } from "../../providers/selector.ts";
import { EarlyMessages } from "./early_messages.ts";

/** Who gets what a node sends on a subscription. */
export interface UpstreamListener {
  /** One notification, parted where the subscription's id stands. */
  notify(before: string, after: string): void;
  /** The subscription has ended, and not by the relay's doing. */
  lost(): void;
}

/** A subscription with a node, the node's refusal, or why it could not be asked. */
export type OpenResult =
  | {
    readonly kind: "open";
    readonly subscription: string;
    /** How long the node took to accept it. */
    readonly latencyMs: number;
    close(): void;
  }
  | { readonly kind: "refused"; readonly text: string; readonly latencyMs: number }
  | { readonly kind: "failure"; readonly error: RelayError };

/** The node's answer to a call, as one to the id 1; or why there is none. */
export type AskResult =
  | { readonly kind: "answer"; readonly text: string }
  | { readonly kind: "failure"; readonly error: RelayError };

/** What connections to nodes work with. */
export interface ConnectionDeps {
  readonly dialect: SubscriptionDialect;
  readonly clock: Clock;
}

/** Options of connections to nodes, resolved. */
export interface ConnectionOptions {
  /** Milliseconds for a node to answer. */
  readonly answerTimeoutMs: number;
  /** Milliseconds of silence after which a node is asked for a sign of life; 0 for never. */
  readonly maxSilenceMs: number;
  /** The call that it is asked then; undefined where the chain spec has none. */
  readonly lifeSign: Uint8Array | undefined;
}

type Reply = NodeMessage & { readonly kind: "reply" };

const BROKEN = failure("upstream_disconnected", "the connection broke before the answer");

/** Subscribes that a node may leave without an answer before the connection is given up. */
const MAX_UNANSWERED = 8;

/** One connection to a node, and the subscriptions on it. */
export class UpstreamConnection {
  readonly #deps: ConnectionDeps;
  readonly #options: ConnectionOptions;
  readonly #socket: NodeSocket;
  readonly #onFault: (reason: string) => void;
  /** Who waits for an answer, by the id that the relay has sent. */
  readonly #pending = new Map<number, (reply: Reply | undefined) => void>();
  readonly #active = new Map<string, UpstreamListener>();
  /** Subscribes whose answer has not come in time, and may still come. */
  readonly #unanswered = new Set<number>();
  readonly #early = new EarlyMessages();
  #subscribing = 0;
  #lastId = 0;
  #heardAtMs: number;
  #cancelWatch = () => {};
  #cancelIdle: (() => void) | undefined;
  /** Who is at the other end. */
  readonly candidate: Candidate;
  /** Subscriptions that are open or being opened. */
  count = 0;
  /** Calls under way. */
  calls = 0;
  /** Keys of the subscriptions, where a connection may have each once only. */
  readonly keys = new Set<string>();
  isClosed = false;

  /** `onFault` is told when the node is found to be no use; it is to end the connection. */
  constructor(
    deps: ConnectionDeps,
    options: ConnectionOptions,
    candidate: Candidate,
    socket: NodeSocket,
    onFault: (reason: string) => void,
  ) {
    this.#deps = deps;
    this.#options = options;
    this.candidate = candidate;
    this.#socket = socket;
    this.#onFault = onFault;
    this.#heardAtMs = deps.clock.monotonic();
    this.#watch();
  }

  /** Opens a subscription. */
  async open(call: ProtocolCall, listener: UpstreamListener): Promise<OpenResult> {
    if (this.isClosed) return BROKEN;
    this.#subscribing++;
    try {
      return await this.#open(call, listener);
    } finally {
      this.#subscribing--;
      if (this.#subscribing === 0) this.#early.clear();
    }
  }

  /** Asks the node something else; `body` is a request to the id 1. */
  async ask(body: Uint8Array | null, signal?: Cancellation): Promise<AskResult> {
    if (this.isClosed) return BROKEN;
    const id = ++this.#lastId;
    const message = this.#deps.dialect.callMessage(body, id);
    if (message === undefined) return failure("invalid_request", "this can't be asked over a WebSocket");
    const reply = await this.#send(message, id, signal);
    if (reply !== undefined) return { kind: "answer", text: reply.text };
    if (this.isClosed) return BROKEN;
    return failure("upstream_timeout", `there was no answer within ${this.#options.answerTimeoutMs} ms`);
  }

  /** Takes a message of the node's. */
  message(text: string): void {
    this.#heardAtMs = this.#deps.clock.monotonic();
    const message = this.#deps.dialect.readNodeMessage(text, (id) => this.#pending.has(id));
    switch (message.kind) {
      case "reply":
        return this.#settle(message.id, message);
      case "notification": {
        const listener = this.#active.get(message.subscription);
        if (listener !== undefined) listener.notify(message.before, message.after);
        else if (this.#subscribing > 0) this.#early.add(message);
        return;
      }
      case "ended": {
        const listener = this.#active.get(message.subscription);
        this.#active.delete(message.subscription);
        return listener?.lost();
      }
      case "unreadable":
        return;
    }
  }

  /** Whether there is, or was a moment ago, something on it. */
  get isUsed(): boolean {
    return this.count > 0 || this.calls > 0 || this.#cancelIdle !== undefined;
  }

  /** Counts as used for some time, and tells when that is over. */
  keepFor(idleMs: number, onOver: () => void): void {
    if (this.isClosed) return;
    this.#cancelIdle?.();
    this.#cancelIdle = this.#deps.clock.schedule(idleMs, () => {
      this.#cancelIdle = undefined;
      onOver();
    });
  }

  /** Ends it, and everyone on it is told. */
  drop(): void {
    if (this.isClosed) return;
    this.#socket.close();
    this.closed();
  }

  /** The socket has ended: everyone on it is told. */
  closed(): void {
    if (this.isClosed) return;
    const listeners = [...this.#active.values()];
    this.#shut();
    for (const listener of listeners) listener.lost();
  }

  /** Ends it; those who wait for an answer are told, and nobody else. */
  close(): void {
    if (this.isClosed) return;
    this.#shut();
    this.#socket.close();
  }

  #shut(): void {
    this.isClosed = true;
    this.#cancelWatch();
    this.#cancelIdle?.();
    this.#active.clear();
    this.#early.clear();
    for (const resolve of [...this.#pending.values()]) resolve(undefined);
    this.#pending.clear();
  }

  async #open(call: ProtocolCall, listener: UpstreamListener): Promise<OpenResult> {
    const { dialect, clock } = this.#deps;
    const startedAtMs = clock.monotonic();
    const id = ++this.#lastId;
    const reply = await this.#send(dialect.subscribeMessage(call, id), id);
    if (this.isClosed) return BROKEN;
    if (reply === undefined) {
      this.#expectLate(id, call);
      return failure(
        "upstream_timeout",
        `the subscription was not answered within ${this.#options.answerTimeoutMs} ms`,
      );
    }
    const latencyMs = clock.monotonic() - startedAtMs;
    if (reply.isError) return { kind: "refused", text: reply.text, latencyMs };
    const { subscription } = reply;
    if (subscription === "" || this.#active.has(subscription)) {
      return failure("malformed_answer", "the node's answer to the subscription names no id of its own");
    }
    this.#active.set(subscription, listener);
    for (const { before, after } of this.#early.take(subscription)) listener.notify(before, after);
    return { kind: "open", subscription, latencyMs, close: () => this.#end(call, subscription) };
  }

  /** The answer to a message, undefined when it has not come in time. */
  async #send(message: string, id: number, signal?: Cancellation): Promise<Reply | undefined> {
    if (signal?.aborted) return undefined;
    const { promise, resolve } = Promise.withResolvers<Reply | undefined>();
    const giveUp = () => this.#settle(id, undefined);
    const cancelTimer = this.#deps.clock.schedule(this.#options.answerTimeoutMs, giveUp);
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#pending.set(id, resolve);
    this.#socket.send(message);
    const reply = await promise;
    signal?.removeEventListener("abort", giveUp);
    cancelTimer();
    return reply;
  }

  /** Whoever waits for an answer has it; what comes twice is nobody's. */
  #settle(id: number, reply: Reply | undefined): void {
    const resolve = this.#pending.get(id);
    this.#pending.delete(id);
    resolve?.(reply);
  }

  /** A subscription that is accepted when nobody wants it any more is ended. */
  #expectLate(id: number, call: ProtocolCall): void {
    if (this.#unanswered.size === MAX_UNANSWERED) return this.#onFault("it leaves subscribes without an answer");
    this.#unanswered.add(id);
    this.#pending.set(id, (reply) => {
      this.#unanswered.delete(id);
      if (reply?.isError === false && reply.subscription !== "") this.#unsubscribe(call, reply.subscription);
    });
  }

  #end(call: ProtocolCall, subscription: string): void {
    if (this.#active.delete(subscription) && !this.isClosed) this.#unsubscribe(call, subscription);
  }

  #unsubscribe(call: ProtocolCall, subscription: string): void {
    const message = this.#deps.dialect.unsubscribeMessage(call, subscription, ++this.#lastId);
    if (message !== undefined) this.#socket.send(message);
  }

  /** A node that has hung, or has vanished, is not told by its connection, which may stay open for ever. */
  #watch(): void {
    const { maxSilenceMs, lifeSign } = this.#options;
    if (maxSilenceMs === 0 || lifeSign === undefined) return;
    const { clock } = this.#deps;
    const askedAtMs = clock.monotonic();
    const leftMs = this.#heardAtMs + maxSilenceMs - askedAtMs;
    if (leftMs > 0) {
      this.#cancelWatch = clock.schedule(leftMs, () => this.#watch());
      return;
    }
    void this.ask(lifeSign).then((result) => {
      if (this.isClosed || (result.kind === "failure" && result.error.code !== "upstream_timeout")) return;
      if (this.#heardAtMs < askedAtMs) this.#onFault("it gives no sign of life");
      else this.#watch();
    });
  }
}
