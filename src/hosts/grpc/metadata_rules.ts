import type { RequestedBlock } from "../../domain/block.ts";
import type { HeaderRule } from "../../domain/chain_spec.ts";
import { fieldOf, type HeaderFields } from "../../domain/wire.ts";

/** The metadata for the node, as the chain spec wants it: all of it, but for what it names otherwise. */
export function applyRules(fields: HeaderFields, rules: readonly HeaderRule[]): HeaderFields {
  if (rules.length === 0) return fields;
  const set: (readonly [string, string])[] = [];
  const dropped = new Set<string>();
  for (const { name, kind, value } of rules) {
    if (kind !== "pass_ignore" && kind !== "pass_override") continue;
    dropped.add(name.toLowerCase());
    if (kind === "pass_override") set.push([name.toLowerCase(), value ?? ""]);
  }
  return dropped.size === 0 ? fields : [...fields.filter(([name]) => !dropped.has(name)), ...set];
}

/** The block that a call is about, where its metadata says so: Cosmos chains have it there. */
export function requestedBlock(fields: HeaderFields): RequestedBlock | undefined {
  const text = fieldOf(fields, "x-cosmos-block-height");
  // 0 is the latest, as is nothing.
  if (text === undefined || !/^[1-9]\d{0,14}$/.test(text)) return undefined;
  return { from: Number(text), to: Number(text) };
}
