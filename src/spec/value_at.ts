import type { BlockParsing } from "../domain/chain_spec.ts";

/**
 * The value that a parser of the chain spec finds in `data`: the params of a request, or what an answer holds, as the
 * one element of an array. Undefined when nothing stands there.
 */
export function valueAt({ parser_func: func, parser_arg: args }: BlockParsing, data: unknown): unknown {
  switch (func) {
    case "EMPTY":
      return undefined;
    case "DEFAULT":
      return args[0];
    case "PARSE_BY_ARG":
      return Array.isArray(data) ? data[Number(args[0])] : undefined;
    case "PARSE_CANONICAL":
      return canonical(args, data);
    case "PARSE_DICTIONARY":
      return inDictionary(args[0] ?? "", args[1] ?? "", data);
    case "PARSE_DICTIONARY_OR_ORDERED": {
      const found = inDictionary(args[0] ?? "", args[1] ?? "", data);
      return found === undefined && Array.isArray(data) ? data[Number(args[2])] : found;
    }
  }
}

/** Follows a path: a position of the params, and then keys. Named params have no positions: the keys start at them. */
function canonical([position, ...keys]: readonly string[], data: unknown): unknown {
  let value: unknown = Array.isArray(data) ? data[Number(position)] : data;
  for (const key of keys) value = memberOf(value, key);
  return value;
}

/** The value of a key in named params, in an object among the params, or in a text `key<separator>value` among them. */
function inDictionary(key: string, separator: string, data: unknown): unknown {
  if (!Array.isArray(data)) return memberOf(data, key);
  for (const element of data) {
    if (typeof element === "string" && separator !== "" && element.startsWith(key + separator)) {
      return element.slice(key.length + separator.length);
    }
    const member = memberOf(element, key);
    if (member !== undefined) return member;
  }
  return undefined;
}

/** A member of an object or an array that is its own: nothing that prototypes bring along. */
export function memberOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}
