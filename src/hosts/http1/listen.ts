import { type Clock, systemClock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import type { Listener, ListenerAddress, ListenerTls } from "../deno.ts";
import { HttpServer, type HttpServerDeps, type HttpServerOptions } from "./http_server.ts";

/** Milliseconds until connections are accepted again after that failed, as when there are no more files to be had. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Serves a handler on one address by a server of our own: HTTP/1.1 over `Deno.listen`, and over TLS with that protocol
 * alone. Port 0 takes a free one. Throws when the address is taken, or the certificate can't be used.
 */
export function listenOwn(
  address: ListenerAddress,
  deps: Omit<HttpServerDeps, "clock"> & { readonly clock?: Clock },
  options: HttpServerOptions,
  tls?: ListenerTls,
): Listener {
  const { clock = systemClock, log } = deps;
  const server = new HttpServer({ ...deps, clock }, options);
  const place = { hostname: address.hostname, port: address.port, ...(address.reusePort && { reusePort: true }) };
  const listener = tls === undefined
    ? Deno.listen(place)
    : Deno.listenTls({ ...place, cert: tls.cert, key: tls.key, alpnProtocols: ["http/1.1"] });
  const accepting = acceptAll(listener, server, clock, log);
  const { hostname, port } = listener.addr as Deno.NetAddr;
  return {
    hostname,
    port,
    async shutdown() {
      accepting.stop();
      await Promise.all([accepting.ended, server.shutdown()]);
    },
  };
}

/** Hands on connections until it is told to stop. */
function acceptAll(
  listener: Deno.Listener<Deno.TcpConn | Deno.TlsConn>,
  server: HttpServer,
  clock: Clock,
  log: Log,
): { readonly ended: Promise<void>; stop(): void } {
  let isStopped = false;
  let wake = () => {};
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const cancelTimer = clock.schedule(ms, resolve);
      wake = () => {
        cancelTimer();
        resolve();
      };
    });
  const run = async () => {
    let pauseMs = 0;
    while (!isStopped) {
      try {
        const connection = await listener.accept();
        pauseMs = 0;
        // An answer is one write, and should not wait for the acknowledgement of the one before.
        if ("setNoDelay" in connection) connection.setNoDelay(true);
        server.accept(connection, (connection.remoteAddr as Deno.NetAddr).hostname);
      } catch (error) {
        if (isStopped) return;
        // A client that left while it was accepted, or no more files to be had, is no reason to stop.
        pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2 || FIRST_PAUSE_MS);
        log.warn("a connection could not be accepted", { error: String(error), pause_ms: pauseMs });
        await pause(pauseMs);
      }
    }
  };
  return {
    ended: run(),
    stop() {
      isStopped = true;
      listener.close();
      wake();
    },
  };
}
