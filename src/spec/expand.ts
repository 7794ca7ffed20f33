import type { ApiCollection, ChainSpec, CollectionData } from "../domain/chain_spec.ts";
import { mergeCollections, type MergeConflict } from "./merge.ts";

/** A spec whose collections hold everything that they build on, or every reason why that can't be. */
export type Expansion =
  | { readonly kind: "spec"; readonly spec: ChainSpec }
  | { readonly kind: "failure"; readonly reasons: readonly string[] };

/**
 * Expands a spec: takes in what its imports and its collections build on.
 *
 * Imports come first, depth first, and bring their enabled collections. Then each collection, in the order of the spec,
 * takes in those of the same spec that it inherits from, enabled or not, and after that the parents' of the same identity.
 * So a collection also gets what a base above it has from the parents: a base that is switched off may hand an imported
 * chain's APIs on to an internal path. Parents' collections that the spec has no counterpart of are merged among
 * themselves and stand at the end.
 */
export function expandSpec(index: string, specOf: (index: string) => ChainSpec | undefined): Expansion {
  const reasons: string[] = [];
  const spec = new Expander(specOf, reasons).expand(index, []);
  return spec === undefined || reasons.length > 0
    ? { kind: "failure", reasons: [...new Set(reasons)] }
    : { kind: "spec", spec };
}

class Expander {
  readonly #specOf: (index: string) => ChainSpec | undefined;
  readonly #reasons: string[];
  /** What has been expanded: specs that many import are expanded once. */
  readonly #done = new Map<string, ChainSpec | undefined>();

  constructor(specOf: (index: string) => ChainSpec | undefined, reasons: string[]) {
    this.#specOf = specOf;
    this.#reasons = reasons;
  }

  expand(index: string, trail: readonly string[]): ChainSpec | undefined {
    if (trail.includes(index)) {
      const cycle = [...trail.slice(trail.indexOf(index)), index].join(" -> ");
      this.#reasons.push(`imports form a cycle: ${cycle}; take one of them out`);
      return undefined;
    }
    if (this.#done.has(index)) return this.#done.get(index);
    const spec = this.#specOf(index);
    if (spec === undefined) {
      const importer = trail.at(-1);
      this.#reasons.push(
        importer === undefined
          ? `there is no chain spec ${index}`
          : `${importer} imports ${index}, which is not there; load it as well`,
      );
      return undefined;
    }
    const parents = (spec.imports ?? []).flatMap((name) => this.expand(name, [...trail, index]) ?? []);
    const expanded = this.#combine(spec, parents);
    this.#done.set(index, expanded);
    return expanded;
  }

  #combine(spec: ChainSpec, parents: readonly ChainSpec[]): ChainSpec {
    const inherited = new Map<string, ApiCollection[]>();
    for (const collection of parents.flatMap((parent) => parent.api_collections)) {
      if (!collection.enabled) continue;
      const key = collectionKey(collection.collection_data);
      const others = inherited.get(key);
      if (others === undefined) inherited.set(key, [collection]);
      else others.push(collection);
    }
    const own = this.#inherit(spec, inherited);
    const rest = [...inherited.values()].map((others) => this.#merge(spec, emptyLike(others[0]!), others));
    return { ...spec, api_collections: [...own, ...rest] };
  }

  /** The collections of a spec with what they inherit: from others of the same spec, then from the parents', which are used up. */
  #inherit(spec: ChainSpec, inherited: Map<string, ApiCollection[]>): readonly ApiCollection[] {
    const byKey = new Map(spec.api_collections.map((each) => [collectionKey(each.collection_data), each]));
    const done = new Map<string, ApiCollection>();
    const visit = (key: string, trail: readonly string[]): ApiCollection | undefined => {
      if (trail.includes(key)) {
        const cycle = [...trail.slice(trail.indexOf(key)), key].join(" -> ");
        this.#reasons.push(`${spec.index}: inheritance_apis form a cycle: ${cycle}; take one of them out`);
        return undefined;
      }
      const finished = done.get(key);
      if (finished !== undefined) return finished;
      const collection = byKey.get(key);
      if (collection === undefined) {
        this.#reasons.push(`${spec.index}: ${trail.at(-1)} inherits from ${key}, which the spec does not have`);
        return undefined;
      }
      const bases = (collection.inheritance_apis ?? [])
        .flatMap((data) => visit(collectionKey(data), [...trail, key]) ?? []);
      const merged = this.#merge(spec, collection, bases);
      done.set(key, merged);
      return merged;
    };
    return spec.api_collections.map((collection) => {
      const key = collectionKey(collection.collection_data);
      const merged = this.#merge(spec, visit(key, []) ?? collection, inherited.get(key) ?? []);
      inherited.delete(key);
      done.set(key, merged);
      return merged;
    });
  }

  #merge(spec: ChainSpec, child: ApiCollection, parents: readonly ApiCollection[]): ApiCollection {
    const conflicts: MergeConflict[] = [];
    const merged = mergeCollections(child, parents, conflicts);
    for (const { item } of conflicts) {
      const where = collectionKey(child.collection_data);
      this.#reasons.push(
        `${spec.index}: ${where}: ${item} comes from two parents that differ; set it in ${spec.index}`,
      );
    }
    return merged;
  }
}

/** A collection that takes everything from its parents. */
function emptyLike({ collection_data }: ApiCollection): ApiCollection {
  return { enabled: true, collection_data, apis: [] };
}

/** The identity of a collection, in words: `rest GET`, `jsonrpc POST /C/rpc add-on debug`. */
export function collectionKey(data: CollectionData): string {
  const { api_interface: name, type, internal_path: path, add_on: addOn } = data;
  return [name, type, path, addOn === "" ? "" : `add-on ${addOn}`].filter((part) => part !== "").join(" ");
}
