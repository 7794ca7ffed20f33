import type { ApiInterface } from "../domain/api_interface.ts";
import type { Caller } from "../domain/caller.ts";
import type { Clock } from "../domain/clock.ts";
import type { Codec } from "../domain/codec.ts";
import type { Log } from "../domain/log.ts";
import { failure, type RelayError, SHUTTING_DOWN } from "../domain/relay_error.ts";
import type { ApiFacts, ProtocolCall, RelayRequest } from "../domain/relay_request.ts";
import type { Steering } from "../domain/steering.ts";
import type { SubscriptionDialect } from "../domain/subscription.ts";
import type { Relay } from "../relay/relay.ts";
import type { SubscriptionHub } from "../relay/subscriptions/hub.ts";
import type { Subscriber } from "../relay/subscriptions/membership.ts";
import { matchCall } from "../spec/api_facts.ts";
import type { Matcher } from "../spec/matcher.ts";
import { IdleWatch } from "./idle_watch.ts";
import { type SessionLimits, SessionRates } from "./websocket_limits.ts";
import type { ClientSocket, Outbox, Outboxes } from "./websocket_outbox.ts";

/** Who is told what happens on a client's WebSocket. */
export interface SocketReceiver {
  /** A message has come. */
  message(data: unknown): void;
  /** The socket has ended, by whoever's doing. */
  closed(): void;
}

/** Methods that end subscriptions. */
export interface EndingMethods {
  /** End the one that the call names. */
  readonly unsubscribe: ReadonlySet<string>;
  /** End all of the connection's. */
  readonly unsubscribeAll: ReadonlySet<string>;
}

/** What a session works with. */
export interface SessionDeps {
  readonly relay: Pick<Relay, "run" | "interrupt">;
  readonly codec: Codec;
  readonly matcher: Matcher;
  readonly clock: Clock;
  readonly log: Log;
  readonly hub: SubscriptionHub;
  readonly dialect: SubscriptionDialect;
  readonly endings: EndingMethods;
  head(): number;
  servesExtension(name: string): boolean;
}

/** Limits on one connection, resolved. */
export interface SessionOptions extends SessionLimits {
  readonly chain: string;
  readonly apiInterface: ApiInterface;
  /** Largest message of a client. */
  readonly maxMessageBytes: number;
  /** Calls under way at once. */
  readonly maxParallelCalls: number;
  /** Milliseconds without a message in either direction after which the connection is closed. */
  readonly idleTimeoutMs: number;
}

/** Counts of one session, for metrics. */
export interface SessionCounts {
  delivered(): void;
  /** A client was disconnected because it did not read. */
  shed(): void;
}

/** Close codes of RFC 6455 and its registry. */
const GOING_AWAY = 1001;
const UNSUPPORTED_DATA = 1003;
const TOO_LARGE = 1009;
const TRY_AGAIN_LATER = 1013;
const NORMAL = 1000;

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * One client's WebSocket: its calls run side by side through the same pipeline as those over HTTP, and its
 * subscriptions are shares of the hub's. Needs nothing but a socket that sends text.
 */
export class WebSocketSession implements Subscriber, SocketReceiver {
  readonly #deps: SessionDeps;
  readonly #options: SessionOptions;
  readonly #outbox: Outbox;
  readonly #caller: Caller;
  readonly #steering: Steering;
  readonly #path: string;
  readonly #counts: SessionCounts;
  readonly #onEnd: () => void;
  readonly #left = new AbortController();
  readonly #rates: SessionRates;
  readonly #idle: IdleWatch;
  #inFlight = 0;
  /** Draining is the end of calls under way, which are answered; once it has ended, nothing more is sent. */
  #state: "open" | "draining" | "ended" = "open";
  #isClosed = false;
  /** Settles when the last call under way has been answered; there while that is waited for. */
  #answered: PromiseWithResolvers<void> | undefined;

  constructor(
    deps: SessionDeps,
    options: SessionOptions,
    outboxes: Outboxes,
    socket: ClientSocket,
    { caller, steering, path }: { readonly caller: Caller; readonly steering: Steering; readonly path: string },
    counts: SessionCounts,
    onEnd: () => void,
  ) {
    this.#deps = deps;
    this.#options = options;
    this.#outbox = outboxes.open(socket);
    this.#caller = caller;
    this.#steering = steering;
    this.#path = path;
    this.#counts = counts;
    this.#onEnd = onEnd;
    this.#rates = new SessionRates(deps.clock, options);
    const isBusy = () => this.#inFlight > 0;
    this.#idle = new IdleWatch(deps.clock, options.idleTimeoutMs, isBusy, () => this.#end(NORMAL, "idle for too long"));
  }

  /** Takes a client's message: text, as the protocols have it. */
  message(data: unknown): void {
    if (this.#state === "ended") return;
    this.#idle.touch();
    if (typeof data !== "string") return this.#end(UNSUPPORTED_DATA, "send text messages");
    const { maxMessageBytes } = this.#options;
    const body = data.length > maxMessageBytes ? undefined : encoder.encode(data);
    if (body === undefined || body.length > maxMessageBytes) {
      return this.#end(TOO_LARGE, `messages may have ${maxMessageBytes} bytes`);
    }
    const arrivedAtUnixMs = this.#deps.clock.now();
    const arrivedAtMs = this.#idle.lastActiveMs;
    const { codec } = this.#deps;
    const tooMany = this.#rates.message();
    const decoded = codec.decode({ verb: "POST", path: this.#path, query: "", header: () => null, body });
    if (decoded.kind === "response") {
      return this.#send(tooMany === undefined ? decoded.response.body : codec.encodeError(tooMany).body);
    }
    const { call } = decoded;
    if (this.#state === "draining") return this.#refuse(call, SHUTTING_DOWN);
    if (tooMany !== undefined) return this.#refuse(call, tooMany);
    if (this.#inFlight >= this.#options.maxParallelCalls) return this.#refuse(call, TOO_MANY_CALLS);
    if (this.#endsSubscriptions(call)) return;
    const matched = matchCall(this.#deps.matcher, call.targets, {
      extensions: this.#steering.extensions,
      path: this.#path,
      head: this.#deps.head(),
      servesExtension: this.#deps.servesExtension,
    });
    if (matched.kind === "failure") return this.#refuse(call, matched.error);
    void this.#run(this.#requestOf(call, matched.api, arrivedAtUnixMs, arrivedAtMs));
  }

  /** Ends the connection before it has begun. */
  turnAway(reason: string): void {
    this.#end(TRY_AGAIN_LATER, reason);
  }

  /** The client has gone, or its socket is closed. */
  closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#leave();
    this.#outbox.ended();
    this.#onEnd();
  }

  /** Whether the connection is being closed, and its client has not ended its side yet. */
  get isClosing(): boolean {
    return this.#state === "ended";
  }

  /** Calls under way. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Takes no more calls, and closes the socket when those under way have been answered. */
  async drain(): Promise<void> {
    if (this.#state === "ended") return;
    this.#state = "draining";
    this.#deps.hub.leave(this);
    if (this.#inFlight > 0) {
      this.#answered = Promise.withResolvers<void>();
      await this.#answered.promise;
    }
    this.#end(GOING_AWAY, "the relay is shutting down");
  }

  /** Waits for no node any longer. */
  interrupt(): void {
    this.#left.abort();
  }

  answer(request: RelayRequest, answer: string): void {
    const reading = request.call.readReply({
      status: 200,
      headers: [],
      body: encoder.encode(answer),
      trailers: [],
      retryAfterMs: 0,
    });
    if (reading.kind === "answer") this.#send(reading.body);
    else this.#refuse(request.call, reading.error);
  }

  deliver(text: string): boolean {
    const isTaken = this.#sendText(text);
    if (isTaken) this.#counts.delivered();
    return isTaken;
  }

  async #run(request: RelayRequest): Promise<void> {
    const { relay, hub, log } = this.#deps;
    const { call, api } = request;
    this.#inFlight++;
    try {
      if (api.isSubscription) {
        if (call.isBatch) return this.#refuse(call, NO_BATCH);
        const tooMany = this.#rates.subscribe();
        if (tooMany !== undefined) return this.#refuse(call, tooMany);
        const error = await hub.subscribe(request, this);
        if (error !== undefined) this.#refuse(call, this.#state === "draining" ? SHUTTING_DOWN : error);
        return;
      }
      const outcome = await relay.run(request);
      if (outcome.kind === "answer") this.#send(outcome.response.body);
      else this.#refuse(call, outcome.error);
    } catch (error) {
      log.error("a message failed by a mistake of the relay", { error: String(error) });
      this.#refuse(call, failure("internal_error", "the relay made a mistake; its log says more").error);
    } finally {
      this.#inFlight--;
      if (this.#inFlight === 0) this.#answered?.resolve();
    }
  }

  #requestOf(call: ProtocolCall, api: ApiFacts, arrivedAtUnixMs: number, arrivedAtMs: number): RelayRequest {
    const { chain, apiInterface } = this.#options;
    const { nodeRequest } = call;
    return {
      caller: this.#caller,
      steering: this.#steering,
      chain,
      apiInterface,
      call,
      api,
      nodeRequest,
      arrivedAtUnixMs,
      arrivedAtMs,
      signal: this.#left.signal,
    };
  }

  /** Ends what a call names, when it is one that ends subscriptions. That is free and reaches no node by itself. */
  #endsSubscriptions(call: ProtocolCall): boolean {
    const { endings, hub, dialect } = this.#deps;
    const { name } = call.targets[0]!;
    const isAll = endings.unsubscribeAll.has(name);
    if (!isAll && !endings.unsubscribe.has(name)) return false;
    const refusal = call.isBatch ? NO_BATCH : this.#rates.unsubscribe();
    if (refusal !== undefined) this.#refuse(call, refusal);
    else if (isAll) {
      hub.leave(this);
      this.#farewell(call);
    } else {
      const endKey = dialect.endedBy(call);
      const isEnded = endKey !== undefined && hub.unsubscribe(this, endKey);
      if (isEnded) this.#farewell(call);
      else this.#refuse(call, NO_SUCH_SUBSCRIPTION);
    }
    return true;
  }

  #farewell(call: ProtocolCall): void {
    const body = encoder.encode(this.#deps.dialect.farewell());
    const reading = call.readReply({ status: 200, headers: [], body, trailers: [], retryAfterMs: 0 });
    if (reading.kind === "answer") this.#send(reading.body);
  }

  #refuse(call: ProtocolCall, error: RelayError): void {
    this.#send(call.encodeError(error).body);
  }

  #send(body: Uint8Array | null): void {
    if (body !== null) this.#sendText(decoder.decode(body));
  }

  /** Sends, unless the client does not read what waits for it: then it is disconnected, with a reason. */
  #sendText(text: string): boolean {
    if (this.#state === "ended") return false;
    const result = this.#outbox.send(text);
    if (result === "slow") {
      this.#counts.shed();
      this.#end(TRY_AGAIN_LATER, "messages are not read fast enough");
    }
    if (result !== "taken") return false;
    this.#idle.touch();
    return true;
  }

  #end(code: number, reason: string): void {
    if (this.#state === "ended") return;
    this.#leave();
    this.#outbox.close(code, reason);
  }

  /** Nobody is there any more to be sent anything. */
  #leave(): void {
    this.#state = "ended";
    this.#idle.stop();
    this.#left.abort();
    this.#deps.hub.leave(this);
  }
}

const TOO_MANY_CALLS = failure(
  "rate_limited",
  "more calls under way than this connection may have; wait for answers",
).error;
const NO_BATCH = failure("invalid_request", "subscriptions can't be in a batch; send them one by one").error;
const NO_SUCH_SUBSCRIPTION = failure("invalid_request", "this connection has no such subscription").error;
