import type { NodeErrorClass } from "../../domain/node_error.ts";
import { failure, type RelayError, traitsOf } from "../../domain/relay_error.ts";
import type { ApiTarget, ProtocolCall, Reading } from "../../domain/relay_request.ts";
import { fieldOf, type NodeReply, type NodeRequest, type WireResponse } from "../../domain/wire.ts";
import { readNodeError } from "../jsonrpc/dialect.ts";
import { JSON_HEADERS } from "../jsonrpc/message.ts";
import { readMessages } from "../jsonrpc/read_reply.ts";
import { queryObject } from "../uri.ts";
import { errorObject } from "./errors.ts";
import { classifyNodeError } from "./node_errors.ts";

/** A call in the URI form. Its answers have the id -1. */
export class UriCall implements ProtocolCall {
  readonly targets: readonly ApiTarget[];
  readonly isBatch = false;
  readonly nodeRequest: NodeRequest;

  constructor(path: string, query: string) {
    this.targets = [{ name: path.slice(1), verb: "GET", params: () => argumentsOf(query) }];
    this.nodeRequest = { verb: "GET", path, query, headers: [], body: null };
  }

  readReply(reply: NodeReply): Reading {
    const { status, headers, body } = reply;
    const read = readMessages(reply);
    if (read.kind === "failure") {
      // Nodes say in plain text that they know no such method, or that the query can't be read.
      return PLAIN_REFUSALS.includes(status) ? answer(reply, "deterministic") : read;
    }
    const [message] = read.messages;
    if (read.isBatch || message === undefined) return failure("malformed_answer", "the node's answer is no response");
    const { error } = message.envelope;
    if (message.isError && error !== undefined) return answer(reply, classifyNodeError(readNodeError(body, error)));
    return status >= 400 ? answer(reply, "unknown") : {
      kind: "answer",
      status,
      headers: typeOf(headers),
      succeededParts: 1,
      failedParts: 0,
      nodeError: undefined,
      body,
    };
  }

  encodeError(error: RelayError): WireResponse {
    return encodeUriError(error);
  }
}

const PLAIN_REFUSALS = [400, 404, 405];

function answer({ status, headers, body }: NodeReply, nodeError: NodeErrorClass): Reading {
  return { kind: "answer", status, headers: typeOf(headers), succeededParts: 0, failedParts: 1, nodeError, body };
}

function typeOf(headers: NodeReply["headers"]): NodeReply["headers"] {
  const type = fieldOf(headers, "content-type");
  return type === undefined || type === "application/json" ? JSON_HEADERS : [["content-type", type]];
}

/** One of the relay's errors as the answer to a call in the URI form. */
export function encodeUriError(error: RelayError): WireResponse {
  const body = new TextEncoder().encode(`{"jsonrpc":"2.0","id":-1,"error":${errorObject(error)}}`);
  return { status: traitsOf(error.code).httpStatus, headers: JSON_HEADERS, body };
}

/** The arguments of a query, texts without their quotes. */
function argumentsOf(query: string): Record<string, string> {
  const values = queryObject(query);
  for (const [name, value] of Object.entries(values)) {
    if (value.length > 1 && value.startsWith('"') && value.endsWith('"')) values[name] = value.slice(1, -1);
  }
  return values;
}
