/** What the pipeline does with an error of each kind. */
export interface RelayErrorTraits {
  /** HTTP status of the response to the client. */
  readonly httpStatus: number;
  /** Who has to change something for the next call to work. */
  readonly fault: "client" | "upstream" | "relay";
  /** Whether another provider may do better. */
  readonly askAnother: boolean;
  /** Whether the node that caused it is left alone for a while. */
  readonly penalise: boolean;
  /** Whether the node answered, so that the call is charged although it failed. */
  readonly charged: boolean;
}

const CLIENT = { fault: "client", askAnother: false, penalise: false, charged: false } as const;
const UPSTREAM = { fault: "upstream", askAnother: true, penalise: true, charged: false } as const;
const RELAY = { fault: "relay", askAnother: false, penalise: false, charged: false } as const;

/**
 * Every error that the relay itself can answer with. A node's own error is not among them: it is an answer.
 *
 * Each codec maps all of these to its protocol's own codes, or does not compile.
 */
export const RELAY_ERRORS = {
  /** The body is not what the protocol's grammar allows. */
  parse_error: { ...CLIENT, httpStatus: 400 },
  /** The body can be parsed and is not a request. */
  invalid_request: { ...CLIENT, httpStatus: 400 },
  /** A header that steers the relay or names the caller has a value that it can't have. */
  invalid_header: { ...CLIENT, httpStatus: 400 },
  /** An API that can't be had over this interface. */
  unsupported_api: { ...CLIENT, httpStatus: 400 },
  /** An HTTP verb that this interface does not use. */
  method_not_allowed: { ...CLIENT, httpStatus: 405 },
  /** The body did not arrive in time. */
  body_timeout: { ...CLIENT, httpStatus: 408 },
  /** The body is larger than the relay accepts. */
  body_too_large: { ...CLIENT, httpStatus: 413 },
  /** The path or the query is longer than the relay accepts. */
  uri_too_long: { ...CLIENT, httpStatus: 414 },
  /** The body's content type or content encoding is not one that this interface reads. */
  unsupported_media_type: { ...CLIENT, httpStatus: 415 },
  /** More calls in one batch than the relay accepts. */
  batch_too_large: { ...CLIENT, httpStatus: 429 },
  /** More requests, subscriptions or connections than the caller may have. */
  rate_limited: { ...CLIENT, httpStatus: 429 },
  /** The caller's project has used the compute units that it may use. */
  over_budget: { ...CLIENT, httpStatus: 429 },
  /** The client went away before the answer. */
  client_closed: { ...CLIENT, httpStatus: 499 },
  /** No configured provider serves what was asked. */
  no_provider: { ...UPSTREAM, httpStatus: 502, askAnother: false, penalise: false },
  /** Too few nodes gave the same answer, where the caller asked for agreement. */
  no_agreement: { ...UPSTREAM, httpStatus: 502, askAnother: false, penalise: false },
  /** No connection to the node could be made, so the node can't have seen the request. */
  upstream_unreachable: { ...UPSTREAM, httpStatus: 502 },
  /** The connection to the node broke before its answer was complete. */
  upstream_disconnected: { ...UPSTREAM, httpStatus: 502 },
  /** The node answered with an HTTP error and nothing that the protocol could read. */
  upstream_http_error: { ...UPSTREAM, httpStatus: 502, charged: true },
  /** The node, or what stands before it, asked for fewer requests. */
  upstream_rate_limited: { ...UPSTREAM, httpStatus: 502, charged: true },
  /** The node's answer breaks the protocol. */
  malformed_answer: { ...UPSTREAM, httpStatus: 502 },
  /** The node's answer is larger than the relay accepts. */
  answer_too_large: { ...UPSTREAM, httpStatus: 502, askAnother: false, penalise: false },
  /** The node did not answer in time. */
  upstream_timeout: { ...UPSTREAM, httpStatus: 504 },
  /** The relay is on its way out. */
  shutting_down: { ...RELAY, httpStatus: 503 },
  /** A mistake in the relay. */
  internal_error: { ...RELAY, httpStatus: 500 },
} as const satisfies Record<string, RelayErrorTraits>;

/** Name of an error that the relay itself answers with. */
export type RelayErrorCode = keyof typeof RELAY_ERRORS;

/** An error as a value: what failed, in words that tell the reader what to do. Names providers, never their URLs. */
export interface RelayError {
  readonly code: RelayErrorCode;
  readonly message: string;
}

/** The traits of an error code. */
export function traitsOf(code: RelayErrorCode): RelayErrorTraits {
  return RELAY_ERRORS[code];
}

/** The client has gone, and nothing that is said will reach it. */
export const CLIENT_CLOSED: RelayError = { code: "client_closed", message: "the client went away" };

/** The relay is on its way out. */
export const SHUTTING_DOWN: RelayError = {
  code: "shutting_down",
  message: "the relay is shutting down; send the request again",
};

/** An error value, and the shape that functions return it in: `{ kind: "failure", error }`. */
export function failure(code: RelayErrorCode, message: string): { kind: "failure"; error: RelayError } {
  return { kind: "failure", error: { code, message } };
}
