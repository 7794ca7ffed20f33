import type { Fetch } from "../../mod.ts";

/** What a node was sent. */
export interface NodeCall {
  readonly verb: string;
  readonly url: string;
  readonly headers: Headers;
  readonly text: string;
}

/** Answers a node's call; throwing is a broken connection. */
export type NodeScript = (call: NodeCall, signal: AbortSignal) => Response | Promise<Response>;

/** Nodes without sockets: a `fetch` that asks the script of the URL's host, and keeps what was asked. */
export function scriptedNodes(scripts: Readonly<Record<string, NodeScript>>): { fetch: Fetch; calls: NodeCall[] } {
  const calls: NodeCall[] = [];
  const fetch: Fetch = async (url, init) => {
    const script = scripts[new URL(url).hostname];
    if (script === undefined) throw new TypeError("client error (Connect): tcp connect error: Connection refused");
    const text = init.body ? new TextDecoder().decode(init.body as Uint8Array<ArrayBuffer>) : "";
    const call = { verb: init.method ?? "GET", url, headers: new Headers(init.headers), text };
    calls.push(call);
    return await script(call, init.signal!);
  };
  return { fetch, calls };
}

/** A node that gives every call the result that `resultOf` says, in the order and with the ids of the request. */
export function answering(resultOf: (method: string) => unknown = () => "0x1"): NodeScript {
  return ({ text }) => {
    const request = JSON.parse(text);
    const answer = ({ id, method }: { id: number; method: string }) => ({
      jsonrpc: "2.0",
      id,
      result: resultOf(method),
    });
    return Response.json(Array.isArray(request) ? request.map(answer) : answer(request));
  };
}

/** A node that answers every call with an error of its own. */
export function refusing(code: number, message: string): NodeScript {
  return ({ text }) => {
    const request = JSON.parse(text);
    const answer = ({ id }: { id: number }) => ({ jsonrpc: "2.0", id, error: { code, message } });
    return Response.json(Array.isArray(request) ? request.map(answer) : answer(request));
  };
}

/** A node that never answers; it notices when the relay gives up. */
export function hanging(): NodeScript {
  return (_call, signal) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")), { once: true });
    });
}

/** A node that nothing listens for. */
export function unreachable(): NodeScript {
  return () => {
    throw new TypeError(
      "error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)",
    );
  };
}
