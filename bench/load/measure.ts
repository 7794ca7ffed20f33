import type { Peer } from "./peers.ts";
import { cpuSeconds, forgetPeak, peakMib } from "./process.ts";
import { runWrk, type WrkOptions } from "./wrk.ts";

/** What was measured of a peer: medians over the rounds; the memory is the most of all of them. */
export interface Figures {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the peer's process for a request, microseconds. */
  readonly cpuUs: number;
  readonly peakMib: number;
}

/**
 * Calls the peers in turn, in each of the rounds. Those that cool down while the others are called are called for
 * `warmUpSeconds` before what counts: what is wanted is what they cost under a steady load.
 */
export async function measure<P extends Peer>(
  peers: readonly P[],
  rounds: number,
  load: WrkOptions,
  warmUpSeconds: number,
): Promise<Map<P, Figures>> {
  const samples = new Map(peers.map((peer) => [peer, [] as Omit<Figures, "peakMib">[]]));
  for (const { pid } of peers) forgetPeak(pid);
  for (let round = 0; round < rounds; round++) {
    for (const [peer, list] of samples) {
      if (peer.coolsDown && warmUpSeconds > 0) await runWrk(peer.url, { ...load, seconds: warmUpSeconds });
      const before = cpuSeconds(peer.pid);
      const { requests, perSecond, p50Ms, p99Ms } = await runWrk(peer.url, load);
      list.push({ perSecond, p50Ms, p99Ms, cpuUs: (cpuSeconds(peer.pid) - before) / requests * 1e6 });
    }
  }
  return new Map(peers.map((peer) => {
    const of = (key: keyof Omit<Figures, "peakMib">) => median(samples.get(peer)!.map((sample) => sample[key]));
    const figures = { perSecond: of("perSecond"), p50Ms: of("p50Ms"), p99Ms: of("p99Ms"), cpuUs: of("cpuUs") };
    return [peer, { ...figures, peakMib: peakMib(peer.pid) }];
  }));
}

/** The one in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}
