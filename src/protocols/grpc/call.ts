import { failure, type RelayError } from "../../domain/relay_error.ts";
import type { ProtocolCall } from "../../domain/relay_request.ts";
import { fieldOf, type HeaderFields } from "../../domain/wire.ts";
import { errorTrailers } from "./errors.ts";
import { forwardedMetadata } from "./metadata.ts";
import { isGrpc } from "./read_answer.ts";
import { readHead, readTrailers } from "./read_answer.ts";
import { parseTimeout } from "../../domain/grpc_timeout.ts";

/** The head of a request, read. */
export interface GrpcCall {
  readonly call: ProtocolCall;
  /** Milliseconds that the caller waits; undefined when it did not say. */
  readonly timeoutMs: number | undefined;
}

/** A call, the words of what is wrong with it, or what HTTP says to a request that is no gRPC at all. */
export type DecodedHead =
  | { readonly kind: "call"; readonly call: GrpcCall }
  | { readonly kind: "failure"; readonly error: RelayError }
  | { readonly kind: "http"; readonly status: 405 | 415 };

const MAX_PATH_CHARS = 1_024;

/** Reads the head of a request. */
export function decodeHead(fields: HeaderFields): DecodedHead {
  if (fieldOf(fields, ":method") !== "POST") return { kind: "http", status: 405 };
  const contentType = fieldOf(fields, "content-type") ?? "";
  if (!isGrpc(contentType)) return { kind: "http", status: 415 };
  const path = fieldOf(fields, ":path") ?? "";
  if (path.length > MAX_PATH_CHARS || !/^\/[^/?#]+\/[^/?#]+$/.test(path)) {
    return failure("unsupported_api", "the path is not /package.Service/Method");
  }
  const timeoutText = fieldOf(fields, "grpc-timeout");
  const timeoutMs = timeoutText === undefined ? undefined : parseTimeout(timeoutText);
  if (timeoutText !== undefined && timeoutMs === undefined) {
    return failure("invalid_header", "grpc-timeout must be up to eight digits and one of H, M, S, m, u, n");
  }
  const headers: HeaderFields = [["content-type", contentType], ...forwardedMetadata(fields)];
  return { kind: "call", call: { call: createCall(path, headers, null), timeoutMs } };
}

/** The call with its body, for a request that is complete. */
export function createCall(path: string, headers: HeaderFields, body: Uint8Array<ArrayBuffer> | null): ProtocolCall {
  return {
    targets: [{ name: path.slice(1), verb: "", params: () => undefined }],
    isBatch: false,
    nodeRequest: { verb: "POST", path, query: "", headers, body },
    readReply({ headers, body, trailers }) {
      const isEnd = trailers.length === 0;
      const head = readHead(headers, isEnd);
      const reading = head.kind === "open" ? readTrailers(trailers) : head;
      if (reading.kind === "failure") return reading;
      const nodeError = reading.kind === "end" ? reading.nodeError : undefined;
      const parts = nodeError === undefined
        ? { succeededParts: 1, failedParts: 0 }
        : { succeededParts: 0, failedParts: 1 };
      return { kind: "answer", status: 200, headers, trailers, ...parts, nodeError, body: isEnd ? null : body };
    },
    encodeError: (error) => ({
      status: 200,
      headers: [["content-type", "application/grpc"], ...errorTrailers(error)],
      body: null,
    }),
  };
}

/** Methods that say what there is, or whether it is well: they go to a node and are not on the bill. */
export function isUnmetered(name: string): boolean {
  return /^grpc\.(?:reflection\.v1(?:alpha)?\.ServerReflection|health\.v1\.Health)\//.test(name);
}
