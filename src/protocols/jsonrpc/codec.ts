import type { Codec } from "../../domain/codec.ts";
import { failure, type RelayError, traitsOf } from "../../domain/relay_error.ts";
import type { WireRequest, WireResponse } from "../../domain/wire.ts";
import { JsonRpcCall } from "./call.ts";
import { decodeBody } from "./decode.ts";
import { errorMessage, joinMessages, JSON_HEADERS } from "./message.ts";

/** Limits of the codec. */
export interface JsonRpcCodecOptions {
  /** Most calls in one batch. */
  readonly maxBatchSize: number;
}

/** Media types of a request's body, in lower case, without parameters. */
const MEDIA_TYPES = ["application/json", "application/json-rpc", "application/jsonrequest"];

/** The codec of JSON-RPC 2.0 over HTTP. */
export function createJsonRpcCodec({ maxBatchSize }: JsonRpcCodecOptions): Codec {
  return {
    verbs: ["POST"],
    decode(request) {
      const mediaError = checkMediaType(request);
      if (mediaError !== undefined) return { kind: "response", response: encodeError(mediaError) };
      const decoded = decodeBody(request.body, maxBatchSize);
      if (decoded.kind === "failure") return { kind: "response", response: encodeError(decoded.error) };
      const call = new JsonRpcCall(request.body, decoded.elements, decoded.isBatch);
      return call.targets.length > 0 ? { kind: "call", call } : { kind: "response", response: call.encodeInvalid() };
    },
    encodeError,
  };
}

/** What is wrong with the body's declared form, if anything. A request that declares none is taken at its word. */
function checkMediaType(request: WireRequest): RelayError | undefined {
  const contentType = request.header("content-type");
  if (contentType === null || MEDIA_TYPES.includes(contentType.split(";")[0]!.trim().toLowerCase())) return undefined;
  return failure("unsupported_media_type", `this content type is not read here; send ${MEDIA_TYPES[0]}`).error;
}

function encodeError(error: RelayError): WireResponse {
  const body = joinMessages([errorMessage(error)], false);
  return { status: traitsOf(error.code).httpStatus, headers: JSON_HEADERS, body };
}
