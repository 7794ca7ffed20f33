import type { Clock } from "../domain/clock.ts";
import type { NodeQuestion, ProbeResult } from "./node_probe.ts";
import type { Candidate } from "./selector.ts";

/** Asks, and takes a node that does not answer in time as one that failed. */
export async function askWithin(
  clock: Clock,
  question: NodeQuestion,
  candidate: Candidate,
  timeoutMs: number,
  stop: AbortSignal,
  block?: number,
): Promise<ProbeResult> {
  const controller = new AbortController();
  const { promise: ended, resolve } = Promise.withResolvers<ProbeResult>();
  const end = () => {
    // First, as what a node comes to that is given up says nothing.
    resolve({ sample: { kind: "failed" }, kind: "unknown", text: "it did not answer in time" });
    controller.abort();
  };
  const cancelTimer = clock.schedule(timeoutMs + candidate.nodeUrl.extraTimeoutMs, end);
  stop.addEventListener("abort", end, { once: true });
  try {
    return await Promise.race([ended, question.ask(candidate, controller.signal, block)]);
  } finally {
    cancelTimer();
    stop.removeEventListener("abort", end);
  }
}
