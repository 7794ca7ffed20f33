import type { NodeErrorClass } from "./node_error.ts";
import type { RelayError } from "./relay_error.ts";
import type { RelayRequest } from "./relay_request.ts";
import type { HeaderFields } from "./wire.ts";

/** What a node's head or trailers say about its answer. */
export type StreamReading =
  /** The answer has begun. */
  | { readonly kind: "open" }
  /** The answer is complete: with a success, or with an error of the node's own. */
  | { readonly kind: "end"; readonly nodeError: NodeErrorClass | undefined }
  | { readonly kind: "failure"; readonly error: RelayError };

/** Follows the messages of one direction. */
export interface StreamScanner {
  /** Messages that are complete. */
  readonly messages: number;
  /** Whether the stream may end here. */
  readonly isAtBoundary: boolean;
  /** Takes in the next bytes; comes back with what is wrong with them, if anything. */
  push(chunk: Uint8Array): RelayError | undefined;
}

/** A protocol whose calls are streams of messages both ways. */
export interface StreamProtocol {
  /** Follows what the client sends. */
  scanRequest(): StreamScanner;
  /** Follows what the node sends. */
  scanAnswer(): StreamScanner;
  /** What the head of a node's answer says; `isEnd`: there is nothing else. */
  readHead(fields: HeaderFields, isEnd: boolean): StreamReading;
  /** What the trailers of a node's answer say. */
  readTrailers(fields: HeaderFields): StreamReading;
  /** One of the relay's errors as an answer that has nothing but a head. */
  errorHead(error: RelayError): HeaderFields;
  /** One of the relay's errors as trailers, when the head has been sent. */
  errorTrailers(error: RelayError): HeaderFields;
}

/** One call to be relayed as a stream. Its request is what is billed; the bytes of the body come by themselves. */
export interface StreamCall {
  readonly request: RelayRequest;
  readonly protocol: StreamProtocol;
  /** Whether the call is on the bill. */
  readonly isMetered: boolean;
  /** The monotonic moment at which the caller gives up, in milliseconds; undefined when it did not say. */
  readonly deadlineMs: number | undefined;
}
