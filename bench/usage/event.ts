import type { RelayUsageEvent } from "../../mod.ts";

/** An event as the relay builds it. What varies from call to call varies with `turn`. */
export function eventOf(turn: number): RelayUsageEvent {
  return {
    kind: "relay_usage",
    timeUnixMs: 1_767_225_600_000 + turn,
    project: "acme",
    chain: "ETH1",
    apiInterface: "jsonrpc",
    apiMethod: "eth_getBalance",
    computeUnits: 20,
    latencyMs: turn & 0xff,
    success: true,
    cacheHit: false,
    isWrite: false,
    isArchive: false,
    isBatch: false,
    isDebugTrace: false,
    hedgeCount: 0,
    provider: "node-1",
    origin: "https://dapp.example",
    errorClass: "",
    attempts: 1,
  };
}
