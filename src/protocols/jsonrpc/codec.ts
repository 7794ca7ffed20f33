import type { Codec } from "../../domain/codec.ts";
import { type RelayError, traitsOf } from "../../domain/relay_error.ts";
import { JsonRpcCall } from "./call.ts";
import { decodeBody } from "./decode.ts";
import { errorMessage, joinMessages } from "./message.ts";

/** Limits of the codec. */
export interface JsonRpcCodecOptions {
  /** Most calls in one batch. */
  readonly maxBatchSize: number;
}

/** The codec of JSON-RPC 2.0 over HTTP. */
export function createJsonRpcCodec({ maxBatchSize }: JsonRpcCodecOptions): Codec {
  return {
    mediaTypes: ["application/json", "application/json-rpc", "application/jsonrequest"],
    decode(body) {
      const decoded = decodeBody(body, maxBatchSize);
      if (decoded.kind === "failure") return { kind: "response", response: errorResponse(decoded.error) };
      const call = new JsonRpcCall(body, decoded.elements, decoded.isBatch);
      if (call.names.length > 0) return { kind: "call", call };
      return { kind: "response", response: { status: call.isBatch ? 200 : 400, body: call.encodeInvalid() } };
    },
    encodeError,
  };
}

function encodeError(error: RelayError): Uint8Array<ArrayBuffer> {
  return joinMessages([errorMessage(error)], false);
}

function errorResponse(error: RelayError): { status: number; body: Uint8Array<ArrayBuffer> } {
  return { status: traitsOf(error.code).httpStatus, body: encodeError(error) };
}
