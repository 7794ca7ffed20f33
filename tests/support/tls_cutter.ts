/**
 * Has `ask` ask a node over TLS that sends its answer in two parts; with `isCut` somebody between lets the first of them
 * pass alone, and ends the connection. Comes back with what `ask` comes back with.
 */
export async function askOverTls(
  parts: readonly [string, string],
  isCut: boolean,
  { cert, key }: { readonly cert: string; readonly key: string },
  ask: (port: number) => Promise<string>,
): Promise<string> {
  const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  const between = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const passed = Promise.withResolvers<void>();
  let isAnswering = false;
  const node = async () => {
    const connection = await listener.accept();
    try {
      await connection.read(new Uint8Array(10_000));
      isAnswering = true;
      await connection.write(new TextEncoder().encode(parts[0]));
      await passed.promise;
      await connection.write(new TextEncoder().encode(parts[1]));
      // Says within the protocol that it is the end.
      await connection.closeWrite();
    } catch {
      // It was cut off.
    }
    return connection;
  };
  const pass = async () => {
    const client = await between.accept();
    const upstream = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    const up = client.readable.pipeTo(upstream.writable).catch(() => {});
    const writer = client.writable.getWriter();
    try {
      for await (const chunk of upstream.readable) {
        const isFirst = isAnswering;
        await writer.write(chunk);
        if (isFirst && isCut) break;
        if (isFirst) passed.resolve();
      }
      await writer.close();
    } catch {
      // The client was faster.
    }
    passed.resolve();
    return up;
  };
  const [serving, passing] = [node(), pass()];
  const outcome = await ask(between.addr.port);
  (await serving).close();
  await passing;
  listener.close();
  between.close();
  return outcome;
}
