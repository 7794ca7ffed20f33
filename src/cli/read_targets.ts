import { codecOf } from "../config/http_options.ts";
import type { ApiInterface } from "../domain/api_interface.ts";
import type { ApiTarget } from "../domain/relay_request.ts";

/** The APIs that a request on the command line calls, or why it can't be read. */
export type ReadTargets =
  | {
    readonly kind: "targets";
    readonly targets: readonly ApiTarget[];
    readonly path: string;
    readonly isBatch: boolean;
  }
  | { readonly kind: "mistake"; readonly message: string };

/**
 * Reads a request as it would be sent: JSON for `jsonrpc` and `tendermintrpc` (`jsonrpc`, `id` may be left out), a path
 * with its query for `rest` and for Tendermint's URI form, `package.Service/Method` for `grpc`.
 */
export function readTargets(chainId: string, apiInterface: ApiInterface, request: string, verb: string): ReadTargets {
  const codec = codecOf(apiInterface, { chainId, providers: [] });
  if (codec === undefined) {
    const target = { name: request.replace(/^\//, ""), verb: "", params: () => undefined };
    return { kind: "targets", targets: [target], path: "/", isBatch: false };
  }
  const isUri = request.startsWith("/");
  const [path = "/", query = ""] = isUri ? request.split("?", 2) : ["/"];
  const decoded = codec.decode({
    verb: isUri ? verb || "GET" : "POST",
    path,
    query,
    header: () => null,
    body: new TextEncoder().encode(isUri ? "" : withVersion(request)),
  });
  if (decoded.kind === "call") {
    const { targets, isBatch } = decoded.call;
    return { kind: "targets", targets, path: "/", isBatch };
  }
  const { body } = decoded.response;
  return { kind: "mistake", message: messageOf(body === null ? "" : new TextDecoder().decode(body)) };
}

/** The request with the version and the id that whoever types it may leave out. */
function withVersion(text: string): string {
  try {
    const content: unknown = JSON.parse(text);
    const complete = (call: unknown) =>
      typeof call === "object" && call !== null && !Array.isArray(call) ? { jsonrpc: "2.0", id: 1, ...call } : call;
    return JSON.stringify(Array.isArray(content) ? content.map(complete) : complete(content));
  } catch {
    return text;
  }
}

/** What the protocol's own error says. */
function messageOf(text: string): string {
  return /"message":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? "can't be read";
}
