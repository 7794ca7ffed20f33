import type { Clock } from "../domain/clock.ts";
import { failure } from "../domain/relay_error.ts";
import type { ConnectResult, NodeSocketConnector, NodeSocketListener } from "../providers/node_socket.ts";
import type { NodeUrl } from "../providers/provider.ts";

/** What of the platform's `WebSocket` the connector uses. */
export interface PlatformSocket {
  /** 0 while it is being opened, 1 while it is open. */
  readonly readyState: number;
  /** Bytes that wait to be sent, where the platform tells. */
  readonly bufferedAmount: number;
  /** Told when it is open. */
  onopen: ((event: Event) => unknown) | null;
  /** Told of each message. */
  onmessage: ((event: MessageEvent) => unknown) | null;
  /** Told that something is wrong, before `onclose` is. */
  onerror: ((event: Event) => unknown) | null;
  /** Told of the end, also of one that was never open. */
  onclose: ((event: CloseEvent) => unknown) | null;
  /** Sends a text message. */
  send(text: string): void;
  /** Ends it. */
  close(): void;
}

/** Opens a WebSocket to a node, sending headers along where the platform can. May throw when the URL is none. */
export type OpenNodeSocket = (url: string, headers: readonly (readonly [string, string])[]) => PlatformSocket;

/** The platform's `WebSocket`. Headers are sent where the platform can: servers' runtimes can, browsers can't. */
export function openSocket(url: string, headers: readonly (readonly [string, string])[]): WebSocket {
  if (headers.length === 0) return new WebSocket(url);
  const options: unknown = { headers: Object.fromEntries(headers) };
  return new WebSocket(url, options as string[]);
}

/** `readyState` of a socket that takes messages. */
const OPEN = 1;

/** Options of sockets to nodes. */
export interface SocketConnectorOptions {
  /** Largest message of a node. One that is larger ends its connection, as leaving it out would be a gap that nobody sees. */
  readonly maxMessageBytes: number;
}

/** Opens WebSockets to nodes with the platform's own client. */
export function createSocketConnector(
  open: OpenNodeSocket,
  clock: Clock,
  { maxMessageBytes }: SocketConnectorOptions,
): NodeSocketConnector {
  return {
    connect(nodeUrl: NodeUrl, listener: NodeSocketListener, timeoutMs: number): Promise<ConnectResult> {
      const { promise, resolve } = Promise.withResolvers<ConnectResult>();
      let socket: PlatformSocket;
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
            send: (text) => {
              if (socket.readyState === OPEN) socket.send(text);
            },
            close() {
              isEnded = true;
              quietlyClose(socket);
            },
          },
        });
      };
      const end = (reason: string) => {
        isEnded = true;
        quietlyClose(socket);
        listener.closed(reason);
      };
      socket.onmessage = ({ data }) => {
        if (isEnded) return;
        if (typeof data !== "string") end("it sent a message that is not text");
        else if (isLonger(data, maxMessageBytes)) end(`it sent a message of more than ${maxMessageBytes} bytes`);
        else listener.message(data);
      };
      socket.onerror = () => {};
      socket.onclose = ({ code }) => {
        if (isEnded) return;
        if (!isOpen) return refuse("did not take a WebSocket connection");
        end(`the connection ended with code ${code}`);
      };
      return promise;
    },
  };
}

/** Whether a text has more bytes; mostly its length says so already. */
function isLonger(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && new TextEncoder().encode(text).length > maxBytes;
}

function quietlyClose(socket: PlatformSocket): void {
  try {
    socket.close();
  } catch {
    // It was not open, or is closed already.
  }
}
