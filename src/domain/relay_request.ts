import type { ApiInterface } from "./api_interface.ts";
import type { RequestedBlock } from "./block.ts";
import type { Cancellation } from "./cancellation.ts";
import type { Caller } from "./caller.ts";
import type { HeaderRule } from "./chain_spec.ts";
import type { NodeErrorClass } from "./node_error.ts";
import type { RelayError } from "./relay_error.ts";
import type { Steering } from "./steering.ts";
import type { HeaderFields, NodeReply, NodeRequest, WireResponse } from "./wire.ts";

/** What a codec makes of a node's reply. */
export type Reading = AnswerReading | { readonly kind: "failure"; readonly error: RelayError };

/** The node answered, be it with an error of its own. */
export interface AnswerReading {
  readonly kind: "answer";
  /** HTTP status for the client. */
  readonly status: number;
  /** The protocol's own headers, such as `content-type`. Those that the chain spec lets through come with the reply. */
  readonly headers: HeaderFields;
  /** What goes behind the body, where the protocol has such. */
  readonly trailers?: HeaderFields;
  /** Parts that the node answered with a result. One call has one part, a batch as many as it has calls. */
  readonly succeededParts: number;
  /** Parts that the node answered with an error of its own, or not at all. */
  readonly failedParts: number;
  /** What kind of error the node answered with; undefined when every part succeeded. */
  readonly nodeError: NodeErrorClass | undefined;
  /** Whether the node said that there is nothing where it was asked to look, which may change; left out when not. */
  readonly isEmpty?: boolean;
  /** The answer with the caller's own ids, ready to be sent; null when the protocol asks for no answer. */
  readonly body: Uint8Array<ArrayBuffer> | null;
}

/** One API that a call names, before the chain spec has been asked about it. */
export interface ApiTarget {
  /** A method's name; for REST the path as it came; for gRPC `package.Service/Method`. */
  readonly name: string;
  /** The verb that collections of the chain spec are told apart by; empty for gRPC. */
  readonly verb: string;
  /**
   * What stands in the params: an array, an object with the names as keys, or undefined for none. Parsed when it is
   * asked for, which is only where the chain spec needs it. REST gives its query; path parameters are the matcher's.
   */
  params(): unknown;
}

/** One client call, as the codec of its protocol decoded it. */
export interface ProtocolCall {
  /** The APIs called, in order; one, or as many as the batch has calls. */
  readonly targets: readonly ApiTarget[];
  readonly isBatch: boolean;
  /** What to send to a node. */
  readonly nodeRequest: NodeRequest;
  /** Reads a node's reply to this call. Pure: it may be called once for each attempt. */
  readReply(reply: NodeReply): Reading;
  /** One of the relay's errors as an answer to this call; without a body when the protocol asks for no answer. */
  encodeError(error: RelayError): WireResponse;
}

/** What the chain spec says about a call, and what it costs. */
export interface ApiFacts {
  /** Name for the bill: the API's, or those of a batch joined by `&`. */
  readonly apiMethod: string;
  /** Names of the APIs in the chain spec, or the called ones where it does not know them, in the order of the call. */
  readonly apiNames: readonly string[];
  /** Price of the call with the extensions applied. */
  readonly computeUnits: number;
  /** Add-on that a node must serve; empty for none. */
  readonly addOn: string;
  /** Path below the node's URL that the APIs live at; empty for the root. */
  readonly internalPath: string;
  /** Extensions that are applied to the request, such as `archive`. */
  readonly extensions: readonly string[];
  /** Milliseconds that the spec sets for the relay timeout, 0 where it leaves it to the compute units. */
  readonly timeoutMs: number;
  /** 0 reads; 1 writes, and every node may be sent it; 2 writes, and one node must be kept. */
  readonly stateful: 0 | 1 | 2;
  /** Answers only after the chain has moved on. */
  readonly isHanging: boolean;
  /** Two nodes in the same state give the same answer. */
  readonly isDeterministic: boolean;
  /** Starts a subscription, which needs a connection that stays open. */
  readonly isSubscription: boolean;
  readonly requestedBlock: RequestedBlock;
  /** What becomes of header fields, both ways. */
  readonly headerRules: readonly HeaderRule[];
  /** The same call with an extension applied: another price. Undefined where no API of it knows the extension. */
  withExtension(name: string): ApiFacts | undefined;
}

/** One relay to be made: the unit of usage. */
export interface RelayRequest {
  readonly caller: Caller;
  readonly steering: Steering;
  readonly chain: string;
  readonly apiInterface: ApiInterface;
  readonly call: ProtocolCall;
  readonly api: ApiFacts;
  /** What a node is sent: the call's own, with the headers that the chain spec lets through. */
  readonly nodeRequest: NodeRequest;
  /** Wall clock at arrival, milliseconds since the Unix epoch. */
  readonly arrivedAtUnixMs: number;
  /** Monotonic clock at arrival, milliseconds. */
  readonly arrivedAtMs: number;
  /** Aborts when the client goes away. */
  readonly signal: Cancellation;
}
