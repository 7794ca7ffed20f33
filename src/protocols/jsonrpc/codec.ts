import type { Codec } from "../../domain/codec.ts";
import { failure, type RelayError, traitsOf } from "../../domain/relay_error.ts";
import type { WireRequest, WireResponse } from "../../domain/wire.ts";
import { JsonRpcCall } from "./call.ts";
import { decodeBody } from "./decode.ts";
import { type Dialect, JSON_RPC_2 } from "./dialect.ts";
import { errorMessage, joinMessages, JSON_HEADERS } from "./message.ts";

/** Limits of the codec. */
export interface JsonRpcCodecOptions {
  /** Most calls in one batch. */
  readonly maxBatchSize: number;
}

/** Media types of a request's body, in lower case, without parameters. */
const MEDIA_TYPES = ["application/json", "application/json-rpc", "application/jsonrequest"];

/** The codec of JSON-RPC over HTTP. */
export function createJsonRpcCodec(options: JsonRpcCodecOptions, dialect: Dialect = JSON_RPC_2): Codec {
  return {
    verbs: ["POST"],
    decode: (request) => decodeJsonRpc(request, options, dialect),
    encodeError: (error) => encodeJsonRpcError(error, dialect),
  };
}

/** Reads a request whose body is JSON-RPC. */
export function decodeJsonRpc(
  request: WireRequest,
  { maxBatchSize }: JsonRpcCodecOptions,
  dialect: Dialect,
): ReturnType<Codec["decode"]> {
  const refuse = (error: RelayError) => ({ kind: "response", response: encodeJsonRpcError(error, dialect) } as const);
  const mediaError = checkMediaType(request);
  if (mediaError !== undefined) return refuse(mediaError);
  const decoded = decodeBody(request.body, maxBatchSize, dialect.version);
  if (decoded.kind === "failure") return refuse(decoded.error);
  const call = new JsonRpcCall(decoded.elements, decoded.isBatch, dialect);
  return call.targets.length > 0 ? { kind: "call", call } : { kind: "response", response: call.encodeInvalid() };
}

/** An error that answers no call. */
export function encodeJsonRpcError(error: RelayError, dialect: Dialect): WireResponse {
  const body = joinMessages([errorMessage(dialect, error)], false);
  return { status: traitsOf(error.code).httpStatus, headers: JSON_HEADERS, body };
}

/** What is wrong with the body's declared form, if anything. A request that declares none is taken at its word. */
function checkMediaType(request: WireRequest): RelayError | undefined {
  const contentType = request.header("content-type");
  if (contentType === null || contentType === MEDIA_TYPES[0]) return undefined;
  if (MEDIA_TYPES.includes(contentType.split(";")[0]!.trim().toLowerCase())) return undefined;
  return failure("unsupported_media_type", `this content type is not read here; send ${MEDIA_TYPES[0]}`).error;
}
