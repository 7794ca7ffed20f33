import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import { CLIENT_CLOSED, failure, type RelayError, SHUTTING_DOWN } from "../../domain/relay_error.ts";
import type { RelayRequest } from "../../domain/relay_request.ts";
import type { NodeUrl } from "../../providers/provider.ts";
import type { Candidate } from "../../providers/selector.ts";
import type { Meter } from "../meter.ts";
import type { Membership } from "./membership.ts";
import { RecentMessages } from "./recent_messages.ts";
import type { Start } from "./start_outcome.ts";
import type { OpenResult, UpstreamPool } from "./upstream.ts";

/** What a shared subscription works with. */
export interface SharedDeps {
  readonly pool: UpstreamPool;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly log: Log;
  /** The next node to subscribe with; undefined when everyone who serves it has been tried. */
  selectSocket(request: RelayRequest, tried: ReadonlySet<NodeUrl>): Candidate | undefined;
  /** Takes in how a node did. */
  reportSocket(candidate: Candidate, isGood: boolean, request: RelayRequest): void;
  random(): number;
  /** Nobody is left. */
  onEmpty(): void;
  /** The subscription was opened again after its connection had broken. */
  onReopened(): void;
}

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 30_000;
const JITTER = 0.3;

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
  /** Those who wait for the first answer. */
  #waiting = 0;
  #starting: Promise<Start> | undefined;
  /** Settles the start that those who join wait for while the connection is away. */
  #settle: ((start: Start) => void) | undefined;
  #open: (OpenResult & { readonly kind: "open" }) | undefined;
  #provider = "";
  #cancelRetry: (() => void) | undefined;
  #isClosed = false;

  constructor(deps: SharedDeps, request: RelayRequest) {
    this.#deps = deps;
    this.#request = request;
  }

  /** Opens the subscription, or waits for whoever does, but no longer than the client stays. */
  async start(signal: AbortSignal): Promise<Start> {
    this.#waiting++;
    const { promise: left, resolve } = Promise.withResolvers<Start>();
    const onAbort = () => resolve({ kind: "failure", error: CLIENT_CLOSED, tried: [] });
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
    this.#open?.flush();
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
    this.#settle?.({ kind: "failure", error: SHUTTING_DOWN, tried: [] });
    this.#open?.close();
    this.#open = undefined;
    this.#deps.onEmpty();
  }

  /** Asks one node after the other until one answers. */
  async #connect(): Promise<Start> {
    const { pool, selectSocket, reportSocket } = this.#deps;
    const triedUrls = new Set<NodeUrl>();
    const tried: string[] = [];
    let last: RelayError | undefined;
    for (;;) {
      if (this.#isClosed) return { kind: "failure", error: SHUTTING_DOWN, tried };
      const candidate = selectSocket(this.#request, triedUrls);
      if (candidate === undefined) return { kind: "failure", error: last ?? NO_SOCKET, tried };
      triedUrls.add(candidate.nodeUrl);
      tried.push(candidate.provider.name);
      const result = await pool.open(candidate.nodeUrl, this.#request.call, {
        notify: (before, after) => this.#deliver(before, after),
        lost: () => this.#lost(candidate),
      });
      if (result.kind === "refused") return { ...result, tried };
      reportSocket(candidate, result.kind === "open", this.#request);
      if (result.kind === "failure") {
        last = failure(result.error.code, `provider ${candidate.provider.name}: ${result.error.message}`).error;
        continue;
      }
      if (this.#isClosed) {
        result.close();
        return { kind: "failure", error: SHUTTING_DOWN, tried };
      }
      this.#open = result;
      this.#provider = candidate.provider.name;
      const { subscription } = result;
      // Who joins later has asked nobody else.
      this.#starting = Promise.resolve({ kind: "open", subscription, tried: tried.slice(-1) });
      return { kind: "open", subscription, tried };
    }
  }

  #deliver(before: string, after: string): void {
    if (this.#recent.isRepeated(before, after)) return;
    for (const membership of this.#members) {
      const { subscriber, clientId, request } = membership;
      if (subscriber.deliver(before + clientId + after)) this.#deps.meter.delivery(request, this.#provider);
    }
  }

  #lost(candidate: Candidate): void {
    this.#open = undefined;
    if (this.#isClosed) return;
    this.#deps.reportSocket(candidate, false, this.#request);
    this.#recent.expectRepeats();
    this.#deps.log.info("a subscription's connection has ended; it is opened again", {
      provider: candidate.provider.name,
    });
    this.#retry(0);
  }

  #retry(round: number): void {
    const { clock, random } = this.#deps;
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** round, MAX_BACKOFF_MS);
    const delayMs = backoffMs * (1 - JITTER / 2 + JITTER * random());
    const { promise, resolve } = Promise.withResolvers<Start>();
    this.#starting = promise;
    this.#settle = resolve;
    this.#cancelRetry = clock.schedule(delayMs, async () => {
      const start = await this.#connect();
      resolve(start);
      if (this.#isClosed) return;
      if (start.kind !== "open") return this.#retry(round + 1);
      this.#deps.onReopened();
      this.#open?.flush();
    });
  }
}

const NO_SOCKET: RelayError = failure(
  "no_provider",
  "no configured provider serves subscriptions; add a ws:// or wss:// URL to its node-urls",
).error;
