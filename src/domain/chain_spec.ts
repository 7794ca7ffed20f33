import type { ApiInterface } from "./api_interface.ts";

/** A chain spec in the ecosystem's JSON format. Member names are the format's own; what a relay has no use for is left out. */
export interface ChainSpec {
  /** Name of the chain in configurations and events, such as `ETH1`. */
  readonly index: string;
  /** Name for people. */
  readonly name: string;
  /** Whether the chain is served at all; a spec that others import may not be. */
  readonly enabled: boolean;
  /** Indexes of the specs that this one builds on. */
  readonly imports?: readonly string[];
  /** Milliseconds between two blocks. */
  readonly average_block_time: number;
  /** Blocks after which a block is final. */
  readonly block_distance_for_finalized_data: number;
  /** Blocks that a node may be behind before it counts as lagging. */
  readonly allowed_block_lag_for_qos_sync: number;
  /** What nodes of the chain serve. */
  readonly api_collections: readonly ApiCollection[];
}

/** The four members that identify a collection within its spec. */
export interface CollectionData {
  /** The wire protocol. */
  readonly api_interface: ApiInterface;
  /** Path below the node's URL; empty for the root. */
  readonly internal_path: string;
  /** HTTP verb; empty where the interface has none. */
  readonly type: string;
  /** Empty for the base collection; else a group of APIs that only some nodes serve, such as `debug`. */
  readonly add_on: string;
}

/** APIs that one kind of node serves at one path over one interface. */
export interface ApiCollection {
  /** Whether it is served. Collections of the same spec may build on one that is not. */
  readonly enabled: boolean;
  /** What tells it apart from the others. */
  readonly collection_data: CollectionData;
  /** Its APIs. */
  readonly apis: readonly Api[];
  /** What becomes of header fields. */
  readonly headers?: readonly HeaderRule[];
  /** Collections of the same spec that this one builds on. */
  readonly inheritance_apis?: readonly CollectionData[];
  /** How its nodes are asked about blocks, and what starts and ends subscriptions. */
  readonly parse_directives?: readonly ParseDirective[];
  /** What some of its nodes serve beyond the rest. */
  readonly extensions?: readonly Extension[];
  /** What its nodes have to answer. */
  readonly verifications?: readonly Verification[];
}

/** One API (a method) and its price. */
export interface Api {
  /** A method's name; for REST a path with `{parameter}` segments; for gRPC `package.Service/Method`. */
  readonly name: string;
  /** Whether calls know it by this name. One that is not enabled takes an inherited one away. */
  readonly enabled: boolean;
  /** Price of one call. */
  readonly compute_units: number;
  /** Added to the price when set. */
  readonly extra_compute_units?: number;
  /** Replaces the relay timeout that is worked out from the compute units, when set. */
  readonly timeout_ms?: number;
  /** How it behaves. */
  readonly category: ApiCategory;
  /** Where the block stands that a call is about. */
  readonly block_parsing: BlockParsing;
  /** Further places of the request that say something about blocks. */
  readonly parsers?: readonly GenericParser[];
}

/** How an API behaves. */
export interface ApiCategory {
  /** Two nodes in the same state give the same answer. */
  readonly deterministic?: boolean;
  /** The answer depends on the node that was asked. */
  readonly local?: boolean;
  /** Starts a subscription. */
  readonly subscription?: boolean;
  /** 0 reads; 1 writes, and every node may be sent it; 2 writes, and one node must be kept. */
  readonly stateful?: 0 | 1 | 2;
  /** Answers only after the chain has moved on. */
  readonly hanging_api?: boolean;
}

/** How a value is found in a request's params or in an answer. */
export type ParserFunc =
  | "EMPTY"
  | "PARSE_BY_ARG"
  | "PARSE_CANONICAL"
  | "PARSE_DICTIONARY"
  | "PARSE_DICTIONARY_OR_ORDERED"
  | "DEFAULT";

/** Where the requested block stands in the request, or a value in an answer. */
export interface BlockParsing {
  /** How the value is found. */
  readonly parser_func: ParserFunc;
  /** Positions, keys and separators, as the function needs them. */
  readonly parser_arg: readonly string[];
  /** Taken where the place is empty. */
  readonly default_value?: string;
  /** `hex`, `base64`, or empty for text as it stands. */
  readonly encoding?: string;
}

/** A place of the request by path, and what stands there. */
export interface GenericParser {
  /** Such as `.params.[0].blockHash`. */
  readonly parse_path: string;
  /** Such as `BLOCK_HASH`. */
  readonly parse_type: string;
  /** Alternatives such as `=final || =optimistic`. */
  readonly rule?: string;
  /** The block that holds where the rule does. */
  readonly value?: string;
}

/** What becomes of one header field. */
export interface HeaderRule {
  /** Name of the field, in any case. */
  readonly name: string;
  /** Sent to the node, returned to the client, both, neither, or set by the spec. */
  readonly kind: "pass_send" | "pass_reply" | "pass_both" | "pass_ignore" | "pass_override";
  /** What the relay reads out of the field, such as `SET_LATEST_IN_METADATA`. */
  readonly function_tag?: string;
  /** The value of `pass_override`. */
  readonly value?: string;
}

/** What a directive is for. */
export type FunctionTag =
  | "DISABLED"
  | "GET_BLOCKNUM"
  | "GET_BLOCK_BY_NUM"
  | "GET_EARLIEST_BLOCK"
  | "SET_LATEST_IN_METADATA"
  | "SET_LATEST_IN_BODY"
  | "VERIFICATION"
  | "SUBSCRIBE"
  | "UNSUBSCRIBE"
  | "UNSUBSCRIBE_ALL";

/** How the relay itself asks a node something, or knows what a client asks for. */
export interface ParseDirective {
  /** What it is for. */
  readonly function_tag: FunctionTag;
  /** The request to send: a body or a path; `%d`, `%x` or `%s` stands for the argument. */
  readonly function_template?: string;
  /** Where the value stands in the answer. */
  readonly result_parsing?: BlockParsing;
  /** Places of the whole answer, its error too, of which the first that is there and as it should be is the value. */
  readonly parsers?: readonly GenericParser[];
  /** Name of the API that the template calls. */
  readonly api_name?: string;
}

/** Something extra that a node may be able to serve for the same APIs, at a higher price. */
export interface Extension {
  /** Such as `archive`. */
  readonly name: string;
  /** Factor on the compute units of a request that uses the extension. */
  readonly cu_multiplier: number;
  /** Applied unasked to calls about blocks that are this much older than the newest one. */
  readonly rule?: { readonly block?: number };
}

/** A question whose answer tells whether a node is what it is configured as. */
export interface Verification {
  /** By which a configuration skips it. */
  readonly name: string;
  /** The question. */
  readonly parse_directive?: ParseDirective;
  /** What is expected, in general and of nodes that serve an extension. */
  readonly values: readonly VerificationValue[];
}

/** What a verification expects, in general or of nodes that serve an extension. */
export interface VerificationValue {
  /** `*` for any answer that is no error. */
  readonly expected_value?: string;
  /** Blocks behind the newest one that the answer may be. */
  readonly latest_distance?: number;
  /** Nodes that serve it are held to this value; empty for all. */
  readonly extension?: string;
  /** Default `Fail`. */
  readonly severity?: "Fail" | "Warning";
}
