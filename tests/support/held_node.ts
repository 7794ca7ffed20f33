/** A node over HTTP that answers when it is told to. */
export interface HeldNode extends AsyncDisposable {
  readonly url: string;
  /** Comes back when `count` calls have come in all. */
  untilAsked(count: number): Promise<void>;
  /** Answers the calls that wait, and all that come, at once. */
  release(): void;
  /** Holds what comes from now on. */
  hold(): void;
}

/** Starts one that answers at once. */
export function startHeldNode(result: unknown = "0x1"): HeldNode {
  let gate: PromiseWithResolvers<void> | undefined;
  let asked = 0;
  let onAsked = () => {};
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { id } = await request.json();
    asked++;
    onAsked();
    await gate?.promise;
    return Response.json({ jsonrpc: "2.0", id, result });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    untilAsked: (count) =>
      new Promise((resolve) => {
        onAsked = () => {
          if (asked >= count) resolve();
        };
        onAsked();
      }),
    release: () => gate?.resolve(),
    hold: () => gate = Promise.withResolvers<void>(),
    async [Symbol.asyncDispose]() {
      gate?.resolve();
      await server.shutdown();
    },
  };
}
