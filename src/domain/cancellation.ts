/** What is told of a cancellation: a function, or an object where none is to be made for it. */
export type CancelListener = (() => void) | { handleEvent(): void };

/** Whether something is still wanted, and word of when it is not. An `AbortSignal` is one. */
export interface Cancellation {
  readonly aborted: boolean;
  addEventListener(type: "abort", listener: CancelListener, options?: { readonly once?: boolean }): void;
  removeEventListener(type: "abort", listener: CancelListener): void;
}

/**
 * A cancellation and who cancels it in one, for what every request has one of: it costs a small part of what the
 * platform's `AbortController` does. Listeners are told once, in the order in which they came.
 */
export class Canceller implements Cancellation {
  #aborted = false;
  /** The only listener there is, or all of them. */
  #listeners: CancelListener | Set<CancelListener> | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  addEventListener(_type: "abort", listener: CancelListener): void {
    const known = this.#listeners;
    if (known instanceof Set) known.add(listener);
    else if (known === undefined) this.#listeners = listener;
    else if (known !== listener) this.#listeners = new Set([known, listener]);
  }

  removeEventListener(_type: "abort", listener: CancelListener): void {
    const known = this.#listeners;
    if (known instanceof Set) known.delete(listener);
    else if (known === listener) this.#listeners = undefined;
  }

  /** Tells those who listen; the first time counts. */
  abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners === undefined) return;
    for (const listener of listeners instanceof Set ? listeners : [listeners]) {
      if (typeof listener === "function") listener();
      else listener.handleEvent();
    }
  }
}

/** The cancellation as the platform knows it, for its own functions. */
export function toAbortSignal(cancellation: Cancellation): AbortSignal {
  // Not every platform has a global of that name.
  if ("throwIfAborted" in cancellation) return cancellation as AbortSignal;
  const controller = new AbortController();
  if (cancellation.aborted) controller.abort();
  else cancellation.addEventListener("abort", () => controller.abort(), { once: true });
  return controller.signal;
}
