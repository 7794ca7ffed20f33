import type { RelayError, RelayErrorCode } from "../../domain/relay_error.ts";
import type { HeaderFields } from "../../domain/wire.ts";
import { encodeMessage, STATUS } from "./status.ts";

/** The status of each of the relay's own errors. */
const STATUS_OF = {
  parse_error: STATUS.INTERNAL,
  invalid_request: STATUS.INTERNAL,
  invalid_header: STATUS.INVALID_ARGUMENT,
  unsupported_api: STATUS.UNIMPLEMENTED,
  method_not_allowed: STATUS.UNIMPLEMENTED,
  body_timeout: STATUS.DEADLINE_EXCEEDED,
  body_too_large: STATUS.RESOURCE_EXHAUSTED,
  uri_too_long: STATUS.RESOURCE_EXHAUSTED,
  unsupported_media_type: STATUS.INTERNAL,
  batch_too_large: STATUS.RESOURCE_EXHAUSTED,
  rate_limited: STATUS.RESOURCE_EXHAUSTED,
  over_budget: STATUS.RESOURCE_EXHAUSTED,
  client_closed: STATUS.CANCELLED,
  no_provider: STATUS.UNAVAILABLE,
  no_agreement: STATUS.UNAVAILABLE,
  upstream_unreachable: STATUS.UNAVAILABLE,
  upstream_disconnected: STATUS.UNAVAILABLE,
  upstream_http_error: STATUS.UNAVAILABLE,
  upstream_rate_limited: STATUS.RESOURCE_EXHAUSTED,
  malformed_answer: STATUS.INTERNAL,
  answer_too_large: STATUS.RESOURCE_EXHAUSTED,
  upstream_timeout: STATUS.DEADLINE_EXCEEDED,
  shutting_down: STATUS.UNAVAILABLE,
  internal_error: STATUS.INTERNAL,
} as const satisfies Record<RelayErrorCode, number>;

/** One of the relay's errors as the fields that end a call. */
export function errorTrailers({ code, message }: RelayError, status: number = STATUS_OF[code]): HeaderFields {
  return [["grpc-status", String(status)], ["grpc-message", encodeMessage(message)], ["lava-error-code", code]];
}

/** The head of an answer that has nothing but a head. */
export function trailersOnly(trailers: HeaderFields): HeaderFields {
  return [[":status", "200"], ["content-type", "application/grpc"], ...trailers];
}
