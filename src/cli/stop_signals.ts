import type { ParentChannel } from "./processes/parent_channel.ts";

/** The first demand to stop, and the second, which insists. */
export interface StopSignals {
  readonly first: Promise<string>;
  readonly second: Promise<string>;
}

/**
 * Listens for SIGTERM and SIGINT from now on. A process with a parent takes its second demand from that alone: what asks
 * a whole group to stop asks the parent and all of its processes, and none of them is to take that for two.
 */
export function stopSignals(parent?: ParentChannel): StopSignals {
  const { promise: first, resolve: resolveFirst } = Promise.withResolvers<string>();
  const { promise: second, resolve: resolveSecond } = Promise.withResolvers<string>();
  let count = 0;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => {
      if (++count === 1) resolveFirst(signal);
      else if (parent === undefined) resolveSecond(signal);
    });
  }
  parent?.stop.then(() => resolveFirst("parent"));
  parent?.insist.then(() => resolveSecond("parent"));
  return { first, second };
}
