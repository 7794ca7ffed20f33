/** Most texts whose choice is remembered. */
const MAX_CHOICES = 10_000;

/**
 * Who was asked last for requests of a project with the same `lava-stickiness`. Bounded: what was not asked for the
 * longest time is forgotten, and gets the provider that its text leads to by itself, which is mostly the same.
 */
export class StickyChoices {
  readonly #choices = new Map<string, number>();

  /** The provider that has answered for a text, if it is remembered. */
  of(key: string): number | undefined {
    return this.#choices.get(key);
  }

  /** Takes over the choices of another list of providers; `from` says for each provider where it stood there, or -1. */
  adopt(previous: StickyChoices, from: readonly number[]): void {
    for (const [key, old] of previous.#choices) {
      const index = from.indexOf(old);
      if (index >= 0) this.set(key, index);
    }
  }

  /** A provider is asked for a text from now on. */
  set(key: string, index: number): void {
    this.#choices.delete(key);
    this.#choices.set(key, index);
    if (this.#choices.size <= MAX_CHOICES) return;
    const [oldest] = this.#choices.keys();
    this.#choices.delete(oldest!);
  }
}

/** A number that is the same for the same text and provider: each text has its own order of providers, which lasts. */
export function stickyRank(key: string, provider: string): number {
  let hash = 0x811c9dc5;
  const text = `${key}\n${provider}`;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // The last characters, which tell the providers apart, are to change all of it.
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}
