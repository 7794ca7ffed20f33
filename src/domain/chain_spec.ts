import type { ApiInterface } from "./api_interface.ts";

/** A chain spec in the ecosystem's JSON format. Member names are the format's own. */
export interface ChainSpec {
  /** Name of the chain in configurations and events, such as `ETH1`. */
  readonly index: string;
  readonly name: string;
  readonly enabled: boolean;
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
  /** HTTP verb. */
  readonly type: string;
  /** Empty for the base collection; else a group of APIs that only some nodes serve, such as `debug`. */
  readonly add_on: string;
}

/** APIs that one kind of node serves at one path over one interface. */
export interface ApiCollection {
  readonly enabled: boolean;
  readonly collection_data: CollectionData;
  readonly apis: readonly Api[];
  readonly extensions?: readonly Extension[];
}

/** One API (a method) and its price. */
export interface Api {
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

/** Where the requested block stands in the request. */
export interface BlockParsing {
  readonly parser_func: string;
  readonly parser_arg: readonly string[];
}

/** Something extra that a node may be able to serve for the same APIs, at a higher price. */
export interface Extension {
  readonly name: string;
  /** Factor on the compute units of a request that uses the extension. */
  readonly cu_multiplier: number;
  readonly rule?: { readonly block?: number };
}
