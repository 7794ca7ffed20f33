/** What serves under one configuration. */
export interface Generation {
  /** Takes the place of the one before, of which it knows. */
  start(): void;
  /** Starts nothing by itself any more, such as probes; comes back when nothing of the kind is under way. */
  retire(): Promise<void>;
  /** Lets requests under way end, for `graceMs`, after which they are ended. Safe to call twice. */
  drain(graceMs: number): Promise<void>;
}

/** Longest that a timer can be set for: as long as a request may need that outlasts its configuration. */
const NO_LIMIT_MS = 2_147_483_647;

/** The generation that takes requests, and those before it that still have some under way. */
export class Generations<G extends Generation> {
  #current: G;
  readonly #leaving = new Set<G>();
  readonly #onLeft: (remaining: readonly G[]) => void;

  /** Starts the first one. `onLeft` is called each time that one has no requests left, with those that remain. */
  constructor(first: G, onLeft: (remaining: readonly G[]) => void = () => {}) {
    this.#current = first;
    this.#onLeft = onLeft;
    first.start();
  }

  /** The one that takes requests. */
  get current(): G {
    return this.#current;
  }

  /** All that may have requests under way. */
  get all(): readonly G[] {
    return [this.#current, ...this.#leaving];
  }

  /** Has `next` take requests from now on; those under way end where they began. */
  replace(next: G): void {
    const previous = this.#current;
    this.#current = next;
    next.start();
    this.#leaving.add(previous);
    Promise.all([previous.retire(), previous.drain(NO_LIMIT_MS)]).then(() => {
      this.#leaving.delete(previous);
      this.#onLeft(this.all);
    });
  }

  /** Lets all requests under way end, for `graceMs`, and starts nothing any more. */
  async drain(graceMs: number): Promise<void> {
    const { all } = this;
    await Promise.all(all.map((generation) => generation.drain(graceMs)));
    await Promise.all(all.map((generation) => generation.retire()));
  }
}
