import { assertEquals } from "@std/assert";
import { API_INTERFACES } from "../../src/domain/api_interface.ts";
import { expandSpec } from "../../src/spec/expand.ts";
import { compileMatcher } from "../../src/spec/matcher.ts";
import { referenceSpecs } from "../support/reference_specs.ts";

/** Chains, and how many APIs each interface has once everything is expanded: counted by a program of another language. */
const COUNTS: Readonly<Record<string, string>> = {
  ALFAJORES: "jsonrpc:65",
  APT1: "rest:25",
  ARBITRUM: "jsonrpc:85",
  ARBITRUMN: "jsonrpc:85",
  ARBITRUMS: "jsonrpc:85",
  AVALANCHEC: "jsonrpc:80",
  AVALANCHECT: "jsonrpc:80",
  AVALANCHEP: "jsonrpc:26",
  AVALANCHEPT: "jsonrpc:26",
  AVAX: "jsonrpc:99",
  AVAXT: "jsonrpc:99",
  AXELAR: "tendermintrpc:31 rest:263 grpc:216",
  AXELART: "tendermintrpc:31 rest:263 grpc:216",
  BASE: "jsonrpc:78",
  BASES: "jsonrpc:78",
  BCH: "jsonrpc:45",
  BCHT: "jsonrpc:45",
  BLAST: "jsonrpc:78",
  BLASTSP: "jsonrpc:78",
  BSC: "jsonrpc:78",
  BSCT: "jsonrpc:78",
  BTC: "jsonrpc:29",
  BTCT: "jsonrpc:29",
  CARDANO: "rest:111",
  CARDANOT: "rest:111",
  CASPER: "jsonrpc:20",
  CASPERT: "jsonrpc:20",
  CELO: "jsonrpc:65",
  COSMOSHUB: "tendermintrpc:31 rest:214 grpc:215",
  COSMOSHUBT: "tendermintrpc:31 rest:214 grpc:215",
  COSMOSSDK: "tendermintrpc:31 rest:163 grpc:163",
  COSMOSSDK50: "tendermintrpc:31 rest:176 grpc:177",
  COSMOSWASM: "rest:12 grpc:12",
  DOGE: "jsonrpc:29",
  DOGET: "jsonrpc:29",
  ETH1: "jsonrpc:78",
  ETHERMINT: "rest:19 grpc:19",
  EVMOS: "jsonrpc:71 tendermintrpc:31 rest:222 grpc:208",
  EVMOST: "jsonrpc:71 tendermintrpc:31 rest:222 grpc:208",
  FTM250: "jsonrpc:82",
  FTM4002: "jsonrpc:82",
  FUSE: "jsonrpc:78",
  FVM: "jsonrpc:233",
  FVMT: "jsonrpc:233",
  HEDERA: "jsonrpc:78",
  HEDERAT: "jsonrpc:78",
  HOL1: "jsonrpc:78",
  HYPERLIQUID: "jsonrpc:27",
  HYPERLIQUIDT: "jsonrpc:27",
  IBC: "rest:41 grpc:37",
  IOTA: "jsonrpc:77",
  IOTAT: "jsonrpc:77",
  LAVA: "tendermintrpc:31 rest:246 grpc:242",
  LTC: "jsonrpc:29",
  LTCT: "jsonrpc:29",
  MOVEMENT: "rest:26",
  MOVEMENTT: "rest:26",
  NEAR: "jsonrpc:20",
  NEART: "jsonrpc:20",
  OPTM: "jsonrpc:80",
  OPTMS: "jsonrpc:80",
  POLKADOTASSETHUB: "jsonrpc:102",
  POLKADOTASSETHUBT: "jsonrpc:102",
  POLYGON: "jsonrpc:94",
  POLYGONA: "jsonrpc:94",
  SEP1: "jsonrpc:78",
  SOLANA: "jsonrpc:70",
  SOLANAT: "jsonrpc:70",
  SONIC: "jsonrpc:78",
  SONICT: "jsonrpc:78",
  SPARK: "jsonrpc:78",
  STRGZ: "tendermintrpc:31 rest:205 grpc:201",
  STRGZT: "tendermintrpc:31 rest:205 grpc:201",
  STRK: "jsonrpc:142",
  STRKS: "jsonrpc:142",
  TENDERMINT: "tendermintrpc:31",
  TEZOS: "rest:212",
  TEZOST: "rest:212",
  TON: "rest:51",
  TONT: "rest:51",
  TRX: "rest:80",
  TRXT: "rest:80",
  WORLDCHAIN: "jsonrpc:78",
  WORLDCHAINS: "jsonrpc:78",
  XLM: "jsonrpc:12 rest:22",
  XLMT: "jsonrpc:12 rest:22",
  XRP: "jsonrpc:19",
  XRPT: "jsonrpc:19",
};

Deno.test("every spec of the ecosystem loads, expands and compiles, with as many APIs as it has", () => {
  const specs = referenceSpecs();
  if (specs === undefined) return;
  const counts: Record<string, string> = {};
  for (const index of [...specs.keys()].sort()) {
    const expansion = expandSpec(index, (name) => specs.get(name));
    if (expansion.kind === "failure") throw new Error(expansion.reasons.join("; "));
    counts[index] = API_INTERFACES.flatMap((apiInterface) => {
      const matcher = compileMatcher(expansion.spec, apiInterface);
      if (matcher === undefined) return [];
      const apis = matcher.collections.flatMap((collection) => collection.apis.filter(({ enabled }) => enabled));
      return [`${apiInterface}:${apis.length}`];
    }).sort((a, b) => ORDER.indexOf(a.split(":")[0]!) - ORDER.indexOf(b.split(":")[0]!)).join(" ");
  }
  assertEquals(counts, COUNTS);
});

const ORDER = ["jsonrpc", "tendermintrpc", "rest", "grpc"];
