import type { Clock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import type { Steering } from "../../domain/steering.ts";
import type { Head, HeadsDialect, NotificationParts } from "../../domain/subscription.ts";
import type { Candidate } from "../../providers/selector.ts";
import { findMissing, type GapResult } from "./gap.ts";
import { HeadChain } from "./head_chain.ts";

/** A notification and who has sent it. */
export interface Message extends NotificationParts {
  readonly from: Candidate;
  /** The block that it announces, where it is known to. */
  readonly head?: Head;
}

/** Counts of gaps, for metrics. */
export interface GapCounts {
  /** Heads that were fetched and sent to subscribers. */
  filled: number;
  /** Gaps that stayed. */
  givenUp: number;
}

/** How gaps are filled. */
export interface GapFill {
  /** Most blocks of a gap. */
  readonly maxBlocks: number;
  /** Milliseconds in which it has to be filled. */
  readonly timeoutMs: number;
  readonly counts: GapCounts;
  readonly clock: Clock;
  readonly log: Log;
  /** A block in JSON, asked of `first` before others that the caller lets be asked; undefined where it can't be had. */
  fetchBlock(first: Candidate, height: number, signal: AbortSignal, steering: Steering): Promise<string | undefined>;
}

/** Where heads go. */
export interface HeadReceiver {
  deliver(message: Message): void;
  /** A head from the time without a connection, which those who have joined since then did not miss. */
  deliverMissed(message: Message): void;
}

/** Messages, and characters of them, that wait for a gap to be filled. */
const MAX_WAITING = 1_024;
const MAX_WAITING_CHARS = 16 * 1_048_576;

/** The heads of a subscription to new heads. After a new connection those are put in that came without one. */
export class HeadStream {
  readonly #heads: HeadsDialect;
  readonly #fill: GapFill;
  readonly #steering: Steering;
  readonly #receiver: HeadReceiver;
  readonly #chain = new HeadChain();
  /** Undefined while no gap is being filled. */
  #waiting: Waiting | undefined;
  #isAnew = false;
  #stop = new AbortController();

  constructor(heads: HeadsDialect, fill: GapFill, steering: Steering, receiver: HeadReceiver) {
    this.#heads = heads;
    this.#fill = fill;
    this.#steering = steering;
    this.#receiver = receiver;
  }

  /** Whether what was missed has not been made up for yet. */
  get isBehind(): boolean {
    return this.#isAnew;
  }

  /** Takes what a node sends. */
  take(message: Message): void {
    if (this.#waiting !== undefined) return this.#wait(this.#waiting, message);
    const head = this.#heads.read(message);
    if (head === undefined) return this.#receiver.deliver(message);
    if (this.#isAnew) {
      if (this.#chain.has(head.height, head.hash)) return;
      if (!this.#chain.has(head.height - 1, head.parentHash)) {
        void this.#fillBefore({ ...message, head });
        return;
      }
      this.#isAnew = false;
    }
    this.#pass({ ...message, head });
  }

  /** The connection has ended: a gap may begin. What waits for another one to be filled belongs to this one now. */
  lost(): void {
    this.stop();
    this.#isAnew = this.#chain.tip >= 0;
  }

  /** Fills nothing more. */
  stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#waiting = undefined;
  }

  async #fillBefore(first: Heading): Promise<void> {
    const { maxBlocks, timeoutMs, clock } = this.#fill;
    const stopped = this.#stop.signal;
    const late = new AbortController();
    this.#waiting = { messages: [], chars: 0, giveUp: () => late.abort() };
    const cancelTimer = clock.schedule(timeoutMs, () => late.abort());
    const either = AbortSignal.any([stopped, late.signal]);
    const result = await findMissing(this.#chain, first, {
      heads: this.#heads,
      fetchBlock: (height) => this.#fill.fetchBlock(first.from, height, either, this.#steering),
    }, maxBlocks);
    cancelTimer();
    if (stopped.aborted) return;
    this.#tell(first, late.signal.aborted ? { kind: "given_up", reason: "it took too long" } : result);
    // What is still being asked is not needed.
    late.abort();
    if (result.kind === "heads") {
      for (const filled of result.heads) {
        this.#passMissed({ ...filled, from: first.from });
      }
    }
    const { messages } = this.#waiting;
    this.#waiting = undefined;
    this.#isAnew = false;
    this.#pass(first);
    for (const message of messages) this.take(message);
  }

  #tell({ from: { provider: { name: provider } }, head: { height } }: Heading, result: GapResult): void {
    const { counts, log } = this.#fill;
    if (result.kind === "heads") {
      const blocks = result.heads.length;
      counts.filled += blocks;
      log.info("blocks that came without a connection are sent to subscribers", { provider, blocks, before: height });
      return;
    }
    counts.givenUp++;
    const blocks = Math.max(0, height - this.#chain.tip - 1);
    const what = "blocks that came without a connection are not sent to subscribers";
    log.warn(what, { provider, blocks, before: height, reason: result.reason });
  }

  #wait(waiting: Waiting, message: Message): void {
    waiting.messages.push(message);
    waiting.chars += message.before.length + message.after.length;
    if (waiting.messages.length > MAX_WAITING || waiting.chars > MAX_WAITING_CHARS) waiting.giveUp();
  }

  #pass(message: Heading): void {
    this.#chain.add(message.head);
    this.#receiver.deliver(message);
  }

  #passMissed(message: Heading): void {
    this.#chain.add(message.head);
    this.#receiver.deliverMissed(message);
  }
}

type Heading = Message & { readonly head: Head };

/** What has come while a gap is being filled. */
interface Waiting {
  readonly messages: Message[];
  chars: number;
  giveUp(): void;
}
