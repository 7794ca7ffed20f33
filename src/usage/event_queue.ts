/**
 * Most characters of names that may wait. A client can make the name of a batch a quarter of a megabyte long; names of
 * ordinary relays come nowhere near this, even with a full queue.
 */
const MAX_NAME_CHARS = 32 * 1024 * 1024;

/** A queue entry: an event, and the number that it was accepted under. */
export interface QueuedEvent<Event> {
  readonly event: Event;
  readonly sequence: number;
}

/** Events waiting in memory: a ring of references, bounded in number and in what clients can blow up. */
export class EventQueue<Event> {
  readonly #capacity: number;
  readonly #nameCharsOf: (event: Event) => number;
  /** Made at the first event: most processes have no second kind of event. */
  #events: (Event | undefined)[] | undefined;
  #sequences = new Float64Array();
  #head = 0;
  #length = 0;
  #nameChars = 0;

  /** `capacity` is the most events that may wait; `nameCharsOf` the length of what a client can make long. */
  constructor(capacity: number, nameCharsOf: (event: Event) => number) {
    this.#capacity = capacity;
    this.#nameCharsOf = nameCharsOf;
  }

  /** Events that wait. */
  get length(): number {
    return this.#length;
  }

  /** Puts an event in; false when there is no room for it. */
  push(event: Event, sequence: number): boolean {
    const capacity = this.#capacity;
    const nameChars = this.#nameChars + this.#nameCharsOf(event);
    if (this.#length === capacity || nameChars > MAX_NAME_CHARS) return false;
    const events = this.#events ??= this.#allocate();
    const end = this.#head + this.#length;
    const slot = end < capacity ? end : end - capacity;
    events[slot] = event;
    this.#sequences[slot] = sequence;
    this.#length++;
    this.#nameChars = nameChars;
    return true;
  }

  /** Takes out up to `count` events, oldest first. */
  take(count: number): QueuedEvent<Event>[] {
    const events = this.#events;
    if (events === undefined) return [];
    const taken: QueuedEvent<Event>[] = [];
    for (let left = Math.min(count, this.#length); left > 0; left--) {
      const event = events[this.#head]!;
      taken.push({ event, sequence: this.#sequences[this.#head]! });
      events[this.#head] = undefined;
      this.#head = this.#head + 1 < this.#capacity ? this.#head + 1 : 0;
      this.#nameChars -= this.#nameCharsOf(event);
    }
    this.#length -= taken.length;
    return taken;
  }

  #allocate(): (Event | undefined)[] {
    this.#sequences = new Float64Array(this.#capacity);
    return new Array(this.#capacity);
  }
}
