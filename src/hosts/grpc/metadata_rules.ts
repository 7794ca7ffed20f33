import type { RequestedBlock } from "../../domain/block.ts";
import type { HeaderRule } from "../../domain/chain_spec.ts";
import { fieldOf, type HeaderFields } from "../../domain/wire.ts";

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

/** The block that a call is about, where its metadata says so: Cosmos chains have it there. */
export function requestedBlock(fields: HeaderFields): RequestedBlock | undefined {
  const text = fieldOf(fields, "x-cosmos-block-height");
  // 0 is the latest, as is nothing.
  if (text === undefined || !/^[1-9]\d{0,14}$/.test(text)) return undefined;
  return { from: Number(text), to: Number(text) };
}
