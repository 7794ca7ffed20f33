import http2 from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { ERROR_CODE } from "./error_code.ts";
import { resolveLimits } from "./limits.ts";
import { NodeStream, toFields, toHeaders } from "./node_stream.ts";
import type {
  ConnectResult,
  Http2Client,
  Http2ClientOptions,
  Http2Limits,
  Http2Server,
  Http2ServerOptions,
  Http2Wire,
} from "./port.ts";

/**
 * HTTP/2 by `node:http2`: works on Node too, and is slower. What it lacks of the other: a header list that is too large
 * ends its stream by a reset, and floods are met by what the runtime has against them.
 */
export function createNodeWire(): Http2Wire {
  return { listen, connect };
}

function settingsOf(limits: Required<Http2Limits>, isServer: boolean): http2.Settings {
  return {
    initialWindowSize: limits.streamWindowBytes,
    maxHeaderListSize: limits.maxHeaderListBytes,
    ...(isServer ? { maxConcurrentStreams: limits.maxStreams } : { enablePush: false }),
  };
}

async function listen(options: Http2ServerOptions): Promise<Http2Server> {
  const limits = resolveLimits(options);
  const settings = settingsOf(limits, true);
  const server = options.tls === undefined ? http2.createServer({ settings }) : http2.createSecureServer({
    settings,
    cert: options.tls.certPem,
    key: options.tls.keyPem,
    ALPNProtocols: ["h2"],
    allowHTTP1: false,
  });
  const sessions = new Set<http2.ServerHttp2Session>();
  const streams = new Set<NodeStream>();
  let isDraining = false;
  let closed: Promise<void> | undefined;

  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", () => {});
    if (isDraining) session.destroy();
  });
  server.on("sessionError", () => {});
  const onStream = (
    raw: http2.ServerHttp2Stream,
    headers: http2.IncomingHttpHeaders,
    flags: number,
    rawHeaders?: readonly string[],
  ) => {
    const stream = new NodeStream(raw, true, limits.streamWindowBytes);
    streams.add(stream);
    raw.on("close", () => streams.delete(stream));
    const isEnd = (flags & 1) !== 0;
    const socket: Socket | undefined = raw.session?.socket;
    stream.start(options.onStream({
      stream,
      fields: toFields(rawHeaders ?? headers),
      isEnd,
      peerAddress: socket?.remoteAddress ?? "",
    }));
  };
  server.on("stream", onStream);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.hostname, resolve);
  });
  server.on("error", () => {});
  const { address, port } = server.address() as AddressInfo;
  const stop = () => closed ??= new Promise((resolve) => server.close(() => resolve()));
  return {
    hostname: address,
    port,
    get openStreams() {
      return streams.size;
    },
    get openConnections() {
      return sessions.size;
    },
    async drain() {
      isDraining = true;
      const stopped = stop();
      for (const session of sessions) session.close();
      await stopped;
    },
    async close() {
      isDraining = true;
      const stopped = stop();
      for (const session of sessions) session.destroy();
      await stopped;
    },
  };
}

/** Words for a failure to connect, by the runtime's codes. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "its name could not be resolved",
  EAI_AGAIN: "its name could not be resolved",
  ABORT_ERR: "it did not answer in time",
  ETIMEDOUT: "it did not answer in time",
};

async function connect(options: Http2ClientOptions): Promise<ConnectResult> {
  const { hostname, port, tls, signal } = options;
  const limits = resolveLimits(options);
  const authority = `${tls === undefined ? "http" : "https"}://${hostname.includes(":") ? `[${hostname}]` : hostname}`;
  const session = http2.connect(`${authority}:${port}`, {
    settings: settingsOf(limits, false),
    ...(tls?.caPem !== undefined && { ca: tls.caPem }),
    ...(tls?.certPem !== undefined && { cert: tls.certPem }),
    ...(tls?.keyPem !== undefined && { key: tls.keyPem }),
    ALPNProtocols: ["h2"],
  });
  let error: { readonly code?: string } = {};
  session.on("error", (cause: { readonly code?: string }) => error = cause);
  const onAbort = () => {
    error = { code: "ABORT_ERR" };
    session.destroy();
  };
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted) onAbort();
  const isReady = await new Promise<boolean>((resolve) => {
    session.once("remoteSettings", () => resolve(true));
    session.once("close", () => resolve(false));
  });
  signal?.removeEventListener("abort", onAbort);
  if (isReady) return { kind: "connected", client: new NodeClient(session, limits) };
  const reason = REASONS[error.code ?? ""] ??
    (tls === undefined ? "could not connect" : "TLS could not be established");
  return { kind: "failure", reason };
}

class NodeClient implements Http2Client {
  readonly #session: http2.ClientHttp2Session;
  readonly #windowBytes: number;
  readonly #streams = new Set<NodeStream>();
  readonly #ending = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #isEnding = false;
  /** Streams beyond it have not been looked at by the server. */
  #lastId = Infinity;

  constructor(session: http2.ClientHttp2Session, limits: Required<Http2Limits>) {
    this.#session = session;
    this.#windowBytes = limits.streamWindowBytes;
    session.on("goaway", (_code, lastId) => {
      this.#lastId = lastId;
      this.#end();
      for (const stream of [...this.#streams]) if (stream.id > lastId) stream.refuse();
      session.close();
    });
    session.on("close", () => {
      this.#end();
      this.#closed.resolve();
    });
  }

  get canRequest(): boolean {
    const { maxConcurrentStreams = Infinity } = this.#session.remoteSettings;
    return !this.#isEnding && !this.#session.closed && !this.#session.destroyed &&
      this.#streams.size < maxConcurrentStreams;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  get ending(): Promise<void> {
    return this.#ending.promise;
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  request(...[fields, isEnd, events]: Parameters<Http2Client["request"]>): NodeStream {
    if (!this.canRequest) {
      const stream = new NodeStream(undefined, false, this.#windowBytes);
      stream.start(events);
      return stream;
    }
    // A reset by any other way says the end of the body first, which a server may take for a complete request.
    const abort = new AbortController();
    const raw = this.#session.request(toHeaders(fields), {
      endStream: isEnd,
      signal: abort.signal,
    });
    const stream = new NodeStream(raw, false, this.#windowBytes, abort, () => (raw.id ?? 0) > this.#lastId);
    this.#streams.add(stream);
    raw.on("close", () => this.#streams.delete(stream));
    stream.start(events);
    return stream;
  }

  async drain(): Promise<void> {
    this.#end();
    this.#session.close();
    await this.closed;
  }

  close(): void {
    this.#end();
    this.#session.destroy(undefined, ERROR_CODE.NO_ERROR);
  }

  #end(): void {
    this.#isEnding = true;
    this.#ending.resolve();
  }
}
