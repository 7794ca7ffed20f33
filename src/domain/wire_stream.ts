import type { HeaderFields } from "./wire.ts";

/** Why a stream ended before both sides had said all. */
export interface StreamFailure {
  /** HTTP/2's error code of the reset; 2, an internal error, when the connection was lost. */
  readonly code: number;
  /** Who ended it: the peer with a reset, this side, or the loss of the connection. */
  readonly by: "peer" | "self" | "connection";
  /** The peer has certainly done nothing about it, so that the request can be made elsewhere. */
  readonly isUnprocessed: boolean;
}

/**
 * What a stream tells its user. Calls come one at a time and in the order of the wire; `onEnd` is the last, and always
 * comes.
 */
export interface StreamEvents {
  /** The response's head. Only at a client, once; informational responses are left out. */
  onHead(fields: HeaderFields, isEnd: boolean): void;
  /**
   * Bytes of the body. The memory is lent for the time of the call: who keeps it, copies it. The bytes count against the
   * peer's window until {@linkcode WireStream.consume} gives them back. The last call may have none.
   */
  onData(chunk: Uint8Array, isEnd: boolean): void;
  /** Header fields that end the peer's side. */
  onTrailers(fields: HeaderFields): void;
  /** Bytes given to `sendData` have left the stream's queue. May be called from within `sendData`. */
  onWritten(bytes: number): void;
  /** It is over: undefined when both sides were complete, or the server's was. */
  onEnd(failure: StreamFailure | undefined): void;
}

/**
 * One call's stream of bytes with what frames it, seen from either side, whatever the wire is. No method throws for anything that the peer did: on a stream that is
 * over they do nothing.
 */
export interface WireStream {
  /** Sends the response's head. Only at a server, once, before all else. */
  sendHead(fields: HeaderFields, isEnd: boolean): void;
  /**
   * Sends bytes of the body, or keeps a copy of them until the peer's window has room. Who does not want that queue to
   * grow waits for `onWritten`.
   */
  sendData(chunk: Uint8Array, isEnd: boolean): void;
  /** Ends this side with header fields, behind the data that waits. Only at a server. */
  sendTrailers(fields: HeaderFields): void;
  /** Gives that many received bytes back to the peer's window. */
  consume(bytes: number): void;
  /** Ends the stream at once, with data that waits. `onEnd` follows, with `by: "self"`. */
  reset(code: number): void;
}
