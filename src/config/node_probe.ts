import type { Clock } from "../domain/clock.ts";
import type { Codec } from "../domain/codec.ts";
import { NODE_ERRORS } from "../domain/node_error.ts";
import type { ApiFacts, ProtocolCall, RelayRequest } from "../domain/relay_request.ts";
import { NO_STEERING } from "../domain/steering.ts";
import type { ApiInterface } from "../domain/api_interface.ts";
import type { NodeCheck, NodeProbe, NodeQuestion, ProbeResult } from "../providers/node_probe.ts";
import type { Transport } from "../providers/transport.ts";
import { attempt } from "../relay/attempt.ts";
import { matchCall } from "../spec/api_facts.ts";
import type { Matcher } from "../spec/matcher.ts";
import { blockNumberOf, type NodeQuery, queryOf, verificationsOf } from "../spec/node_query.ts";

/** What the relay's own questions are asked with. */
export interface NodeProbeDeps {
  readonly chain: string;
  readonly apiInterface: ApiInterface;
  readonly codec: Codec;
  readonly matcher: Matcher;
  readonly transport: Transport;
  readonly clock: Clock;
}

/** The relay's own questions to nodes of a chain: those that its spec words, over the transport that relays take. */
export function createNodeProbe(deps: NodeProbeDeps): NodeProbe {
  // Templates of gRPC are JSON, which takes a node's own descriptors to be put into bytes.
  if (deps.apiInterface === "grpc") return { newestBlock: undefined, checks: [] };
  return { newestBlock: newestBlockQuestion(deps), checks: nodeChecks(deps) };
}

function newestBlockQuestion(deps: NodeProbeDeps): NodeQuestion | undefined {
  const query = queryOf(deps.matcher, "GET_BLOCKNUM");
  return query && createQuestion(deps, asBlockNumber(query));
}

/** All that the chain spec holds nodes to, as far as it can be asked. */
function nodeChecks(deps: NodeProbeDeps): NodeCheck[] {
  return verificationsOf(deps.matcher).flatMap((verification) => {
    const { name, query, addOn, extension, expectedValue, latestDistance, isFatal } = verification;
    const isAboutBlock = PLACEHOLDER.test(query.template);
    // The oldest block that a node has is compared as a number, however it is written.
    const question = createQuestion(deps, latestDistance > 0 && !isAboutBlock ? asBlockNumber(query) : query);
    if (question === undefined || (isAboutBlock && latestDistance === 0)) return [];
    const services = [addOn, extension].filter((service) => service !== "");
    return [{ name, question, services, expectedValue, latestDistance, isAboutBlock, isFatal }];
  });
}

/** The same question, of whose answer the block number counts. */
function asBlockNumber(query: NodeQuery): NodeQuery {
  const { read, readWhole } = query;
  return {
    ...query,
    read: (answer) => blockNumberOf(read(answer))?.toString(),
    readWhole: readWhole && ((answer) => blockNumberOf(readWhole(answer))?.toString()),
  };
}

/** Stands in a template for the block that the question is about. */
const PLACEHOLDER = /%[dxs]/;

/** Undefined for a question that the protocol can't put. */
function createQuestion(deps: NodeProbeDeps, query: NodeQuery): NodeQuestion | undefined {
  const { collection: { internal_path: path } } = query;
  if (prepare(deps, query, 1) === undefined) return undefined;
  return {
    fits: ({ nodeUrl: { internalPath } }) => internalPath === "" || internalPath === path,
    async ask(candidate, signal, block = 0): Promise<ProbeResult> {
      const prepared = prepare(deps, query, block);
      if (prepared === undefined) return { kind: "unknown", text: "it can't be asked", sample: undefined };
      const { request, api } = prepared;
      const { reading, sample } = await attempt(deps, request, { candidate, api }, signal);
      if (reading.kind === "failure") return { kind: "unknown", text: reading.error.message, sample };
      const { nodeError } = reading;
      const text = readText(deps.apiInterface, query, reading.body);
      // An error of the node's is an answer as well, where the spec looks into it.
      if (nodeError !== undefined && (text === undefined || query.readWhole === undefined)) {
        const isBusy = nodeError === "rate_limited" || NODE_ERRORS[nodeError].penalise;
        return { kind: isBusy ? "unknown" : "refusal", text: `it answered with an error (${nodeError})`, sample };
      }
      if (text === undefined) return { kind: "refusal", text: "its answer does not have what is asked for", sample };
      return { kind: "value", text, sample };
    },
  };
}

function prepare(
  { chain, apiInterface, codec, matcher, clock }: NodeProbeDeps,
  { template, collection }: NodeQuery,
  block: number,
): { readonly request: RelayRequest; readonly api: ApiFacts } | undefined {
  const text = template.replace(/%[dxs]/g, (mark) => block.toString(mark === "%x" ? 16 : 10));
  const call = decode(codec, apiInterface, collection.type, text);
  if (call === undefined) return undefined;
  const path = collection.internal_path || "/";
  const matched = matchCall(matcher, call.targets, { extensions: [], path, head: 0, servesExtension: () => false });
  if (matched.kind === "failure") return undefined;
  const { api } = matched;
  const request: RelayRequest = {
    caller: { project: "", origin: "", address: "" },
    steering: NO_STEERING,
    chain,
    apiInterface,
    call,
    api,
    nodeRequest: call.nodeRequest,
    arrivedAtUnixMs: clock.now(),
    arrivedAtMs: clock.monotonic(),
    signal: NEVER,
  };
  return { request, api };
}

const NEVER = new AbortController().signal;

/** The call that a template is: a path for REST, else a body. */
function decode(codec: Codec, apiInterface: ApiInterface, verb: string, template: string): ProtocolCall | undefined {
  const isRest = apiInterface === "rest";
  const [path = "", query = ""] = isRest ? template.split("?", 2) : ["/"];
  const decoded = codec.decode({
    verb: isRest ? verb || "GET" : "POST",
    path,
    query,
    header: (name) => name.toLowerCase() === "content-type" && !isRest ? "application/json" : null,
    body: isRest ? new Uint8Array() : new TextEncoder().encode(template),
  });
  return decoded.kind === "call" ? decoded.call : undefined;
}

/** What stands at the place of the answer that the spec names: of JSON-RPC in its `result`, of REST in the whole body. */
function readText(apiInterface: ApiInterface, query: NodeQuery, body: Uint8Array | null): string | undefined {
  if (body === null) return undefined;
  try {
    const answer: unknown = JSON.parse(new TextDecoder().decode(body));
    if (query.readWhole !== undefined) return query.readWhole(apiInterface === "rest" ? { result: answer } : answer);
    if (apiInterface === "rest") return query.read(answer);
    return typeof answer === "object" && answer !== null ? query.read(Reflect.get(answer, "result")) : undefined;
  } catch {
    return undefined;
  }
}
