import type { ApiInterface } from "./api_interface.ts";

/** A chain spec in the ecosystem's JSON format. Member names are the format's own; what a relay has no use for is left out. */
export interface ChainSpec {
  /** Name of the chain in configurations and events, such as `ETH1`. */
  readonly index: string;
  readonly name: string;
  readonly enabled: boolean;
  /** Indexes of the specs that this one builds on. */
  readonly imports?: readonly string[];
  /** Milliseconds between two blocks. */
  readonly average_block_time: number;
  /** Blocks after which a block is final. */
  readonly block_distance_for_finalized_data: number;
  /** Blocks that a node may be behind before it counts as lagging. */
  readonly allowed_block_lag_for_qos_sync: number;
  readonly api_collections: readonly ApiCollection[];
}

/** The four members that identify a collection within its spec. */
export interface CollectionData {
  readonly api_interface: ApiInterface;
  readonly internal_path: string;
  /** HTTP verb; empty where the interface has none. */
  readonly type: string;
  /** Empty for the base collection; else a group of APIs that only some nodes serve, such as `debug`. */
  readonly add_on: string;
}

/** APIs that one kind of node serves at one path over one interface. */
export interface ApiCollection {
  readonly enabled: boolean;
  readonly collection_data: CollectionData;
  readonly apis: readonly Api[];
  readonly headers?: readonly HeaderRule[];
  /** Collections of the same spec that this one builds on. */
  readonly inheritance_apis?: readonly CollectionData[];
  readonly parse_directives?: readonly ParseDirective[];
  readonly extensions?: readonly Extension[];
  readonly verifications?: readonly Verification[];
}

/** One API (a method) and its price. */
export interface Api {
  /** A method's name; for REST a path with `{parameter}` segments; for gRPC `package.Service/Method`. */
  readonly name: string;
  readonly enabled: boolean;
  /** Price of one call. */
  readonly compute_units: number;
  /** Added to the price when set. */
  readonly extra_compute_units?: number;
  /** Replaces the relay timeout that is worked out from the compute units, when set. */
  readonly timeout_ms?: number;
  readonly category: ApiCategory;
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
  readonly parser_func: ParserFunc;
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
  readonly rule?: string;
  readonly value?: string;
}

/** What becomes of one header field. */
export interface HeaderRule {
  readonly name: string;
  readonly kind: "pass_send" | "pass_reply" | "pass_both" | "pass_ignore" | "pass_override";
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
  readonly function_tag: FunctionTag;
  /** The request to send: a body or a path; `%d`, `%x` or `%s` stands for the argument. */
  readonly function_template?: string;
  readonly result_parsing?: BlockParsing;
  readonly api_name?: string;
}

/** Something extra that a node may be able to serve for the same APIs, at a higher price. */
export interface Extension {
  readonly name: string;
  /** Factor on the compute units of a request that uses the extension. */
  readonly cu_multiplier: number;
  readonly rule?: { readonly block?: number };
}

/** A question whose answer tells whether a node is what it is configured as. */
export interface Verification {
  readonly name: string;
  readonly parse_directive?: ParseDirective;
  readonly values: readonly VerificationValue[];
}

/** What a verification expects, in general or of nodes that serve an extension. */
export interface VerificationValue {
  /** `*` for any answer that is no error. */
  readonly expected_value?: string;
  /** Blocks behind the newest one that the answer may be. */
  readonly latest_distance?: number;
  readonly extension?: string;
  /** Default `Fail`. */
  readonly severity?: "Fail" | "Warning";
}
