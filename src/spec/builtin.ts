import type { ChainSpec } from "../domain/chain_spec.ts";
import arbitrum from "./builtin/arbitrum.json" with { type: "json" };
import avalanche from "./builtin/avalanche.json" with { type: "json" };
import base from "./builtin/base.json" with { type: "json" };
import bitcoin from "./builtin/bitcoin.json" with { type: "json" };
import bitcoincash from "./builtin/bitcoincash.json" with { type: "json" };
import bsc from "./builtin/bsc.json" with { type: "json" };
import cosmoshub from "./builtin/cosmoshub.json" with { type: "json" };
import cosmossdk from "./builtin/cosmossdk.json" with { type: "json" };
import cosmwasm from "./builtin/cosmwasm.json" with { type: "json" };
import dogecoin from "./builtin/dogecoin.json" with { type: "json" };
import ethereum from "./builtin/ethereum.json" with { type: "json" };
import ibc from "./builtin/ibc.json" with { type: "json" };
import lava from "./builtin/lava.json" with { type: "json" };
import litecoin from "./builtin/litecoin.json" with { type: "json" };
import near from "./builtin/near.json" with { type: "json" };
import optimism from "./builtin/optimism.json" with { type: "json" };
import polygon from "./builtin/polygon.json" with { type: "json" };
import solana from "./builtin/solana.json" with { type: "json" };
import tendermint from "./builtin/tendermint.json" with { type: "json" };
import { readSpecFile } from "./spec_schema.ts";

const FILES: readonly { readonly proposal: { readonly specs: readonly { readonly index: string }[] } }[] = [
  arbitrum,
  avalanche,
  base,
  bitcoin,
  bitcoincash,
  bsc,
  cosmoshub,
  cosmossdk,
  cosmwasm,
  dogecoin,
  ethereum,
  ibc,
  lava,
  litecoin,
  near,
  optimism,
  polygon,
  solana,
  tendermint,
];

/** The file that each spec stands in. */
const FILE_OF = new Map(FILES.flatMap((file) => file.proposal.specs.map(({ index }) => [index, file] as const)));

/** Specs that have been read: a file is when the first spec of it is asked for. */
const READ = new Map<string, ChainSpec>();

/** The chain spec of that index that ships with the relay, if there is one; not expanded. */
export function builtinSpec(index: string): ChainSpec | undefined {
  const file = FILE_OF.get(index);
  if (file === undefined || READ.has(index)) return READ.get(index);
  const read = readSpecFile(file);
  if (read.kind === "mistakes") throw new Error(`a built-in spec is broken: ${JSON.stringify(read.mistakes)}`);
  for (const spec of read.specs) READ.set(spec.index, spec);
  return READ.get(index);
}

/** Indexes of all chain specs that ship with the relay. */
export function builtinIndexes(): readonly string[] {
  return [...FILE_OF.keys()];
}
