import type { ChainSpec } from "../domain/chain_spec.ts";
import eth1 from "./builtin/eth1.json" with { type: "json" };

const SPECS: ReadonlyMap<string, ChainSpec> = new Map(
  (eth1.proposal.specs as ChainSpec[]).map((spec) => [spec.index, spec]),
);

/** The chain spec of that index that ships with the relay, if there is one. */
export function builtinSpec(index: string): ChainSpec | undefined {
  return SPECS.get(index);
}

/** Indexes of all chain specs that ship with the relay. */
export function builtinIndexes(): readonly string[] {
  return [...SPECS.keys()];
}
