import type { RelayError } from "../domain/relay_error.ts";
import type { NodeUrl } from "./provider.ts";

/** An open WebSocket to a node. */
export interface NodeSocket {
  send(text: string): void;
  /** Ends it; the listener is told nothing more. */
  close(): void;
}

/** Who is told what happens on a socket. */
export interface NodeSocketListener {
  message(text: string): void;
  /** The socket has ended, as the node wanted or because it was at fault; `reason` names no URL. */
  closed(reason: string): void;
}

/** A socket, or why there is none. */
export type ConnectResult =
  | { readonly kind: "socket"; readonly socket: NodeSocket }
  | { readonly kind: "failure"; readonly error: RelayError };

/** How WebSockets reach nodes. */
export interface NodeSocketConnector {
  /** Connects within `timeoutMs`. Never rejects. */
  connect(nodeUrl: NodeUrl, listener: NodeSocketListener, timeoutMs: number): Promise<ConnectResult>;
}
