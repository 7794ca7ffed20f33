import type { ApiInterface } from "../domain/api_interface.ts";
import type { ApiTarget } from "../domain/relay_request.ts";
import { decodeBody } from "../protocols/jsonrpc/decode.ts";

/** The APIs that a request on the command line calls, or why it can't be read. */
export type ReadTargets =
  | {
    readonly kind: "targets";
    readonly targets: readonly ApiTarget[];
    readonly path: string;
    readonly isBatch: boolean;
  }
  | { readonly kind: "mistake"; readonly message: string };

/** Most calls of a batch. */
const MAX_BATCH = 10_000;

/**
 * Reads a request as it would be sent: JSON for `jsonrpc` and `tendermintrpc` (`jsonrpc`, `id` may be left out), a path
 * with its query for `rest` and for Tendermint's URI form, `package.Service/Method` for `grpc`.
 */
export function readTargets(apiInterface: ApiInterface, request: string, verb: string): ReadTargets {
  if (apiInterface === "grpc") return single(request.replace(/^\//, ""), "", () => undefined);
  if (apiInterface === "rest" || request.startsWith("/")) {
    const [path = "", query = ""] = request.split("?", 2);
    const params = () => Object.fromEntries(new URLSearchParams(query));
    return apiInterface === "rest" ? single(path, verb || "GET", params) : single(path.replace(/^\//, ""), "", params);
  }
  return readCalls(request);
}

function single(name: string, verb: string, params: () => unknown): ReadTargets {
  return { kind: "targets", targets: [{ name, verb, params }], path: "/", isBatch: false };
}

function readCalls(text: string): ReadTargets {
  const decoded = decodeBody(new TextEncoder().encode(withEnvelope(text)), MAX_BATCH);
  if (decoded.kind === "failure") return { kind: "mistake", message: decoded.error.message };
  const targets: ApiTarget[] = [];
  for (const element of decoded.elements) {
    if (element.kind === "failure") return { kind: "mistake", message: element.error.message };
    const { name } = element.call;
    const params = paramsIn(text, targets.length);
    targets.push({ name, verb: "POST", params: () => params });
  }
  return { kind: "targets", targets, path: "/", isBatch: decoded.isBatch };
}

/** The request with the version that whoever types it may leave out. */
function withEnvelope(text: string): string {
  try {
    const content: unknown = JSON.parse(text);
    const complete = (call: unknown) =>
      typeof call === "object" && call !== null && !Array.isArray(call) ? { jsonrpc: "2.0", ...call } : call;
    return JSON.stringify(Array.isArray(content) ? content.map(complete) : complete(content));
  } catch {
    return text;
  }
}

function paramsIn(text: string, index: number): unknown {
  const content = JSON.parse(text);
  return (Array.isArray(content) ? content[index] : content)?.params;
}
