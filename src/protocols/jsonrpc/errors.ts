import type { RelayError, RelayErrorCode } from "../../domain/relay_error.ts";

const INVALID_REQUEST = -32600;
const INTERNAL_ERROR = -32603;

/** The JSON-RPC error code of each of the relay's errors. */
export const JSON_RPC_CODES = {
  parse_error: -32700,
  invalid_request: INVALID_REQUEST,
  invalid_header: INVALID_REQUEST,
  unsupported_api: -32601,
  method_not_allowed: INVALID_REQUEST,
  body_timeout: INVALID_REQUEST,
  body_too_large: INVALID_REQUEST,
  uri_too_long: INVALID_REQUEST,
  unsupported_media_type: INVALID_REQUEST,
  batch_too_large: 429,
  rate_limited: 429,
  over_budget: 429,
  client_closed: INTERNAL_ERROR,
  no_provider: INTERNAL_ERROR,
  no_agreement: INTERNAL_ERROR,
  upstream_unreachable: INTERNAL_ERROR,
  upstream_disconnected: INTERNAL_ERROR,
  upstream_http_error: INTERNAL_ERROR,
  upstream_rate_limited: INTERNAL_ERROR,
  malformed_answer: INTERNAL_ERROR,
  answer_too_large: INTERNAL_ERROR,
  upstream_timeout: INTERNAL_ERROR,
  shutting_down: INTERNAL_ERROR,
  internal_error: INTERNAL_ERROR,
} as const satisfies Record<RelayErrorCode, number>;

/** The `error` member for one of the relay's errors, as JSON. `data.code` is the relay's own name for it. */
export function errorObject({ code, message }: RelayError): string {
  return JSON.stringify({ code: JSON_RPC_CODES[code], message, data: { code } });
}
