import type { NodeErrorClass } from "../../domain/node_error.ts";
import type { RelayError } from "../../domain/relay_error.ts";
import { joinTexts, type NodeError } from "../node_error_rule.ts";
import type { Span } from "./envelope.ts";
import { errorObject } from "./errors.ts";
import { classifyNodeError } from "./node_errors.ts";

/** What protocols that are made of JSON-RPC messages differ in. */
export interface Dialect {
  /**
   * Version that nodes are asked in and that callers get. 1.0 has no `jsonrpc` member, and both `result` and `error` in
   * every answer; its callers may leave the version away, and it answers a request without an id under `null`.
   */
  readonly version: "1.0" | "2.0";
  /** What kind of error a node's error object is. */
  classify(error: NodeError): NodeErrorClass;
  /** The `error` member for one of the relay's errors, as JSON. */
  errorObject(error: RelayError): string;
}

/** JSON-RPC 2.0, as most chains speak it. */
export const JSON_RPC_2: Dialect = { version: "2.0", classify: classifyNodeError, errorObject };

/** JSON-RPC 1.0, as Bitcoin and its kin speak it. */
export const JSON_RPC_1: Dialect = { version: "1.0", classify: classifyNodeError, errorObject };

/** Chains that speak JSON-RPC 1.0. */
const UTXO_CHAINS: ReadonlySet<string> = new Set(["BTC", "BTCT", "LTC", "LTCT", "DOGE", "DOGET", "BCH", "BCHT"]);

/** The dialect of a chain, by its index. */
export function dialectOf(chain: string): Dialect {
  return UTXO_CHAINS.has(chain) ? JSON_RPC_1 : JSON_RPC_2;
}

/** Longest error object that is looked into; longer ones are of an unknown kind. */
const MAX_ERROR_BYTES = 65_536;

/** Reads an error object of a node. */
export function readNodeError(body: Uint8Array, { start, end }: Span): NodeError {
  if (end - start > MAX_ERROR_BYTES) return { code: undefined, text: "" };
  const { code, message, data, cause } = JSON.parse(new TextDecoder().decode(body.subarray(start, end)));
  return {
    code: typeof code === "number" ? code : undefined,
    text: joinTexts(message, data, data?.message, cause?.name),
  };
}
