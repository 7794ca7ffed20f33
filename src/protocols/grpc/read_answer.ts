import type { NodeErrorClass } from "../../domain/node_error.ts";
import { failure } from "../../domain/relay_error.ts";
import type { StreamReading } from "../../domain/stream_call.ts";
import { fieldOf, type HeaderFields } from "../../domain/wire.ts";
import { decodeMessage, STATUS } from "./status.ts";

/** What the head of a node's answer says. */
export function readHead(fields: HeaderFields, isEnd: boolean): StreamReading {
  const hasStatus = fieldOf(fields, "grpc-status") !== undefined;
  if (isEnd && hasStatus) return readTrailers(fields);
  const httpStatus = fieldOf(fields, ":status") ?? "";
  if (httpStatus === "429") return failure("upstream_rate_limited", "the node answered with HTTP status 429");
  if (httpStatus !== "200") return failure("upstream_http_error", `the node answered with HTTP status ${httpStatus}`);
  const contentType = fieldOf(fields, "content-type") ?? "";
  if (!isGrpc(contentType)) return failure("malformed_answer", "the node's answer is not gRPC");
  return isEnd ? failure("malformed_answer", "the node's answer has no status") : { kind: "open" };
}

/** What the trailers of a node's answer say. */
export function readTrailers(fields: HeaderFields): StreamReading {
  const text = fieldOf(fields, "grpc-status") ?? "";
  if (!/^\d{1,9}$/.test(text)) return failure("malformed_answer", "the node's answer has no status");
  const status = Number(text);
  if (status === STATUS.OK) return { kind: "end", nodeError: undefined };
  return { kind: "end", nodeError: nodeErrorOf(status, decodeMessage(fieldOf(fields, "grpc-message") ?? "")) };
}

/** Whether a content type is gRPC's. */
export function isGrpc(contentType: string): boolean {
  return /^application\/grpc(?:$|[+; ])/i.test(contentType);
}

/** Words of nodes that no longer have what was asked for, or not yet. */
const MISSING_DATA = /pruned|not available, lowest height|failed to load state at height|version does not exist/i;
/** A message over a limit is too large on every node. */
const TOO_LARGE = /larger than max|message too large/i;

function nodeErrorOf(status: number, message: string): NodeErrorClass {
  if (MISSING_DATA.test(message)) return "missing_data";
  switch (status) {
    case STATUS.UNAVAILABLE:
      return "overloaded";
    case STATUS.RESOURCE_EXHAUSTED:
      return TOO_LARGE.test(message) ? "deterministic" : "rate_limited";
    case STATUS.INVALID_ARGUMENT:
    case STATUS.NOT_FOUND:
    case STATUS.ALREADY_EXISTS:
    case STATUS.FAILED_PRECONDITION:
    case STATUS.OUT_OF_RANGE:
    case STATUS.UNIMPLEMENTED:
      return "deterministic";
    default:
      return "unknown";
  }
}
