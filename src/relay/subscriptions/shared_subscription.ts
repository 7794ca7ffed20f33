import type { Cancellation } from "../../domain/cancellation.ts";
import type { Clock } from "../../domain/clock.ts";
import { CLIENT_CLOSED, failure, type RelayError, SHUTTING_DOWN } from "../../domain/relay_error.ts";
import type { RelayRequest } from "../../domain/relay_request.ts";
import type { HeadsDialect } from "../../domain/subscription.ts";
import type { NodeUrl } from "../../providers/provider.ts";
import type { Candidate } from "../../providers/selector.ts";
import type { SocketSelector } from "../../providers/socket_selector.ts";
import type { Meter } from "../meter.ts";
import { type GapFill, HeadStream, type Message } from "./head_stream.ts";
import type { Membership } from "./membership.ts";
import { RecentMessages } from "./recent_messages.ts";
import { judgeRefusal, type Start } from "./start_outcome.ts";
import type { OpenResult } from "./upstream_connection.ts";
import type { UpstreamPool } from "./upstream_pool.ts";

/** What a shared subscription works with. */
export interface SharedDeps {
  readonly pool: Pick<UpstreamPool, "open">;
  readonly sockets: Pick<SocketSelector, "select" | "report">;
  readonly meter: Meter;
  readonly clock: Clock;
  /** Tells new heads apart; undefined where the subscription is not to such. */
  readonly heads?: HeadsDialect | undefined;
  /** How heads are made up for that came without a connection; undefined where they are not. */
  readonly gapFill?: GapFill | undefined;
  random(): number;
  /** Nobody is left. */
  onEmpty(): void;
  /** The subscription was opened again after its connection had broken. */
  onReopened(): void;
}

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 30_000;
const JITTER = 0.3;
/** A subscription that ends sooner than that has not been worth opening, and the next try waits longer. */
const STABLE_MS = 10_000;
/** Messages that are kept for the first client, which is answered at once. */
const MAX_HELD = 256;

type Opened = OpenResult & { readonly kind: "open" };

/**
 * One subscription with a node, and everyone who has a share in it.
 *
 * When its connection breaks it is opened again, with that node or another one, and the clients notice nothing but a
 * pause: what a new connection sends twice is left out.
 */
export class SharedSubscription {
  readonly #deps: SharedDeps;
  /** The request of the first client, which is asked with for all. */
  readonly #request: RelayRequest;
  readonly #members = new Set<Membership>();
  readonly #recent = new RecentMessages();
  readonly #stream: HeadStream | undefined;
  /** Those who were there when the connection broke. */
  #interrupted: ReadonlySet<Membership> = new Set();
  /** Those who wait for the first answer. */
  #waiting = 0;
  #starting: Promise<Start> | undefined;
  /** Settles the start that those who join wait for while the connection is away. */
  #settle: ((start: Start) => void) | undefined;
  #open: Opened | undefined;
  #openedAtMs = 0;
  /** What has come before the first client had its answer. */
  #held: Message[] = [];
  /** Tries in a row that came to nothing. */
  #round = 0;
  #cancelRetry: (() => void) | undefined;
  #isClosed = false;

  constructor(deps: SharedDeps, request: RelayRequest) {
    this.#deps = deps;
    this.#request = request;
    const { heads, gapFill } = deps;
    this.#stream = heads && gapFill && new HeadStream(heads, gapFill, request.steering, {
      deliver: (message) => this.#send(message, this.#members),
      deliverMissed: (message) => this.#send(message, this.#members.intersection(this.#interrupted)),
    });
  }

  /** Opens the subscription, or waits for whoever does, but no longer than the client stays. */
  async start(signal: Cancellation): Promise<Start> {
    if (signal.aborted) return GONE;
    this.#waiting++;
    const { promise: left, resolve } = Promise.withResolvers<Start>();
    const onAbort = () => resolve(GONE);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      this.#starting ??= this.#connect();
      return await Promise.race([this.#starting, left]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#waiting--;
      this.leaveIfEmpty();
    }
  }

  /** Gives a client its share. */
  add(membership: Membership): void {
    this.#members.add(membership);
    for (const message of this.#held.splice(0)) this.#take(message);
  }

  /** Takes a client's share away; the last one ends the subscription. */
  remove(membership: Membership): void {
    this.#members.delete(membership);
    this.leaveIfEmpty();
  }

  /** Ends the subscription when nobody has a share in it or waits for one. Joining comes in the same turn as the answer. */
  leaveIfEmpty(): void {
    queueMicrotask(() =>
      queueMicrotask(() => {
        if (this.#members.size > 0 || this.#waiting > 0 || this.#isClosed) return;
        this.close();
      })
    );
  }

  /** Ends it for everyone. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelRetry?.();
    this.#stream?.stop();
    this.#settle?.({ kind: "failure", error: SHUTTING_DOWN, tried: [] });
    this.#open?.close();
    this.#open = undefined;
    this.#deps.onEmpty();
  }

  /** Asks one node after the other until one accepts. */
  async #connect(): Promise<Start> {
    const { sockets } = this.#deps;
    const triedUrls = new Set<NodeUrl>();
    const tried: string[] = [];
    let refusal: { readonly text: string; readonly provider: string } | undefined;
    let last: RelayError | undefined;
    for (;;) {
      if (this.#isClosed) return { kind: "failure", error: SHUTTING_DOWN, tried };
      const candidate = sockets.select(this.#request, triedUrls);
      if (candidate === undefined) {
        if (refusal === undefined) return { kind: "failure", error: last ?? NO_SOCKET, tried };
        // The bill names who was asked last.
        const { text, provider } = refusal;
        return { kind: "refused", text, tried: [...tried.filter((name) => name !== provider), provider] };
      }
      const { provider: { name } } = candidate;
      triedUrls.add(candidate.nodeUrl);
      tried.push(name);
      const result = await this.#ask(candidate);
      switch (result.kind) {
        case "open":
          // Who joins later has asked nobody else.
          this.#starting = Promise.resolve({ kind: "open", subscription: result.subscription, tried: [name] });
          return { kind: "open", subscription: result.subscription, tried };
        case "refused": {
          const { sample, askAnother } = judgeRefusal(this.#request.call, result.text, result.latencyMs);
          sockets.report(candidate, sample, this.#request.api.computeUnits);
          refusal = { text: result.text, provider: name };
          // Those who have been accepted once are not to hear of a refusal.
          if (!askAnother && this.#members.size === 0) return { kind: "refused", text: result.text, tried };
          break;
        }
        case "failure":
          last = failure(result.error.code, `provider ${name}: ${result.error.message}`).error;
      }
    }
  }

  /** Asks one node. */
  async #ask(candidate: Candidate): Promise<OpenResult> {
    const { pool, sockets, clock } = this.#deps;
    let isLost = false;
    let isAdopted = false;
    const result = await pool.open(candidate, this.#request.call, {
      notify: (before, after) => this.#take({ before, after, from: candidate }),
      lost: () => {
        isLost = true;
        if (isAdopted) this.#lost();
      },
    });
    const { computeUnits } = this.#request.api;
    if (result.kind === "failure" && ANSWER_FAULTS.has(result.error.code)) {
      sockets.report(candidate, { kind: "failed" }, computeUnits);
    }
    if (result.kind !== "open") return result;
    sockets.report(candidate, { kind: "answered", latencyMs: result.latencyMs }, computeUnits);
    if (this.#isClosed) result.close();
    // It may have ended while its answer was on its way here.
    if (isLost || this.#isClosed) return failure("upstream_disconnected", "the subscription ended at once");
    isAdopted = true;
    this.#open = result;
    this.#openedAtMs = clock.monotonic();
    return result;
  }

  #take(message: Message): void {
    if (this.#members.size > 0) {
      if (this.#stream === undefined) this.#send(message, this.#members);
      else this.#stream.take(message);
    } else if (this.#waiting > 0) {
      this.#held.push(message);
      if (this.#held.length > MAX_HELD) this.#held.shift();
    }
  }

  #send(message: Message, members: ReadonlySet<Membership>): void {
    const { clock, meter, heads } = this.#deps;
    const { before, after, from: { provider: { name } } } = message;
    // Nodes may write the same head in different ways.
    const identity = (message.head ?? heads?.read(message))?.hash ?? `${before}\n${after}`;
    if (this.#recent.isRepeated(identity, clock.monotonic())) return;
    for (const { subscriber, clientId, request } of members) {
      if (subscriber.deliver(before + clientId + after)) meter.delivery(request, name);
    }
  }

  #lost(): void {
    this.#open = undefined;
    if (this.#isClosed) return;
    if (this.#deps.clock.monotonic() - this.#openedAtMs >= STABLE_MS) this.#round = 0;
    this.#recent.expectRepeats();
    // Who has joined without a connection, or since, has missed nothing.
    if (this.#stream?.isBehind === false) this.#interrupted = new Set(this.#members);
    this.#stream?.lost();
    this.#retry();
  }

  #retry(): void {
    const { clock, random, onReopened } = this.#deps;
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#round++, MAX_BACKOFF_MS);
    const delayMs = backoffMs * (1 - JITTER + 2 * JITTER * random());
    const { promise, resolve } = Promise.withResolvers<Start>();
    this.#starting = promise;
    this.#settle = resolve;
    this.#cancelRetry = clock.schedule(delayMs, async () => {
      const start = await this.#connect();
      resolve(start);
      if (this.#isClosed) return;
      if (start.kind !== "open") return this.#retry();
      this.#recent.reopened(clock.monotonic());
      onReopened();
    });
  }
}

/** Failures that are the subscribe's own: those of its connection are told by the connection. */
const ANSWER_FAULTS: ReadonlySet<string> = new Set(["upstream_timeout", "malformed_answer"]);

const GONE: Start = { kind: "failure", error: CLIENT_CLOSED, tried: [] };
const NO_SOCKET: RelayError = failure(
  "no_provider",
  "no configured provider serves subscriptions; add a ws:// or wss:// URL to its node-urls",
).error;
