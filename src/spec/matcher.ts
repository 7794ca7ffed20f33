import type { ApiInterface } from "../domain/api_interface.ts";
import { LATEST } from "../domain/block.ts";
import type { Api, ApiCollection, ChainSpec, Extension, HeaderRule } from "../domain/chain_spec.ts";
import type { ApiTarget } from "../domain/relay_request.ts";
import { pathParameters, PathTree } from "./path_tree.ts";
import { type BlockReader, compileBlockReader } from "./requested_block.ts";

/** Price of an API that the chain spec does not know, in compute units. */
export const DEFAULT_COMPUTE_UNITS = 20;

/** One API of a chain spec, compiled. */
export interface MatchedApi {
  /** The name in the spec; for one that it does not know, the called one. */
  readonly name: string;
  /** Whether the spec has it; its name for the bill is `Default-<name>` otherwise. */
  readonly isKnown: boolean;
  /** Price of one call without extensions. */
  readonly computeUnits: number;
  readonly addOn: string;
  /** Path below the node's URL; empty for the root. */
  readonly internalPath: string;
  readonly stateful: 0 | 1 | 2;
  readonly isHanging: boolean;
  readonly isSubscription: boolean;
  readonly isDeterministic: boolean;
  /** Milliseconds, 0 where the spec sets none. */
  readonly timeoutMs: number;
  /** What the API's collection knows, by name. */
  readonly extensions: ReadonlyMap<string, Extension>;
  readonly headerRules: readonly HeaderRule[];
  readonly block: BlockReader;
}

/** Finds the API of a call. */
export interface Matcher {
  /** The collections of the interface that are switched on. */
  readonly collections: readonly ApiCollection[];
  /** Add-ons and extensions that nodes of this chain and interface may serve. */
  readonly serviceNames: ReadonlySet<string>;
  /** The chain's internal path that a request's path ends with; empty for the root. */
  internalPathOf(path: string): string;
  /**
   * The API that is called at an internal path; one with the default price when the spec does not know it. Undefined
   * when the spec has no base collection for the verb there: such calls are not supported on the chain.
   */
  match(target: ApiTarget, internalPath: string): MatchedApi | undefined;
  /** The params that the API's block stands in. */
  paramsOf(target: ApiTarget, api: MatchedApi): unknown;
}

/**
 * Compiles the collections of one interface of an expanded chain spec.
 *
 * Undefined when the spec has no base collection for the interface: such calls are not supported on the chain.
 */
export function compileMatcher(spec: ChainSpec, apiInterface: ApiInterface): Matcher | undefined {
  const own = spec.api_collections.filter((collection) =>
    collection.enabled && collection.collection_data.api_interface === apiInterface
  );
  // What has no path comes first: an API of an internal path serves the root only where that is free.
  const collections = [...own.filter(isAtRoot), ...own.filter((collection) => !isAtRoot(collection))];
  if (!own.some((collection) => collection.collection_data.add_on === "")) return undefined;
  return apiInterface === "rest" ? new RestMatcher(collections) : new NameMatcher(collections);
}

function isAtRoot({ collection_data }: ApiCollection): boolean {
  return collection_data.internal_path === "";
}

/** What both kinds of matcher have. */
abstract class CollectionMatcher implements Matcher {
  readonly collections: readonly ApiCollection[];
  readonly serviceNames: ReadonlySet<string>;
  /** Longest first, so that the most specific one is found. */
  readonly #internalPaths: readonly string[];

  constructor(collections: readonly ApiCollection[]) {
    this.collections = collections;
    const services = new Set<string>();
    const paths = new Set<string>();
    for (const { collection_data: { add_on, internal_path }, extensions = [] } of collections) {
      if (add_on !== "") services.add(add_on);
      for (const { name } of extensions) services.add(name);
      if (internal_path.startsWith("/")) paths.add(internal_path);
    }
    this.serviceNames = services;
    this.#internalPaths = [...paths].sort((a, b) => b.length - a.length);
  }

  internalPathOf(path: string): string {
    if (this.#internalPaths.length === 0) return "";
    const trimmed = path.endsWith("/") ? path.slice(0, -1) : path;
    return this.#internalPaths.find((internal) => trimmed.endsWith(internal)) ?? "";
  }

  abstract match(target: ApiTarget, internalPath: string): MatchedApi | undefined;
  abstract paramsOf(target: ApiTarget, api: MatchedApi): unknown;
}

/** Finds methods by their names: JSON-RPC, Tendermint, gRPC. */
class NameMatcher extends CollectionMatcher {
  /** APIs by internal path and name. */
  readonly #apis = new Map<string, Map<string, MatchedApi>>();
  /** What an unknown API is, by internal path. */
  readonly #defaults = new Map<string, MatchedApi>();

  constructor(collections: readonly ApiCollection[]) {
    super(collections);
    for (const collection of collections) {
      const path = pathOf(collection);
      const compiled = compileCollection(collection);
      if (collection.collection_data.add_on === "") setOnce(this.#defaults, path, compiled.unknown);
      for (const api of compiled.apis) {
        setOnce(mapAt(this.#apis, path), api.name, api);
        setOnce(mapAt(this.#apis, ""), api.name, api);
      }
    }
    // A chain that has only internal paths is served at the root as well.
    const first = this.#defaults.values().next().value;
    if (first !== undefined) setOnce(this.#defaults, "", first);
  }

  match({ name }: ApiTarget, internalPath: string): MatchedApi | undefined {
    const known = this.#apis.get(internalPath)?.get(name);
    if (known !== undefined) return known;
    const unknown = this.#defaults.get(internalPath) ?? this.#defaults.get("");
    return unknown && { ...unknown, name };
  }

  paramsOf(target: ApiTarget): unknown {
    return target.params();
  }
}

/** Finds REST paths by verb and template. */
class RestMatcher extends CollectionMatcher {
  readonly #trees = new Map<string, PathTree<MatchedApi>>();
  readonly #defaults = new Map<string, MatchedApi>();

  constructor(collections: readonly ApiCollection[]) {
    super(collections);
    for (const collection of collections) {
      const verb = collection.collection_data.type;
      let tree = this.#trees.get(verb);
      if (tree === undefined) this.#trees.set(verb, tree = new PathTree());
      const compiled = compileCollection(collection);
      if (collection.collection_data.add_on === "") setOnce(this.#defaults, verb, compiled.unknown);
      for (const api of compiled.apis) tree.add(api.name, api);
    }
  }

  match({ name, verb }: ApiTarget, _internalPath: string): MatchedApi | undefined {
    const known = this.#trees.get(verb)?.find(name);
    if (known !== undefined) return known;
    const unknown = this.#defaults.get(verb);
    return unknown && { ...unknown, name };
  }

  paramsOf(target: ApiTarget, api: MatchedApi): unknown {
    const query = target.params();
    const parameters = pathParameters(api.name, target.name);
    return typeof query === "object" ? Object.assign(parameters, query, { ...parameters }) : parameters;
  }
}

/** The path that a collection's APIs live at. Names without a slash tell kinds of URL apart and are no paths. */
function pathOf({ collection_data: { internal_path: path } }: ApiCollection): string {
  return path.startsWith("/") ? path : "";
}

function compileCollection(collection: ApiCollection): { apis: MatchedApi[]; unknown: MatchedApi } {
  const extensions = new Map((collection.extensions ?? []).map((extension) => [extension.name, extension]));
  const shared = { addOn: collection.collection_data.add_on, internalPath: pathOf(collection), extensions };
  const headerRules = collection.headers ?? [];
  const apis = collection.apis.filter((api) => api.enabled).map((api: Api): MatchedApi => ({
    ...shared,
    name: api.name,
    isKnown: true,
    computeUnits: api.compute_units + (api.extra_compute_units ?? 0),
    stateful: api.category.stateful ?? 0,
    isHanging: api.category.hanging_api ?? false,
    isSubscription: api.category.subscription ?? false,
    isDeterministic: api.category.deterministic ?? false,
    timeoutMs: api.timeout_ms ?? 0,
    headerRules,
    block: compileBlockReader(api),
  }));
  const unknown: MatchedApi = {
    ...shared,
    name: "",
    isKnown: false,
    computeUnits: DEFAULT_COMPUTE_UNITS,
    stateful: 0,
    isHanging: false,
    isSubscription: false,
    isDeterministic: false,
    timeoutMs: 0,
    headerRules,
    block: { fixed: NEWEST, read: () => NEWEST },
  };
  return { apis, unknown };
}

const NEWEST = { from: LATEST, to: LATEST };

function mapAt<Value>(maps: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  let map = maps.get(key);
  if (map === undefined) maps.set(key, map = new Map());
  return map;
}

function setOnce<Value>(map: Map<string, Value>, key: string, value: Value): void {
  if (!map.has(key)) map.set(key, value);
}
