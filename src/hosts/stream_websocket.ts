import { type IncomingHttpHeaders, type IncomingMessage, STATUS_CODES } from "node:http";
import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import type { HostResponse } from "./host_request.ts";
import type { AcceptSocket } from "./upgrade.ts";

/** Bounds on what a client can do with its connection. */
export interface StreamSocketOptions {
  /** Largest message of a client; a larger one ends its connection, with 1009. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Milliseconds between two signs of life that are asked for; who gives none in between is cut. Default 30,000. */
  readonly pingIntervalMs?: number;
  /** Milliseconds for a client to end its side of a connection that is being closed, before it is cut. Default 5,000. */
  readonly closeTimeoutMs?: number;
}

/** Most frames of one message. */
const MAX_FRAGMENTS = 1_024;

/**
 * Clients' WebSockets on streams of bytes, by npm `ws`. Unlike those of `Deno.serve`, connections of clients that never
 * read, and messages that never end, are bounded and can be cut.
 */
export class StreamWebSockets {
  readonly #handshakes: WebSocketServer;
  readonly #pingIntervalMs: number;
  readonly #closeTimeoutMs: number;
  /** Sockets, and whether each has given a sign of life since it was last asked for one. */
  readonly #isAlive = new Map<WebSocket, boolean>();
  /** There while there are sockets. */
  #pinging: ReturnType<typeof setInterval> | undefined;

  constructor(
    { maxMessageBytes = 1_048_576, pingIntervalMs = 30_000, closeTimeoutMs = 5_000 }: StreamSocketOptions = {},
  ) {
    this.#handshakes = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: maxMessageBytes,
      maxFragments: MAX_FRAGMENTS,
    });
    this.#pingIntervalMs = pingIntervalMs;
    this.#closeTimeoutMs = closeTimeoutMs;
  }

  /** Answers a request of `GET`, whose connection is the stream from here on; `rest` is what has come behind it. */
  open(headers: IncomingHttpHeaders, stream: Duplex, rest: Uint8Array, accept: AcceptSocket): void {
    // The library reads nothing else of a request.
    const request = { method: "GET", headers } as IncomingMessage;
    this.#handshakes.handleUpgrade(request, stream, Buffer.from(rest), (socket) => {
      this.#isAlive.set(socket, true);
      this.#pinging ??= setInterval(() => askForLife(this.#isAlive), this.#pingIntervalMs);
      socket.on("pong", () => this.#isAlive.set(socket, true));
      socket.on("close", () => this.#forget(socket));
      connect(socket, accept, this.#closeTimeoutMs);
    });
  }

  #forget(socket: WebSocket): void {
    this.#isAlive.delete(socket);
    if (this.#isAlive.size > 0) return;
    clearInterval(this.#pinging);
    this.#pinging = undefined;
  }
}

/** Cuts those who have not answered since they were last asked, and asks the others. */
function askForLife(isAlive: Map<WebSocket, boolean>): void {
  for (const [socket, alive] of isAlive) {
    if (!alive) socket.terminate();
    else {
      isAlive.set(socket, false);
      socket.ping();
    }
  }
}

/** Puts a session to a socket. */
function connect(socket: WebSocket, accept: AcceptSocket, closeTimeoutMs: number): void {
  const cutLater = () => {
    const cutting = setTimeout(() => socket.terminate(), closeTimeoutMs);
    socket.on("close", () => clearTimeout(cutting));
  };
  const session = accept({
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (text) => {
      const isOpen = socket.readyState === socket.OPEN;
      if (isOpen) socket.send(text);
      return isOpen;
    },
    close: (code, reason) => {
      socket.close(code, reason);
      cutLater();
    },
  });
  socket.on("message", (data, isBinary) => session.message(isBinary ? data : data.toString()));
  socket.on("close", () => session.closed());
  // It is being closed then, with the code that the fault has.
  socket.on("error", cutLater);
}

/** Answers a request with a response that ends the connection, instead of a WebSocket. */
export function refuseUpgrade(stream: Duplex, { status, fields, body }: HostResponse): void {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  for (const [name, value] of fields.flat()) lines.push(`${name}: ${value}`);
  lines.push(`content-length: ${body?.length ?? 0}`, "connection: close", "", "");
  stream.write(lines.join("\r\n"));
  // The client need not end its side.
  stream.end(body ?? "", () => stream.destroy());
}
