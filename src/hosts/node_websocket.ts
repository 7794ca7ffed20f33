import type { IncomingMessage, Server } from "node:http";
import type { ConnectionInfo } from "./fetch_handler.ts";
import { splitTarget } from "./http_response.ts";
import { refuseUpgrade, type StreamSocketOptions, StreamWebSockets } from "./stream_websocket.ts";
import { type AcceptSocket, isUpgrade } from "./upgrade.ts";

/** Bounds on what a client can do with its connection. */
export type NodeWebSocketOptions = StreamSocketOptions;

/** Takes WebSockets on a server of `node:http`, on every runtime that has it. */
export function acceptWebSockets(
  server: Server,
  upgrade: (request: Request, info: ConnectionInfo) => AcceptSocket | Response,
  options: StreamSocketOptions = {},
): void {
  const sockets = new StreamWebSockets(options);
  server.on("upgrade", async (incoming, stream, rest) => {
    // Whatever goes wrong is between this client and its connection.
    stream.on("error", () => stream.destroy());
    try {
      const request = toUpgradeRequest(incoming);
      const clientAddress = incoming.socket.remoteAddress ?? "";
      const decision = isUpgrade(request)
        ? upgrade(request, { clientAddress, path: splitTarget(incoming.url ?? "/").path })
        : new Response("the only protocol to upgrade to is websocket\n", { status: 400 });
      if (!(decision instanceof Response)) return sockets.open(incoming.headers, stream, rest, decision);
      const body = new Uint8Array(await decision.arrayBuffer());
      refuseUpgrade(stream, { status: decision.status, fields: [[...decision.headers]], body });
    } catch {
      stream.destroy();
    }
  });
}

function toUpgradeRequest({ rawHeaders }: IncomingMessage): Request {
  const headers = new Headers();
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  return new Request("http://relay/", { headers });
}
