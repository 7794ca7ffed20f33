import type { HeaderRule } from "../domain/chain_spec.ts";
import type { HeaderFields, NodeRequest } from "../domain/wire.ts";
import { type HeaderSource, STEERING_HEADERS } from "./request_headers.ts";

/** Header fields that belong to one connection, frame its messages, or are a secret of the caller: no spec moves them. */
const NEVER: ReadonlySet<string> = new Set([
  ...STEERING_HEADERS,
  ...["connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "expect"],
  ...["host", "content-length", "content-encoding", "accept-encoding", "x-forwarded-for", "forwarded"],
  ...["cookie", "set-cookie", "authorization", "proxy-authorization", "proxy-authenticate"],
]);

/** Longest value that is passed on, either way. */
const MAX_VALUE_CHARS = 8_192;

/** The header rules of a collection, compiled. */
interface Compiled {
  /** Names that the caller's values are sent of. */
  readonly sent: readonly string[];
  /** Fields with the spec's own values. */
  readonly overridden: HeaderFields;
  /** Names that the node's values come back of. */
  readonly returned: ReadonlySet<string>;
}

const compiledRules = new WeakMap<readonly HeaderRule[], Compiled>();

function compile(rules: readonly HeaderRule[]): Compiled {
  let compiled = compiledRules.get(rules);
  if (compiled !== undefined) return compiled;
  const namesOf = (...kinds: readonly HeaderRule["kind"][]) => {
    const names = rules.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name.toLowerCase());
    return [...new Set(names)].filter((name) => !NEVER.has(name));
  };
  const overridden = rules.filter(({ kind }) => kind === "pass_override")
    .map(({ name, value = "" }) => [name.toLowerCase(), value] as const);
  const replaced = new Set(overridden.map(([name]) => name));
  compiled = {
    sent: namesOf("pass_send", "pass_both").filter((name) => !replaced.has(name)),
    overridden,
    // Of the content's type the protocol's codec has taken care.
    returned: new Set(namesOf("pass_reply", "pass_both").filter((name) => name !== "content-type")),
  };
  compiledRules.set(rules, compiled);
  return compiled;
}

/**
 * The request for a node: the protocol's own, with those of the caller's headers that the chain spec lets through, and
 * the values that the spec sets. Everything else that the caller sent stays here.
 */
export function withSpecHeaders(
  request: NodeRequest,
  rules: readonly HeaderRule[],
  headers: HeaderSource,
): NodeRequest {
  if (rules.length === 0) return request;
  const { sent, overridden } = compile(rules);
  const added: (readonly [string, string])[] = [];
  for (const name of sent) {
    const value = headers.get(name);
    if (value !== null && value.length <= MAX_VALUE_CHARS) added.push([name, value]);
  }
  if (added.length === 0 && overridden.length === 0) return request;
  added.push(...overridden);
  const replaced = new Set(added.map(([name]) => name));
  return { ...request, headers: [...request.headers.filter(([name]) => !replaced.has(name)), ...added] };
}

/** Those of a node's reply headers that the chain spec lets through to the caller. */
export function returnedHeaders(replyHeaders: HeaderFields, rules: readonly HeaderRule[]): HeaderFields {
  if (rules.length === 0 || replyHeaders.length === 0) return NONE;
  const { returned } = compile(rules);
  if (returned.size === 0) return NONE;
  return replyHeaders.filter(([name, value]) => returned.has(name) && value.length <= MAX_VALUE_CHARS);
}

const NONE: HeaderFields = [];
