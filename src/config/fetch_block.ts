import type { Clock } from "../domain/clock.ts";
import { askWithin } from "../providers/ask_within.ts";
import type { NodeQuestion } from "../providers/node_probe.ts";
import type { Candidate } from "../providers/selector.ts";
import { isWanted } from "../providers/serves_call.ts";
import type { SocketSelector } from "../providers/socket_selector.ts";
import type { GapFill } from "../relay/subscriptions/head_stream.ts";

/** Nodes that are asked for one block. */
const MAX_ASKED = 3;
/** Milliseconds for one node to answer. */
const TIMEOUT_MS = 5_000;

/** Asks for a block where a subscription is, then at the other URLs of that provider, then with others. */
export function createBlockFetch(question: NodeQuestion, sockets: SocketSelector, clock: Clock): GapFill["fetchBlock"] {
  return async (first, height, signal, steering) => {
    const nowMs = clock.monotonic();
    const others = sockets.nodes.providers.filter((provider) => isWanted(provider, steering)).flatMap((provider) =>
      provider.nodeUrls.filter(({ health }) => health.isAvailable(nowMs)).map((nodeUrl) => ({ provider, nodeUrl }))
    );
    const isOfFirst = ({ provider }: Candidate) => Number(provider.name === first.provider.name);
    others.sort((a, b) => isOfFirst(b) - isOfFirst(a) || Number(a.provider.isBackup) - Number(b.provider.isBackup));
    const fitting = [sockets.current(first) ?? [], ...others].flat().filter((candidate) => question.fits(candidate));
    for (const candidate of fitting.slice(0, MAX_ASKED)) {
      if (signal.aborted) return undefined;
      const { kind, text } = await askWithin(clock, question, candidate, TIMEOUT_MS, signal, height);
      if (kind === "value") return text;
    }
    return undefined;
  };
}
