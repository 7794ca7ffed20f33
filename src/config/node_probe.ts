import type { ApiInterface } from "../domain/api_interface.ts";
import type { Clock } from "../domain/clock.ts";
import { NODE_ERRORS } from "../domain/node_error.ts";
import type { ApiFacts, ProtocolCall, RelayRequest } from "../domain/relay_request.ts";
import { NO_STEERING } from "../domain/steering.ts";
import type { NodeCheck, NodeProbe, NodeQuestion, ProbeResult } from "../providers/node_probe.ts";
import type { Transport } from "../providers/transport.ts";
import { attempt } from "../relay/attempt.ts";
import { matchCall } from "../spec/api_facts.ts";
import type { Matcher } from "../spec/matcher.ts";
import { blockNumberOf, type NodeQuery, queryOf, verificationsOf } from "../spec/node_query.ts";
import { fillIn, type NodeWording } from "./node_wording.ts";

/** What the relay's own questions are asked with. */
export interface NodeProbeDeps {
  readonly chain: string;
  readonly apiInterface: ApiInterface;
  readonly wording: NodeWording;
  readonly matcher: Matcher;
  readonly transport: Transport;
  readonly clock: Clock;
}

/** The relay's own questions to nodes of a chain: those that its spec words, over the transport that relays take. */
export function createNodeProbe(deps: NodeProbeDeps): NodeProbe {
  return { newestBlock: newestBlockQuestion(deps), checks: nodeChecks(deps) };
}

function newestBlockQuestion(deps: NodeProbeDeps): NodeQuestion | undefined {
  const query = queryOf(deps.matcher, "GET_BLOCKNUM");
  return query && createQuestion(deps, asBlockNumber(query));
}

/** The question for the block of a height, whose answer is the block in JSON; undefined where the chain spec has none. */
export function createBlockQuestion(deps: NodeProbeDeps): NodeQuestion | undefined {
  const query = queryOf(deps.matcher, "GET_BLOCK_BY_NUM");
  if (query === undefined || !PLACEHOLDER.test(query.template)) return undefined;
  const read = (answer: unknown) => typeof answer === "object" && answer !== null ? JSON.stringify(answer) : undefined;
  return createQuestion(deps, { ...query, read, readWhole: undefined });
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
  const { wording } = deps;
  const { collection: { internal_path: path } } = query;
  const sample = wording.sample(query);
  const api = sample && factsOf(deps, query, sample);
  if (api === undefined) return undefined;
  return {
    fits: ({ nodeUrl: { internalPath } }) => internalPath === "" || internalPath === path,
    async ask(candidate, signal, block = 0): Promise<ProbeResult> {
      const call = await wording.put(query, fillIn(query.template, block), candidate, signal);
      if (typeof call === "string") return { kind: "unknown", text: call, sample: undefined };
      const { reading, sample } = await attempt(
        deps,
        requestOf(deps, call, api),
        { candidate, api },
        deps.clock.monotonic(),
        signal,
      );
      if (reading.kind === "failure") return { kind: "unknown", text: reading.error.message, sample };
      const { nodeError } = reading;
      const text = wording.read(query, reading.body);
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

function factsOf({ matcher, wording }: NodeProbeDeps, query: NodeQuery, call: ProtocolCall): ApiFacts | undefined {
  const path = wording.pathOf(query);
  const matched = matchCall(matcher, call.targets, { extensions: [], path, head: 0, servesExtension: () => false });
  return matched.kind === "matched" ? matched.api : undefined;
}

function requestOf({ chain, apiInterface, clock }: NodeProbeDeps, call: ProtocolCall, api: ApiFacts): RelayRequest {
  return {
    caller: { project: "", origin: "", address: "" },
    steering: NO_STEERING,
    chain,
    apiInterface,
    call,
    api,
    nodeRequest: call.nodeRequest,
    arrivedAtUnixMs: clock.now(),
    arrivedAtMs: clock.monotonic(),
    // One of its own: at the edge there is none outside of a request.
    signal: new AbortController().signal,
  };
}
