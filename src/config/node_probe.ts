import type { ApiInterface } from "../domain/api_interface.ts";
import { failure } from "../domain/relay_error.ts";
import type { NodeRequest } from "../domain/wire.ts";
import type { NodeProbe, ProbeResult, Verification } from "../providers/node_probe.ts";
import type { NodeUrl } from "../providers/provider.ts";
import type { Transport } from "../providers/transport.ts";
import type { Matcher } from "../spec/matcher.ts";
import { blockNumberOf, type NodeQuery, type NodeVerification, queryOf, verificationsOf } from "../spec/node_query.ts";

/** The relay's own questions to nodes of a chain: those that its spec words, over the transport that relays take. */
export function createNodeProbe(apiInterface: ApiInterface, matcher: Matcher, transport: Transport): NodeProbe {
  // Templates of gRPC are JSON, which takes a node's own descriptors to be put into bytes.
  if (apiInterface === "grpc") return { newestBlock: undefined, verifications: [] };
  const ask = (query: NodeQuery, nodeUrl: NodeUrl, block: number, signal: AbortSignal) =>
    askNode(transport, apiInterface === "rest", query, nodeUrl, block, signal);
  const newest = queryOf(matcher, "GET_BLOCKNUM");
  return {
    newestBlock: newest && (async (nodeUrl, signal) => {
      const result = await ask(newest, nodeUrl, 0, signal);
      if (result.kind === "failure") return result;
      const block = blockNumberOf(result.text);
      return { kind: "value", text: block === undefined ? undefined : String(block) };
    }),
    verifications: verificationsOf(matcher).map((verification): Verification => ({
      name: verification.name,
      addOn: verification.addOn,
      extension: verification.extension,
      isFatal: verification.isFatal,
      async check(nodeUrl, head, signal) {
        const { latestDistance, query } = verification;
        const needsBlock = /%[dxs]/.test(query.template);
        // What is asked of an old block can't be asked before the newest one is known.
        if (head === 0 && (needsBlock || latestDistance > 0)) return undefined;
        const result = await ask(query, nodeUrl, Math.max(0, head - latestDistance), signal);
        if (result.kind === "failure") return result.error.message;
        return complaintAbout(result.text, verification, head, needsBlock);
      },
    })),
  };
}

/** What is wrong with an answer to a verification, if anything. */
function complaintAbout(
  text: string | undefined,
  { expectedValue, latestDistance }: NodeVerification,
  head: number,
  isOfBlock: boolean,
): string | undefined {
  if (text === undefined) return "its answer does not have what is asked for";
  if (expectedValue !== undefined && expectedValue !== "" && expectedValue !== "*") {
    return isSameValue(text, expectedValue) ? undefined : `it says ${text.slice(0, 100)} instead of ${expectedValue}`;
  }
  if (latestDistance === 0 || isOfBlock) return undefined;
  const oldest = blockNumberOf(text);
  if (oldest === undefined || oldest <= Math.max(0, head - latestDistance)) return undefined;
  return `its oldest block is ${oldest}, and ${latestDistance} blocks behind ${head} are needed`;
}

/** Whether two values are the same: texts but for case, or numbers in whatever notation. */
function isSameValue(text: string, expected: string): boolean {
  if (text.toLowerCase() === expected.toLowerCase()) return true;
  const [a, b] = [blockNumberOf(text), blockNumberOf(expected)];
  return a !== undefined && a === b;
}

async function askNode(
  transport: Transport,
  isRest: boolean,
  query: NodeQuery,
  nodeUrl: NodeUrl,
  block: number,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const sent = await transport.send(nodeUrl, requestOf(query, nodeUrl, block, isRest), "", signal);
  if (sent.kind === "failure") return sent;
  if (signal.aborted) return failure("upstream_timeout", "it did not answer in time");
  const { status, body } = sent.reply;
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return failure("malformed_answer", `its answer with HTTP status ${status} is not JSON`);
  }
  if (isRest) {
    return status >= 400
      ? failure("upstream_http_error", `it answered with HTTP status ${status}`)
      : { kind: "value", text: query.read(answer) };
  }
  const { result, error } = (answer ?? {}) as { result?: unknown; error?: { message?: unknown } | null };
  if (error !== undefined && error !== null) {
    return failure("upstream_http_error", `it answered with an error: ${String(error.message ?? "").slice(0, 200)}`);
  }
  return { kind: "value", text: query.read(result) };
}

function requestOf({ template, collection }: NodeQuery, nodeUrl: NodeUrl, block: number, isRest: boolean): NodeRequest {
  const text = template.replaceAll("%d", String(block)).replaceAll("%x", block.toString(16)).replaceAll(
    "%s",
    String(block),
  );
  if (isRest) {
    const [path = "", query = ""] = text.split("?", 2);
    return { verb: collection.type || "GET", path, query, headers: [], body: null };
  }
  const { internal_path: inner } = collection;
  const path = inner.startsWith("/") && inner !== nodeUrl.internalPath ? inner : "";
  const body = new TextEncoder().encode(text);
  return { verb: "POST", path, query: "", headers: [["content-type", "application/json"]], body };
}
