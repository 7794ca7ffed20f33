import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Listener } from "./deno.ts";
import type { ConnectionInfo } from "./fetch_handler.ts";
import { splitTarget } from "./http_response.ts";
import { acceptWebSockets, type NodeWebSocketOptions } from "./node_websocket.ts";
import type { AcceptSocket } from "./upgrade.ts";

/** Time limits that `Deno.serve` does not have, milliseconds, and what WebSockets are bounded by. */
export interface NodeListenerOptions extends NodeWebSocketOptions {
  /** For a request's head to arrive whole. */
  readonly headerTimeoutMs: number;
  /** For a connection to stay open between two requests. */
  readonly idleTimeoutMs: number;
}

/** Verbs that the platform's `Request` can't have. */
const FORBIDDEN = ["CONNECT", "TRACE", "TRACK"];

/** Most bytes of a request's head. */
const MAX_HEAD_BYTES = 65_536;

/**
 * Serves a `fetch` handler on one address with `node:http`, and WebSockets where `upgrade` is given: at more CPU for each
 * request than `Deno.serve`, and with the limits that it lacks, so that strangers can't hold connections open by sending
 * heads slowly, or memory by not reading. No TLS, no HTTP/2. Rejects when the address is taken.
 */
export async function listenNode(
  address: { readonly hostname: string; readonly port: number },
  fetch: (request: Request, info: ConnectionInfo) => Promise<Response>,
  { headerTimeoutMs, idleTimeoutMs, ...socketOptions }: NodeListenerOptions,
  upgrade?: (request: Request, info: ConnectionInfo) => AcceptSocket | Response,
): Promise<Listener> {
  const server = createServer({
    // Bodies have their own limit, in the handler.
    requestTimeout: 0,
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: Math.max(50, Math.min(1_000, Math.floor(headerTimeoutMs / 4))),
    maxHeaderSize: MAX_HEAD_BYTES,
  }, (incoming, outgoing) => {
    // Whatever goes wrong is between this client and its connection.
    answer(fetch, incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.headersTimeout = headerTimeoutMs;
  if (upgrade !== undefined) acceptWebSockets(server, upgrade, socketOptions);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen(address.port, address.hostname, () => resolve());
  await promise;
  server.removeListener("error", reject);
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new TypeError("the server has no address");
  return {
    hostname: bound.address,
    port: bound.port,
    shutdown: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeIdleConnections();
      }),
  };
}

async function answer(
  fetch: (request: Request, info: ConnectionInfo) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  const { path, query } = splitTarget(incoming.url ?? "/");
  const clientAddress = incoming.socket.remoteAddress ?? "";
  // What `URL` puts in order is not what came: the handler gets the path as it came.
  const response = await fetch(toRequest(incoming, query, gone.signal), { clientAddress, path });
  const headers: Record<string, string> = {};
  for (const [name, value] of response.headers) headers[name] = value;
  const body = new Uint8Array(await response.arrayBuffer());
  if (body.length > 0 || ![204, 205, 304].includes(response.status)) headers["content-length"] = String(body.length);
  // What has not been read of a body would be taken for the next request.
  if (!incoming.complete) headers["connection"] = "close";
  outgoing.writeHead(response.status, headers);
  outgoing.end(body);
  if (!incoming.complete) incoming.resume();
}

function toRequest(incoming: IncomingMessage, query: string, signal: AbortSignal): Request {
  const headers = new Headers();
  const raw = incoming.rawHeaders;
  for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i]!, raw[i + 1]!);
  const method = incoming.method ?? "GET";
  const url = new URL("http://relay/");
  url.search = `?${query}`;
  const hasBody = method !== "GET" && method !== "HEAD" &&
    (headers.has("content-length") || headers.has("transfer-encoding"));
  const body = hasBody ? bodyOf(incoming) : null;
  // Node wants to be told that a body may go on while the response comes; the types don't know that yet.
  const init: RequestInit & { readonly duplex: "half" } = { method, headers, body, signal, duplex: "half" };
  if (!FORBIDDEN.includes(method)) return new Request(url, init);
  // The platform makes no such request; the handler is to refuse it all the same.
  return Object.defineProperty(new Request(url, { headers, signal }), "method", { value: method });
}

/** The body as a stream that reads no faster than it is read. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      incoming.on("data", (chunk: Uint8Array) => {
        incoming.pause();
        controller.enqueue(new Uint8Array(chunk));
      });
      incoming.once("end", () => controller.close());
      incoming.once("error", (error) => controller.error(error));
      incoming.pause();
    },
    pull() {
      incoming.resume();
    },
    cancel() {
      incoming.pause();
    },
  });
}
