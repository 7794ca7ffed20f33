import type { Clock } from "../domain/clock.ts";
import { Connection } from "./connection.ts";
import { resolveLimits } from "./limits.ts";
import type {
  ConnectResult,
  Fields,
  Http2Client,
  Http2ClientOptions,
  Http2Server,
  Http2ServerOptions,
  Http2Wire,
} from "./port.ts";

/** Options of {@linkcode createDenoWire}. */
export interface DenoWireOptions {
  /** What a server answers to a request whose header list is too large; else it is status 431. */
  readonly headTooLarge?: Fields;
}

/** HTTP/2 with its frames written by hand, over `Deno.listen` and `Deno.connect`. */
export function createDenoWire(clock: Clock, options: DenoWireOptions = {}): Http2Wire {
  return {
    listen: (server) => Promise.resolve(new DenoServer(clock, server, options)),
    connect: (client) => connect(clock, client),
  };
}

class DenoServer implements Http2Server {
  readonly hostname: string;
  readonly port: number;
  readonly #listener: Deno.Listener<Deno.TcpConn | Deno.TlsConn>;
  readonly #connections = new Set<Connection>();
  #idle: PromiseWithResolvers<void> | undefined;
  #isDraining = false;

  constructor(clock: Clock, options: Http2ServerOptions, { headTooLarge }: DenoWireOptions) {
    const { hostname, port, tls, reusePort = false } = options;
    const address = { hostname, port, ...(reusePort && { reusePort }) };
    this.#listener = tls === undefined
      ? Deno.listen(address)
      : Deno.listenTls({ ...address, cert: tls.certPem, key: tls.keyPem, alpnProtocols: ["h2"] });
    const addr = this.#listener.addr as Deno.NetAddr;
    this.hostname = addr.hostname;
    this.port = addr.port;
    this.#accept(clock, options, headTooLarge);
  }

  get openConnections(): number {
    return this.#connections.size;
  }

  get openStreams(): number {
    let count = 0;
    for (const connection of this.#connections) count += connection.openStreams;
    return count;
  }

  async drain(): Promise<void> {
    this.#stopListening();
    for (const connection of [...this.#connections]) connection.drain();
    await this.#allClosed();
  }

  async close(): Promise<void> {
    this.#stopListening();
    for (const connection of [...this.#connections]) connection.close();
    await this.#allClosed();
  }

  async #accept(clock: Clock, options: Http2ServerOptions, headTooLarge: Fields | undefined): Promise<void> {
    const limits = resolveLimits(options);
    for (;;) {
      let conn: Deno.TcpConn | Deno.TlsConn;
      try {
        conn = await this.#listener.accept();
      } catch (error) {
        if (this.#isDraining) return;
        // Out of file descriptors, or a client that left at once: neither is a reason to stop.
        if (error instanceof Deno.errors.BadResource) return;
        await new Promise<void>((resolve) => clock.schedule(100, resolve));
        continue;
      }
      const peerAddress = (conn.remoteAddr as Deno.NetAddr).hostname;
      if ("setNoDelay" in conn) conn.setNoDelay(true);
      const connection: Connection = new Connection(conn, true, limits, {
        clock,
        ...(headTooLarge && { headTooLarge }),
        onStream: (stream, fields, isEnd) => options.onStream({ stream, fields, isEnd, peerAddress }),
        onClosed: () => {
          this.#connections.delete(connection);
          if (this.#connections.size === 0) this.#idle?.resolve();
        },
      });
      this.#connections.add(connection);
    }
  }

  #stopListening(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#listener.close();
  }

  async #allClosed(): Promise<void> {
    if (this.#connections.size === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }
}

async function connect(clock: Clock, options: Http2ClientOptions): Promise<ConnectResult> {
  let conn: Deno.TcpConn | Deno.TlsConn;
  try {
    conn = await open(options);
  } catch (error) {
    return { kind: "failure", reason: reasonOf(error) };
  }
  const ending = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const connection = new Connection(conn, false, resolveLimits(options), {
    clock,
    onEnding: () => ending.resolve(),
    onClosed: () => closed.resolve(),
  });
  const onAbort = () => connection.close();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  if (options.signal?.aborted) connection.close();
  const isReady = await connection.ready;
  options.signal?.removeEventListener("abort", onAbort);
  if (!isReady) return { kind: "failure", reason: "it closed the connection before it had said its SETTINGS" };
  const client: Http2Client = {
    get canRequest() {
      return connection.canRequest;
    },
    get openStreams() {
      return connection.openStreams;
    },
    request: (fields, isEnd, events) => connection.request(fields, isEnd, events),
    ending: ending.promise,
    closed: closed.promise,
    async drain() {
      connection.drain();
      await closed.promise;
    },
    close: () => connection.close(),
  };
  return { kind: "connected", client };
}

/** Connects, and gives up when the signal says so; a connection that comes too late is closed. */
async function open(options: Http2ClientOptions): Promise<Deno.TcpConn | Deno.TlsConn> {
  const { hostname, port, tls, signal } = options;
  signal?.throwIfAborted();
  const opening = tls === undefined ? Deno.connect({ hostname, port }) : openTls(hostname, port, tls);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => {
    reject(new Error("given up"));
    opening.then((conn) => conn.close(), () => {});
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const conn = await Promise.race([opening, aborted]);
    if ("setNoDelay" in conn) conn.setNoDelay(true);
    return conn;
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

async function openTls(
  hostname: string,
  port: number,
  { caPem, certPem, keyPem }: NonNullable<Http2ClientOptions["tls"]>,
): Promise<Deno.TlsConn> {
  const identity = certPem !== undefined && keyPem !== undefined ? { cert: certPem, key: keyPem } : {};
  const conn = await Deno.connectTls({
    hostname,
    port,
    alpnProtocols: ["h2"],
    ...(caPem !== undefined && { caCerts: [caPem] }),
    ...identity,
  });
  try {
    const { alpnProtocol } = await conn.handshake();
    if (alpnProtocol === "h2") return conn;
  } catch (error) {
    conn.close();
    throw error;
  }
  conn.close();
  throw new Error("ALPN");
}

/** Words for a failure. What the runtime says may hold an address, so that only known parts of it are let through. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/refused|ECONNREFUSED/i, "connection refused"],
  [/ENOTFOUND|EAI_AGAIN|failed to lookup|dns error/i, "its name could not be resolved"],
  [/ALPN|NoApplicationProtocol/i, "it does not speak HTTP/2 over TLS (ALPN)"],
  [/certificate|UnknownIssuer|InvalidCertificate|tls|ssl|handshake/i, "TLS could not be established"],
  [/given up|abort|timed out|ETIMEDOUT/i, "it did not answer in time"],
];

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? `${error.name} ${error.message}` : "";
  for (const [pattern, reason] of REASONS) if (pattern.test(text)) return reason;
  return "could not connect";
}
