import type { HeaderRule } from "../../domain/chain_spec.ts";
import type { HeaderFields } from "../../domain/wire.ts";

/** What shows a caller to whom it is meant for, which is hardly a provider. */
const CREDENTIALS: readonly string[] = ["authorization", "cookie", "proxy-authorization"];

/**
 * The metadata for the node: all of it, but for what the chain spec takes out or sets, and for credentials that it does
 * not let through.
 */
export function applyRules(fields: HeaderFields, rules: readonly HeaderRule[]): HeaderFields {
  const set: (readonly [string, string])[] = [];
  const dropped = new Set(CREDENTIALS);
  for (const { name, kind, value } of rules) {
    const lower = name.toLowerCase();
    if (kind === "pass_send" || kind === "pass_both") dropped.delete(lower);
    else if (kind !== "pass_reply") dropped.add(lower);
    if (kind === "pass_override") set.push([lower, value ?? ""]);
  }
  const kept = fields.filter(([name]) => !dropped.has(name));
  return set.length === 0 ? kept : [...kept, ...set];
}
