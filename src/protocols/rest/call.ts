import { failure, type RelayError } from "../../domain/relay_error.ts";
import type { ApiTarget, ProtocolCall, Reading } from "../../domain/relay_request.ts";
import { fieldOf, type HeaderFields, type NodeReply, type NodeRequest, type WireRequest } from "../../domain/wire.ts";
import type { WireResponse } from "../../domain/wire.ts";
import { queryObject } from "../uri.ts";
import { encodeError } from "./errors.ts";
import { classifyNodeError, errorBody } from "./node_errors.ts";

/** A REST call. */
export class RestCall implements ProtocolCall {
  readonly targets: readonly ApiTarget[];
  readonly isBatch = false;
  readonly nodeRequest: NodeRequest;

  constructor(request: WireRequest) {
    const { path, query, body } = request;
    // A node need not know HEAD: it is asked for the whole, of which the host sends the head.
    const verb = request.verb === "HEAD" ? "GET" : request.verb;
    const type = body.length > 0 ? request.header("content-type") : null;
    this.targets = [{ name: path, verb, params: () => queryObject(query) }];
    this.nodeRequest = {
      verb,
      path,
      query,
      headers: type === null ? [] : [["content-type", type]],
      body: body.length > 0 ? body : null,
    };
  }

  readReply({ status, headers, body }: NodeReply): Reading {
    if (status === 429) return failure("upstream_rate_limited", "the node asked for fewer requests");
    if (status >= 200 && status < 300) {
      const type = typeOf(headers);
      return { kind: "answer", status, headers: type, succeededParts: 1, failedParts: 0, nodeError: undefined, body };
    }
    if (status < 400 || status > 599) {
      return failure("malformed_answer", `the node answered with HTTP status ${status}`);
    }
    const error = errorBody(body);
    // Without an object that says what failed, it is what stands before the node that says so.
    if (error === undefined && (status >= 500 || KEY_REFUSALS.includes(status))) {
      return failure("upstream_http_error", `the node answered with HTTP status ${status}`);
    }
    const nodeError = classifyNodeError(status, error);
    return { kind: "answer", status, headers: typeOf(headers), succeededParts: 0, failedParts: 1, nodeError, body };
  }

  encodeError(error: RelayError): WireResponse {
    return encodeError(error);
  }
}

/** Statuses by which a node, or what stands before it, refuses the relay and not the call. */
const KEY_REFUSALS = [401, 402, 403, 407];

function typeOf(headers: HeaderFields): HeaderFields {
  const type = fieldOf(headers, "content-type");
  return type === undefined ? [] : [["content-type", type]];
}
