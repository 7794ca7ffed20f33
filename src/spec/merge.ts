import type { ApiCollection, HeaderRule, ParseDirective, Verification } from "../domain/chain_spec.ts";

/** What two parents say differently, and the child does not settle. */
export interface MergeConflict {
  /** Such as `api eth_call`. */
  readonly item: string;
}

/** Lists of a collection, and what tells two items of each apart. */
type Lists = Required<Pick<ApiCollection, "apis" | "headers" | "parse_directives" | "extensions" | "verifications">>;

/** The key of a directive: its tag, but for those of which a chain may have several. */
export function directiveKey({ function_tag: tag, api_name: name = "" }: ParseDirective): string {
  return tag === "SUBSCRIBE" || tag === "UNSUBSCRIBE" ? `${tag} ${name}` : tag;
}

/**
 * A collection with what its parents have and it has not.
 *
 * Lists are merged by the key of their items, and the child wins. An API that is disabled in a parent is not taken
 * over. What two parents say differently is a conflict, unless the child says it itself.
 */
export function mergeCollections(
  child: ApiCollection,
  parents: readonly ApiCollection[],
  conflicts: MergeConflict[],
): ApiCollection {
  if (parents.length === 0) return child;
  const list = <Name extends keyof Lists>(
    name: Name,
    keyOf: (item: Lists[Name][number]) => string,
    inherit: (own: Lists[Name][number], parent: Lists[Name][number]) => Lists[Name][number] = (own) => own,
  ): Lists[Name] => mergeList(name, child, parents, keyOf, inherit, conflicts);
  return {
    ...child,
    apis: list("apis", (api) => api.name),
    headers: list("headers", (header: HeaderRule) => header.name.toLowerCase()),
    parse_directives: list("parse_directives", directiveKey),
    extensions: list("extensions", (extension) => extension.name),
    verifications: list("verifications", (verification) => verification.name, inheritVerification),
  };
}

function mergeList<Name extends keyof Lists>(
  name: Name,
  child: ApiCollection,
  parents: readonly ApiCollection[],
  keyOf: (item: Lists[Name][number]) => string,
  inherit: (own: Lists[Name][number], parent: Lists[Name][number]) => Lists[Name][number],
  conflicts: MergeConflict[],
): Lists[Name] {
  type Item = Lists[Name][number];
  const itemsOf = (collection: ApiCollection) => (collection[name] ?? []) as readonly Item[];
  const merged = new Map<string, Item>(itemsOf(child).map((item) => [keyOf(item), item]));
  const own = new Set(merged.keys());
  for (const parent of parents) {
    for (const item of itemsOf(parent)) {
      if (name === "apis" && "enabled" in item && !item.enabled) continue;
      const key = keyOf(item);
      const present = merged.get(key);
      if (present === undefined) merged.set(key, item);
      else if (own.has(key)) merged.set(key, inherit(present, item));
      else if (!isSame(present, item)) conflicts.push({ item: `${ITEM_NAMES[name]} ${key}` });
    }
  }
  return [...merged.values()] as unknown as Lists[Name];
}

const ITEM_NAMES = {
  apis: "api",
  headers: "header",
  parse_directives: "directive",
  extensions: "extension",
  verifications: "verification",
} as const satisfies Record<keyof Lists, string>;

/** A child's verification: what it asks is the parent's when it does not say, and so are values for extensions that it leaves out. */
function inheritVerification(own: Verification, parent: Verification): Verification {
  const named = new Set(own.values.map(({ extension = "" }) => extension));
  const directive = own.parse_directive ?? parent.parse_directive;
  return {
    ...own,
    ...(directive !== undefined && { parse_directive: directive }),
    values: [...own.values, ...parent.values.filter(({ extension = "" }) => !named.has(extension))],
  };
}

/** Whether two values out of JSON are the same, whatever the order of their members. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const [keysOfA, keysOfB] = [Object.keys(a), Object.keys(b)];
  return keysOfA.length === keysOfB.length &&
    keysOfA.every((key) => Object.hasOwn(b, key) && isSame(Reflect.get(a, key), Reflect.get(b, key)));
}
