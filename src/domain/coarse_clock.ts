import type { Clock } from "./clock.ts";

/** Timers are run in steps of this. */
const STEP_MS = 25;
/** Shortest delay that may be late by a step. */
const MIN_DELAY_MS = 100;

/** One timer, between its neighbours of the same step. */
interface Entry {
  previous: Entry;
  next: Entry;
  readonly callback: (() => void) | undefined;
}

/**
 * A clock for many timers that hardly ever run, such as deadlines: those of 100 ms and more are late by up to 25 ms, never
 * early, and cost next to nothing, as one timer of the platform's runs them all. Shorter ones are left to `clock`.
 *
 * Not for platforms that tie a timer to the request during which it was set.
 */
export function createCoarseClock(clock: Clock): Clock {
  const wheel = new Wheel(clock);
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    schedule: (delayMs, callback, nowMs) =>
      delayMs < MIN_DELAY_MS ? clock.schedule(delayMs, callback) : wheel.schedule(delayMs, callback, nowMs),
  };
}

class Wheel {
  readonly #clock: Clock;
  /** The timers of each step to come, in the order in which they were set: a ring with a head that is none of them. */
  readonly #steps = new Map<number, Entry>();
  /** The last step that has been run. */
  #step = 0;
  #count = 0;
  #isRunning = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  schedule(delayMs: number, callback: () => void, nowMs: number = this.#clock.monotonic()): () => void {
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#step = Math.floor(nowMs / STEP_MS);
      this.#runAfter(nowMs);
    }
    const step = Math.ceil((nowMs + delayMs) / STEP_MS);
    let head = this.#steps.get(step);
    if (head === undefined) this.#steps.set(step, head = ringHead());
    const entry: Entry = { previous: head.previous, next: head, callback };
    head.previous.next = entry;
    head.previous = entry;
    this.#count++;
    return () => this.#remove(entry);
  }

  /** Runs what is due, and comes again as long as there is anything to wait for. */
  readonly #run = (): void => {
    const nowMs = this.#clock.monotonic();
    const due = Math.floor(nowMs / STEP_MS);
    while (this.#step < due) {
      const step = ++this.#step;
      const head = this.#steps.get(step);
      if (head === undefined) continue;
      this.#steps.delete(step);
      for (let entry = head.next; entry !== head; entry = head.next) {
        this.#remove(entry);
        runApart(entry.callback!);
      }
    }
    this.#isRunning = this.#count > 0;
    if (this.#isRunning) this.#runAfter(nowMs);
  };

  /** Has the next step run when it is due. Timers of the platform's take whole milliseconds. */
  #runAfter(nowMs: number): void {
    this.#clock.schedule(Math.ceil((this.#step + 1) * STEP_MS - nowMs), this.#run);
  }

  /** Takes an entry out of its ring, once. */
  #remove(entry: Entry): void {
    if (entry.next === entry) return;
    entry.previous.next = entry.next;
    entry.next.previous = entry.previous;
    entry.next = entry.previous = entry;
    this.#count--;
  }
}

function ringHead(): Entry {
  const head = { callback: undefined } as { -readonly [Key in keyof Entry]?: Entry[Key] } as Entry;
  head.previous = head.next = head;
  return head;
}

/** Runs a callback whose mistake is told as that of a timer, and keeps none of the others from running. */
function runApart(callback: () => void): void {
  try {
    callback();
  } catch (mistake) {
    queueMicrotask(() => {
      throw mistake;
    });
  }
}
