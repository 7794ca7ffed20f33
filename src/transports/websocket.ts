import type { Clock } from "../domain/clock.ts";
import { failure } from "../domain/relay_error.ts";
import type { ConnectResult, NodeSocketConnector, NodeSocketListener } from "../providers/node_socket.ts";
import type { NodeUrl } from "../providers/provider.ts";

/** What of the platform's `WebSocket` the connector uses. */
export type WebSocketFactory = (url: string, headers: readonly (readonly [string, string])[]) => WebSocket;

/** The platform's `WebSocket`. Headers are sent where the platform can: servers' runtimes can, browsers can't. */
export function openSocket(url: string, headers: readonly (readonly [string, string])[]): WebSocket {
  if (headers.length === 0) return new WebSocket(url);
  const options: unknown = { headers: Object.fromEntries(headers) };
  return new WebSocket(url, options as string[]);
}

/** Largest message of a node, characters. */
const MAX_MESSAGE_CHARS = 64 * 1024 * 1024;

/** Opens WebSockets to nodes with the platform's own client. */
export function createSocketConnector(open: WebSocketFactory, clock: Clock): NodeSocketConnector {
  return {
    connect(nodeUrl: NodeUrl, listener: NodeSocketListener, timeoutMs: number): Promise<ConnectResult> {
      const { promise, resolve } = Promise.withResolvers<ConnectResult>();
      let socket: WebSocket;
      try {
        socket = open(nodeUrl.target, nodeUrl.headers);
      } catch {
        return Promise.resolve(failure("upstream_unreachable", "its WebSocket URL can't be opened"));
      }
      let isOpen = false;
      let isEnded = false;
      const refuse = (reason: string) => {
        isEnded = true;
        cancelTimer();
        quietlyClose(socket);
        resolve(failure("upstream_unreachable", reason));
      };
      const cancelTimer = clock.schedule(timeoutMs, () => refuse(`did not open a WebSocket within ${timeoutMs} ms`));
      socket.onopen = () => {
        if (isEnded) return quietlyClose(socket);
        isOpen = true;
        cancelTimer();
        resolve({
          kind: "socket",
          socket: {
            get bufferedBytes() {
              return socket.bufferedAmount;
            },
            send: (text) => {
              if (socket.readyState === WebSocket.OPEN) socket.send(text);
            },
            close() {
              isEnded = true;
              quietlyClose(socket);
            },
          },
        });
      };
      socket.onmessage = ({ data }) => {
        if (isEnded) return;
        if (typeof data === "string" && data.length <= MAX_MESSAGE_CHARS) listener.message(data);
      };
      socket.onerror = () => {};
      socket.onclose = () => {
        if (isEnded) return;
        if (!isOpen) return refuse("did not take a WebSocket connection");
        isEnded = true;
        listener.closed();
      };
      return promise;
    },
  };
}

function quietlyClose(socket: WebSocket): void {
  try {
    socket.close();
  } catch {
    // It was not open, or is closed already.
  }
}
