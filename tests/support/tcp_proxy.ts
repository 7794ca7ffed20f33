/** Passes bytes to a server and back, until the test breaks the connections. */

/** A proxy that listens. */
export interface TcpProxy extends AsyncDisposable {
  readonly url: string;
  /** Connections that are open. */
  readonly connections: number;
  /** Breaks every connection, and takes no more until `resume`. */
  break(): void;
  resume(): void;
}

/** Starts a proxy on a free port before a server on loopback. */
export function startTcpProxy(targetUrl: string): TcpProxy {
  const { port: targetPort } = new URL(targetUrl);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.TcpConn>();
  let isBroken = false;
  const close = (connection: Deno.TcpConn) => {
    try {
      connection.close();
    } catch {
      // It is closed already.
    }
  };
  const pass = async (client: Deno.TcpConn) => {
    let server: Deno.TcpConn | undefined;
    try {
      server = await Deno.connect({ hostname: "127.0.0.1", port: Number(targetPort) });
      open.add(client).add(server);
      const [to, back] = [server, client];
      const ways = [client.readable.pipeTo(to.writable), server.readable.pipeTo(back.writable)];
      await Promise.race(ways.map((way) => way.catch(() => {})));
      for (const each of [client, server]) close(each);
      await Promise.allSettled(ways);
    } catch {
      // One of the two was not there.
    } finally {
      for (const each of [client, server]) {
        if (each === undefined) continue;
        open.delete(each);
        close(each);
      }
    }
  };
  const passing = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const client of listener) {
      if (isBroken) {
        close(client);
        continue;
      }
      const way = pass(client).finally(() => passing.delete(way));
      passing.add(way);
    }
  })();
  const breakAll = () => {
    for (const connection of open) close(connection);
  };
  return {
    url: `http://127.0.0.1:${listener.addr.port}`,
    get connections() {
      return open.size / 2;
    },
    break() {
      isBroken = true;
      breakAll();
    },
    resume: () => void (isBroken = false),
    async [Symbol.asyncDispose]() {
      listener.close();
      breakAll();
      await Promise.all([accepting, ...passing]);
    },
  };
}
