import type { ChainSpec } from "../domain/chain_spec.ts";
import { builtinIndexes, builtinSpec } from "./builtin.ts";
import { expandSpec, type Expansion } from "./expand.ts";

/**
 * The chain specs that are to be had: those that ship with the relay, and over them those that were loaded.
 *
 * @example A spec file of one's own
 * ```ts
 * import { readSpecFile, SpecSet } from "@relaymeter/relay";
 *
 * const content = { proposal: { specs: [{ index: "MY1", enabled: true, imports: ["ETH1"], average_block_time: 2000 }] } };
 * const file = readSpecFile(content);
 * if (file.kind === "mistakes") throw new Error(JSON.stringify(file.mistakes));
 * const specs = new SpecSet(file.specs);
 * if (specs.expand("MY1").kind !== "spec") throw new Error("it builds on a spec that ships with the relay");
 * ```
 */
export class SpecSet {
  readonly #loaded: ReadonlyMap<string, ChainSpec>;
  readonly #expanded = new Map<string, Expansion>();

  /** Of several specs with one index, the last one counts. */
  constructor(loaded: readonly ChainSpec[] = []) {
    this.#loaded = new Map(loaded.map((spec) => [spec.index, spec]));
  }

  /** All indexes, sorted. */
  indexes(): readonly string[] {
    return [...new Set([...builtinIndexes(), ...this.#loaded.keys()])].sort();
  }

  /** The spec of an index as it was written. */
  specOf(index: string): ChainSpec | undefined {
    return this.#loaded.get(index) ?? builtinSpec(index);
  }

  /** Whether a spec was loaded and does not come with the relay. */
  isLoaded(index: string): boolean {
    return this.#loaded.has(index);
  }

  /** The spec of an index with everything that it builds on. */
  expand(index: string): Expansion {
    let expansion = this.#expanded.get(index);
    if (expansion === undefined) {
      expansion = expandSpec(index, (name) => this.specOf(name));
      this.#expanded.set(index, expansion);
    }
    return expansion;
  }
}
