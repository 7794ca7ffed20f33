import type { RelayError } from "../../domain/relay_error.ts";
import { JSON_RPC_CODES } from "../jsonrpc/errors.ts";

/** The `error` member for one of the relay's errors, as JSON. `data` is the relay's own name for it, and a text: its clients expect one. */
export function errorObject({ code, message }: RelayError): string {
  return JSON.stringify({ code: JSON_RPC_CODES[code], message, data: code });
}
