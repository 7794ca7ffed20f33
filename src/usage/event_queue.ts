import type { UsageEvent } from "../domain/usage_event.ts";

/**
 * Most characters of API names that may wait. A client can make the name of a batch a quarter of a megabyte long; names
 * of ordinary relays come nowhere near this, even with a full queue.
 */
const MAX_NAME_CHARS = 32 * 1024 * 1024;

/** Events waiting in memory: a ring of references, bounded in number and in what clients can blow up. */
export class EventQueue {
  readonly #slots: (UsageEvent | undefined)[];
  #head = 0;
  #length = 0;
  #nameChars = 0;

  /** `capacity` is the most events that may wait. */
  constructor(capacity: number) {
    this.#slots = new Array(capacity);
  }

  /** Events that wait. */
  get length(): number {
    return this.#length;
  }

  /** Puts an event in; false when there is no room for it. */
  push(event: UsageEvent): boolean {
    const nameChars = charsOf(event);
    const slots = this.#slots;
    if (this.#length === slots.length || this.#nameChars + nameChars > MAX_NAME_CHARS) return false;
    const end = this.#head + this.#length;
    slots[end < slots.length ? end : end - slots.length] = event;
    this.#length++;
    this.#nameChars += nameChars;
    return true;
  }

  /** Takes out up to `count` events, oldest first. */
  take(count: number): UsageEvent[] {
    const slots = this.#slots;
    const taken: UsageEvent[] = [];
    for (let left = Math.min(count, this.#length); left > 0; left--) {
      const event = slots[this.#head]!;
      slots[this.#head] = undefined;
      this.#head = this.#head + 1 < slots.length ? this.#head + 1 : 0;
      this.#nameChars -= charsOf(event);
      taken.push(event);
    }
    this.#length -= taken.length;
    return taken;
  }
}

function charsOf(event: UsageEvent): number {
  return event.kind === "relay_usage" ? event.apiMethod.length : 0;
}
