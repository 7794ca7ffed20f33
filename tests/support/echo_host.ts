/** A handler behind a listener that says what it was asked, and keeps it. */
import type { NodeListenerOptions } from "../../src/hosts/node.ts";
import { splitUrl } from "../../src/hosts/http_response.ts";
import { type HttpServer, listenWith } from "./http_servers.ts";

/** A listener that answers every request with a description of it. */
export interface EchoHost extends AsyncDisposable {
  readonly url: string;
  /** What came, a line each. */
  readonly seen: readonly string[];
}

/** Starts one. Answers say verb, path, query, body, and the header `x-echo`. */
export async function startEchoHost(
  server: HttpServer,
  limits: Partial<NodeListenerOptions> = {},
): Promise<EchoHost> {
  const seen: string[] = [];
  const listener = await listenWith(server, async (request, info) => {
    const split = splitUrl(request.url);
    const path = info.path ?? split.path;
    const bytes = new Uint8Array(await request.arrayBuffer());
    const echo = request.headers.get("x-echo");
    const parts = [request.method, path, split.query, textOf(bytes), ...(echo === null ? [] : [echo])];
    seen.push(parts.join(" "));
    const [, kind, number] = path.split("/");
    if (kind === "status") return new Response(null, { status: Number(number) });
    if (kind === "large") return new Response("x".repeat(Number(number)));
    return new Response(parts.join(" "), { headers: { "content-type": "text/plain" } });
  }, limits);
  return {
    url: `http://127.0.0.1:${listener.port}`,
    seen,
    [Symbol.asyncDispose]: () => listener.shutdown(),
  };
}

/** Long bodies by their length alone. */
function textOf(bytes: Uint8Array): string {
  return bytes.length > 100 ? `<${bytes.length}>` : new TextDecoder().decode(bytes);
}
