import type { RelayError } from "../domain/relay_error.ts";
import type { HeaderFields } from "../domain/wire.ts";
import type { StreamEvents, WireStream } from "../domain/wire_stream.ts";
import type { NodeUrl } from "./provider.ts";

/** A call that is to be made of a node. */
export interface StreamRequest {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** What the caller sends along; what belongs to the hop is added by the transport. */
  readonly headers: HeaderFields;
  /** Address of the client, for URLs that are to be told; empty where it is not known. */
  readonly clientAddress: string;
  /** Milliseconds that the caller still waits; undefined when it did not say. */
  readonly timeoutMs: number | undefined;
  /** Whether a node that can't be reached is waited for, until the connect timeout. */
  readonly isPatient: boolean;
}

/** Who opens a stream: hears first whether it is open. */
export interface StreamOpener extends StreamEvents {
  /** The stream is open. May be called before `open` comes back. */
  onOpen(stream: WireStream): void;
  /** There will be no stream, and the node has not seen the call. Nothing follows. */
  onUnreachable(error: RelayError): void;
}

/** How streams reach a node. */
export interface StreamTransport {
  /** Opens a stream. The function that comes back gives up on one that is not open yet; nothing follows then. */
  open(nodeUrl: NodeUrl, request: StreamRequest, opener: StreamOpener): () => void;
  /** Closes what is open to nodes. */
  close(): Promise<void>;
}
