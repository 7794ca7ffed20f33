import { type IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import type { ConnectionInfo } from "./fetch_handler.ts";
import { splitTarget } from "./http_response.ts";
import { type AcceptSocket, isUpgrade } from "./upgrade.ts";

/** Bounds on what a client can do with its connection. */
export interface NodeWebSocketOptions {
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
 * Takes WebSockets on a server of `node:http`, on every runtime that has it, until the server is closed. Unlike those of
 * `Deno.serve`, connections of clients that never read, and messages that never end, are bounded and can be cut.
 */
export function acceptWebSockets(
  server: Server,
  upgrade: (request: Request, info: ConnectionInfo) => AcceptSocket | Response,
  { maxMessageBytes = 1_048_576, pingIntervalMs = 30_000, closeTimeoutMs = 5_000 }: NodeWebSocketOptions = {},
): void {
  const handshakes = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxMessageBytes,
    maxFragments: MAX_FRAGMENTS,
  });
  /** Connections, and whether each has given a sign of life since it was last asked for one. */
  const isAlive = new Map<WebSocket, boolean>();
  const pinging = setInterval(() => askForLife(isAlive), pingIntervalMs);
  server.on("close", () => clearInterval(pinging));

  server.on("upgrade", (incoming, stream, head) => {
    // Whatever goes wrong is between this client and its connection.
    stream.on("error", () => stream.destroy());
    try {
      const request = toUpgradeRequest(incoming);
      const clientAddress = incoming.socket.remoteAddress ?? "";
      const decision = isUpgrade(request)
        ? upgrade(request, { clientAddress, path: splitTarget(incoming.url ?? "/").path })
        : new Response("the only protocol to upgrade to is websocket\n", { status: 400 });
      if (decision instanceof Response) return void refuse(stream, decision);
      handshakes.handleUpgrade(incoming, stream, head, (socket) => {
        isAlive.set(socket, true);
        socket.on("pong", () => isAlive.set(socket, true));
        socket.on("close", () => isAlive.delete(socket));
        connect(socket, decision, closeTimeoutMs);
      });
    } catch {
      stream.destroy();
    }
  });
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

function toUpgradeRequest({ rawHeaders }: IncomingMessage): Request {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  return new Request("http://relay/", { headers });
}

/** Answers an upgrade with a response, which ends the connection. */
async function refuse(stream: Duplex, response: Response): Promise<void> {
  const body = new Uint8Array(await response.arrayBuffer());
  const lines = [`HTTP/1.1 ${response.status} ${STATUS_CODES[response.status] ?? ""}`];
  for (const [name, value] of response.headers) lines.push(`${name}: ${value}`);
  lines.push(`content-length: ${body.length}`, "connection: close", "", "");
  stream.write(lines.join("\r\n"));
  // The client need not end its side.
  stream.end(body, () => stream.destroy());
}
