import type { ApiInterface } from "../domain/api_interface.ts";
import type { Codec } from "../domain/codec.ts";
import type { ProtocolCall } from "../domain/relay_request.ts";
import type { Candidate } from "../providers/selector.ts";
import type { NodeQuery } from "../spec/node_query.ts";

/** How the relay's own questions are put to nodes, and what they answer is read. */
export interface NodeWording {
  /** The path below which the chain spec looks for the API. */
  pathOf(query: NodeQuery): string;
  /** Something that the question calls the same API by, whatever it is about; undefined for one that can't be put. */
  sample(query: NodeQuery): ProtocolCall | undefined;
  /** The question with its block filled in, for that node; else why it can't be put. */
  put(query: NodeQuery, text: string, candidate: Candidate, signal: AbortSignal): Promise<ProtocolCall | string>;
  /** What stands at the place of the answer that the chain spec names. */
  read(query: NodeQuery, body: Uint8Array | null): string | undefined;
}

/** Questions in the text of JSON-RPC, TendermintRPC and REST. */
export function createTextWording(codec: Codec, apiInterface: ApiInterface): NodeWording {
  const isRest = apiInterface === "rest";
  const decode = (query: NodeQuery, text: string) => decodeText(codec, isRest, query.collection.type, text);
  return {
    pathOf: ({ collection }) => collection.internal_path || "/",
    sample: (query) => decode(query, fillIn(query.template, 1)),
    put: (query, text) => Promise.resolve(decode(query, text) ?? "it can't be asked"),
    read(query, body) {
      if (body === null) return undefined;
      try {
        const answer: unknown = JSON.parse(new TextDecoder().decode(body));
        // Of JSON-RPC the chain spec looks into the `result`, of REST into the whole body.
        if (query.readWhole !== undefined) return query.readWhole(isRest ? { result: answer } : answer);
        if (isRest) return query.read(answer);
        return typeof answer === "object" && answer !== null ? query.read(Reflect.get(answer, "result")) : undefined;
      } catch {
        return undefined;
      }
    },
  };
}

/** A template with the block that it is about. */
export function fillIn(template: string, block: number): string {
  return template.replace(/%[dxs]/g, (mark) => block.toString(mark === "%x" ? 16 : 10));
}

/** The call that a text is: a path for REST, else a body. */
function decodeText(codec: Codec, isRest: boolean, verb: string, text: string): ProtocolCall | undefined {
  const [path = "", query = ""] = isRest ? text.split("?", 2) : ["/"];
  const decoded = codec.decode({
    verb: isRest ? verb || "GET" : "POST",
    path,
    query,
    header: (name) => name.toLowerCase() === "content-type" && !isRest ? "application/json" : null,
    body: isRest ? new Uint8Array() : new TextEncoder().encode(text),
  });
  return decoded.kind === "call" ? decoded.call : undefined;
}
