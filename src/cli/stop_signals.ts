/** The first signal that asks to stop, and the second, which insists. */
export interface StopSignals {
  readonly first: Promise<Deno.Signal>;
  readonly second: Promise<Deno.Signal>;
}

/** Listens for them from now on. */
export function stopSignals(): StopSignals {
  const { promise: first, resolve: resolveFirst } = Promise.withResolvers<Deno.Signal>();
  const { promise: second, resolve: resolveSecond } = Promise.withResolvers<Deno.Signal>();
  let count = 0;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => ++count === 1 ? resolveFirst(signal) : resolveSecond(signal));
  }
  return { first, second };
}
