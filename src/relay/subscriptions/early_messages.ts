import type { NodeMessage } from "../../domain/subscription.ts";

type Notification = NodeMessage & { readonly kind: "notification" };

/** Most messages, and characters of them, that are kept. */
const MAX_MESSAGES = 256;
const MAX_CHARS = 1_048_576;

/**
 * What a node sends of a subscription before it has answered the subscribe. Whose it is shows with the answer, which
 * comes soon after: of too much, the oldest is let go.
 */
export class EarlyMessages {
  #messages: Notification[] = [];
  #chars = 0;

  add(message: Notification): void {
    this.#messages.push(message);
    this.#chars += charsOf(message);
    while (this.#messages.length > MAX_MESSAGES || this.#chars > MAX_CHARS) {
      this.#chars -= charsOf(this.#messages.shift()!);
    }
  }

  /** Takes out what belongs to a subscription, in order. */
  take(subscription: string): readonly Notification[] {
    const taken = this.#messages.filter((message) => message.subscription === subscription);
    if (taken.length === 0) return taken;
    this.#messages = this.#messages.filter((message) => message.subscription !== subscription);
    for (const message of taken) this.#chars -= charsOf(message);
    return taken;
  }

  clear(): void {
    this.#messages = [];
    this.#chars = 0;
  }
}

function charsOf({ before, after }: Notification): number {
  return before.length + after.length;
}
