import type { ApiInterface } from "../domain/api_interface.ts";
import type { ApiCollection, ChainSpec } from "../domain/chain_spec.ts";

/** Price of an API that the chain spec does not know, in compute units. */
export const DEFAULT_COMPUTE_UNITS = 20;

/** One API of a chain spec, compiled. */
export interface MatchedApi {
  /** The name in the spec, `Default-<name>` for one it does not know. */
  readonly name: string;
  /** Price of one call without extensions. */
  readonly computeUnits: number;
  readonly addOn: string;
  readonly stateful: 0 | 1 | 2;
  readonly isHanging: boolean;
  readonly isDeterministic: boolean;
  readonly isSubscription: boolean;
  /** Milliseconds, 0 where the spec sets none. */
  readonly timeoutMs: number;
  /** Factor on the price for each extension that the API's collection knows. */
  readonly multipliers: ReadonlyMap<string, number>;
}

/** Finds the API of a call. */
export interface Matcher {
  /** Add-ons and extensions that nodes of this chain and interface may serve. */
  readonly serviceNames: ReadonlySet<string>;
  /** The API of that name; one with the default price when the spec does not know it. */
  match(name: string): MatchedApi;
}

/**
 * Compiles the collections of one interface of a chain spec.
 *
 * Undefined when the spec has no base collection for the interface: such calls are not supported on the chain.
 */
export function compileMatcher(spec: ChainSpec, apiInterface: ApiInterface): Matcher | undefined {
  const own = spec.api_collections.filter((collection) =>
    collection.enabled && collection.collection_data.api_interface === apiInterface
  );
  const isRoot = ({ collection_data }: ApiCollection) => collection_data.internal_path === "";
  const base = own.find((collection) => isRoot(collection) && collection.collection_data.add_on === "");
  // What stands at the root comes first: an API of an internal path serves the root only where that is free.
  const collections = [...own.filter(isRoot), ...own.filter((collection) => !isRoot(collection))];
  if (base === undefined) return undefined;

  const serviceNames = new Set<string>();
  const byName = new Map<string, MatchedApi>();
  const multipliersOf = new Map<object, ReadonlyMap<string, number>>();
  for (const collection of collections) {
    const addOn = collection.collection_data.add_on;
    if (addOn !== "") serviceNames.add(addOn);
    const multipliers = new Map(collection.extensions?.map((e) => [e.name, e.cu_multiplier]));
    multipliersOf.set(collection, multipliers);
    for (const name of multipliers.keys()) serviceNames.add(name);
    for (const api of collection.apis) {
      if (!api.enabled || byName.has(api.name)) continue;
      byName.set(api.name, {
        name: api.name,
        computeUnits: api.compute_units + (api.extra_compute_units ?? 0),
        addOn,
        stateful: api.category.stateful ?? 0,
        isHanging: api.category.hanging_api ?? false,
        isDeterministic: api.category.deterministic ?? false,
        isSubscription: api.category.subscription ?? false,
        timeoutMs: api.timeout_ms ?? 0,
        multipliers,
      });
    }
  }

  const baseMultipliers = multipliersOf.get(base)!;
  return {
    serviceNames,
    match(name) {
      return byName.get(name) ?? {
        name: `Default-${name}`,
        computeUnits: DEFAULT_COMPUTE_UNITS,
        addOn: "",
        stateful: 0,
        isHanging: false,
        isDeterministic: false,
        isSubscription: false,
        timeoutMs: 0,
        multipliers: baseMultipliers,
      };
    },
  };
}
