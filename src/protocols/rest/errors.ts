import { type RelayError, type RelayErrorCode, traitsOf } from "../../domain/relay_error.ts";
import type { WireResponse } from "../../domain/wire.ts";

/** The numbers that REST gateways of gRPC services give each of the relay's errors. */
const CODES = {
  parse_error: 3,
  invalid_request: 3,
  invalid_header: 3,
  unsupported_api: 12,
  method_not_allowed: 12,
  body_timeout: 3,
  body_too_large: 3,
  uri_too_long: 3,
  unsupported_media_type: 3,
  batch_too_large: 3,
  rate_limited: 8,
  over_budget: 8,
  client_closed: 1,
  no_provider: 14,
  upstream_unreachable: 14,
  upstream_disconnected: 14,
  upstream_http_error: 14,
  upstream_rate_limited: 14,
  malformed_answer: 14,
  no_agreement: 14,
  answer_too_large: 14,
  upstream_timeout: 4,
  shutting_down: 14,
  internal_error: 13,
} as const satisfies Record<RelayErrorCode, number>;

const encoder = new TextEncoder();
const JSON_HEADERS = [["content-type", "application/json"]] as const;

/** What gateways say about a path that they don't serve, to the letter. */
const NOT_IMPLEMENTED: WireResponse = {
  status: 501,
  headers: JSON_HEADERS,
  body: encoder.encode('{"code":12,"message":"Not Implemented","details":[]}'),
};

/** One of the relay's errors in the shape of a gateway; `error` is the relay's own name for it. */
export function encodeError({ code, message }: RelayError): WireResponse {
  if (code === "unsupported_api") return NOT_IMPLEMENTED;
  const text = JSON.stringify({ error: code, code: CODES[code], message, details: [] });
  return { status: traitsOf(code).httpStatus, headers: JSON_HEADERS, body: encoder.encode(text) };
}
