import type { ApiInterface } from "./api_interface.ts";
import type { Caller } from "./caller.ts";
import type { RelayError } from "./relay_error.ts";
import type { NodeReply } from "./wire.ts";

/** What a codec makes of a node's reply. */
export type Reading =
  | {
    readonly kind: "answer";
    /** Parts that the node answered with a result. One call has one part, a batch as many as it has calls. */
    readonly succeededParts: number;
    /** Parts that the node answered with an error of its own, or not at all. */
    readonly failedParts: number;
    /** The answer with the caller's own ids, ready to be sent; null when the protocol asks for no answer. */
    readonly body: Uint8Array<ArrayBuffer> | null;
  }
  | { readonly kind: "failure"; readonly error: RelayError };

/** One client call, as the codec of its protocol decoded it. */
export interface ProtocolCall {
  /** Names of the APIs called, in order; one, or as many as the batch has calls. */
  readonly names: readonly string[];
  readonly isBatch: boolean;
  /** What to send to a node. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Reads a node's reply to this call. Pure: it may be called once for each attempt. */
  readReply(reply: NodeReply): Reading;
  /** One of the relay's errors as an answer to this call; null when the protocol asks for no answer. */
  encodeError(error: RelayError): Uint8Array<ArrayBuffer> | null;
}

/** What the chain spec says about a call, and what it costs. */
export interface ApiFacts {
  /** Name for the bill: the API's, or those of a batch joined by `&`. */
  readonly apiMethod: string;
  readonly computeUnits: number;
  /** Add-on that a node must serve; empty for none. */
  readonly addOn: string;
  /** Extensions that the request uses, such as `archive`. */
  readonly extensions: readonly string[];
  /** Milliseconds that the spec sets for the relay timeout, 0 where it leaves it to the compute units. */
  readonly timeoutMs: number;
  /** 0 reads; 1 writes, and every node may be sent it; 2 writes, and one node must be kept. */
  readonly stateful: 0 | 1 | 2;
  /** Answers only after the chain has moved on. */
  readonly isHanging: boolean;
}

/** One relay to be made: the unit of usage. */
export interface RelayRequest {
  readonly caller: Caller;
  readonly chain: string;
  readonly apiInterface: ApiInterface;
  readonly call: ProtocolCall;
  readonly api: ApiFacts;
  /** Relay timeout that the caller asked for, in milliseconds; 0 when it left that to the relay. */
  readonly requestedTimeoutMs: number;
  /** Wall clock at arrival, milliseconds since the Unix epoch. */
  readonly arrivedAtUnixMs: number;
  /** Monotonic clock at arrival, milliseconds. */
  readonly arrivedAtMs: number;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}
