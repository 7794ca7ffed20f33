import { type Clock, systemClock } from "../../domain/clock.ts";
import type { Log } from "../../domain/log.ts";
import type { Listener, ListenerAddress, ListenerTls } from "../deno.ts";
import { close, HttpServer, type HttpServerDeps, type HttpServerOptions } from "./http_server.ts";

/** Milliseconds until connections are accepted again after that failed, as when there are no more files to be had. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;
/** What clients may ask for over TLS. */
const PROTOCOLS = ["http/1.1", "http/1.0"];

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
    : Deno.listenTls({ ...place, cert: tls.cert, key: tls.key, alpnProtocols: PROTOCOLS });
  const handshakes = new Handshakes(server);
  const take = (connection: Deno.TcpConn | Deno.TlsConn) => {
    if ("handshake" in connection) return void handshakes.take(connection);
    // An answer is one write, and should not wait for the acknowledgement of the one before.
    connection.setNoDelay(true);
    server.accept(connection, addressOf(connection));
  };
  const accepting = acceptAll(listener, take, tls === undefined ? undefined : () => server.room(), clock, log);
  const { hostname, port } = listener.addr as Deno.NetAddr;
  return {
    hostname,
    port,
    async shutdown() {
      accepting.stop();
      handshakes.stop();
      await Promise.all([accepting.ended, server.shutdown()]);
    },
  };
}

/**
 * Connections on which TLS is not spoken yet. The runtime keeps the socket of one that is closed in the middle of its
 * handshake until the client has gone. So that such sockets are bounded, none is closed before: each counts as a
 * connection, and beyond the limit none is accepted.
 */
class Handshakes {
  readonly #server: HttpServer;
  readonly #underWay = new Set<Deno.TlsConn>();

  constructor(server: HttpServer) {
    this.#server = server;
  }

  async take(connection: Deno.TlsConn): Promise<void> {
    this.#server.hold();
    this.#underWay.add(connection);
    const isDone = await connection.handshake().then(() => true, () => false);
    this.#underWay.delete(connection);
    this.#server.release();
    if (isDone) this.#server.accept(connection, addressOf(connection));
    else close(connection);
  }

  /** Waits for none any more. */
  stop(): void {
    for (const connection of this.#underWay) close(connection);
  }
}

function addressOf({ remoteAddr }: Deno.TcpConn | Deno.TlsConn): string {
  return (remoteAddr as Deno.NetAddr).hostname;
}

/** Hands on connections until it is told to stop. */
function acceptAll(
  listener: Deno.Listener<Deno.TcpConn | Deno.TlsConn>,
  take: (connection: Deno.TcpConn | Deno.TlsConn) => void,
  room: (() => Promise<void>) | undefined,
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
        if (room !== undefined) await room();
        if (isStopped) return;
        const connection = await listener.accept();
        pauseMs = 0;
        take(connection);
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
