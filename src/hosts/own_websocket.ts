import { ConnectionStream } from "./connection_stream.ts";
import type { HostHandler } from "./host_handler.ts";
import type { HeaderSource } from "./request_headers.ts";
import { refuseUpgrade, type StreamSocketOptions, StreamWebSockets } from "./stream_websocket.ts";
import type { TakeUpgrade } from "./upgrade.ts";

/** What a handshake consists of. */
const HANDSHAKE_FIELDS = ["upgrade", "sec-websocket-key", "sec-websocket-version", "sec-websocket-protocol"];

/** Takes WebSockets on connections of our own HTTP server. */
export function createTakeUpgrade(handler: HostHandler, options: StreamSocketOptions = {}): TakeUpgrade {
  const sockets = new StreamWebSockets(options);
  return async ({ request, connection, rest }) => {
    const stream = new ConnectionStream(connection);
    const closed = new Promise<void>((resolve) => stream.once("close", resolve));
    const decision = handler.accept(request);
    if (typeof decision === "function") sockets.open(handshakeOf(request.headers), stream, rest, decision);
    else refuseUpgrade(stream, decision);
    await closed;
  };
}

function handshakeOf(headers: HeaderSource): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const name of HANDSHAKE_FIELDS) {
    const value = headers.get(name);
    if (value !== null) fields[name] = value;
  }
  return fields;
}
