import type { RelayFlags } from "../../config/flags.ts";
import { systemClock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import type { Listener } from "../../hosts/deno.ts";
import type { UsageSinkResult } from "../create_usage_sink.ts";
import type { RunningEndpoint } from "./running.ts";

/** How long connections may take to close after the last request under way has been answered, milliseconds. */
const CONNECTION_GRACE_MS = 2_000;

/**
 * Takes requests for as long as those need who have to hear that the relay is not ready, then stops listening, lets
 * requests under way end, and sends on what the sink holds.
 */
export async function stop(
  running: readonly RunningEndpoint[],
  { sink, release }: Extract<UsageSinkResult, { kind: "sink" }>,
  flags: RelayFlags,
  others: readonly (Pick<Listener, "shutdown"> | undefined)[],
  qos: Disposable | undefined,
  log: Log,
): Promise<void> {
  await passed(flags["shutdown-delay"]);
  log.info("no new requests are taken");
  qos?.[Symbol.dispose]();
  const listeners = new Set(running.map(({ listener }) => listener));
  const closing = [...listeners].map((listener) => listener.shutdown());
  await Promise.all(running.map(({ relay }) => relay.close(flags["shutdown-grace"])));
  let cancelTimer = () => {};
  const timeUp = new Promise<void>((resolve) => cancelTimer = systemClock.schedule(CONNECTION_GRACE_MS, resolve));
  await Promise.race([Promise.all(closing), timeUp]);
  cancelTimer();
  await sink.close();
  await release();
  // The last, so that what became of the last events can still be seen; they are not waited for.
  for (const other of others) other?.shutdown().catch(() => {});
}

async function passed(ms: number): Promise<void> {
  if (ms > 0) await new Promise<void>((resolve) => systemClock.schedule(ms, resolve));
}
