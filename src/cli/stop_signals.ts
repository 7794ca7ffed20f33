/** The first signal that asks to stop, and the second, which insists. */
export function stopSignals(): { readonly first: Promise<string>; readonly second: Promise<void> } {
  const { promise: first, resolve: resolveFirst } = Promise.withResolvers<string>();
  const { promise: second, resolve: resolveSecond } = Promise.withResolvers<void>();
  let count = 0;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    Deno.addSignalListener(signal, () => ++count === 1 ? resolveFirst(signal) : resolveSecond());
  }
  return { first, second };
}
