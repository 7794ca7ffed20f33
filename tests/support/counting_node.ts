/** A node on a socket that counts whom it worked for: the project is the first parameter of each call. */
export interface CountingNode extends AsyncDisposable {
  readonly url: string;
  /** Calls by project. */
  readonly calls: ReadonlyMap<string, number>;
}

/** Starts a node that answers every call with the same result. */
export function startCountingNode(): CountingNode {
  const calls = new Map<string, number>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { id, params: [project] } = await request.json();
    calls.set(project, (calls.get(project) ?? 0) + 1);
    return Response.json({ jsonrpc: "2.0", id, result: "0x1" });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    calls,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
