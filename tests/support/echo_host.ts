/** A handler behind a listener that says what it was asked, and keeps it. */
import { FetchRequest } from "../../src/hosts/fetch_request.ts";
import { type HostHandler, setHostHandler } from "../../src/hosts/host_handler.ts";
import type { HostResponse } from "../../src/hosts/host_request.ts";
import { toResponse } from "../../src/hosts/http_response.ts";
import type { RoutedRelay } from "../../src/hosts/path_router.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { type HttpServer, type HttpServerLimits, listenWith } from "./http_servers.ts";

/** A listener that answers every request with a description of it. */
export interface EchoHost extends AsyncDisposable {
  readonly url: string;
  /** What came, a line each. */
  readonly seen: readonly string[];
}

/** Starts one. Answers say verb, path, query, body, and the header `x-echo`. */
export async function startEchoHost(server: HttpServer, limits: HttpServerLimits = {}): Promise<EchoHost> {
  const seen: string[] = [];
  const handler: HostHandler = {
    async handle(request, path = request.path) {
      const body = await request.body.read(MAX_BODY_BYTES).catch(() => undefined);
      if (body === undefined) return { status: 400, fields: [], body: null };
      const echo = request.headers.get("x-echo");
      const line = [request.verb, path, request.query, textOf(body), ...(echo === null ? [] : [echo])].join(" ");
      seen.push(line);
      return answerOf(path, line);
    },
    accept: () => ({ status: 501, fields: [], body: null }),
  };
  const listener = await listenWith(server, overFetch(handler), limits);
  return {
    url: `http://127.0.0.1:${listener.port}`,
    seen,
    [Symbol.asyncDispose]: () => listener.shutdown(),
  };
}

/** A handler of one's own as a relay, for all servers. */
export function overFetch(handler: HostHandler): RoutedRelay {
  const take = (request: Request, address = "") => new FetchRequest(request, address, systemClock);
  return setHostHandler({
    fetch: async (request, { clientAddress, path } = {}) =>
      toResponse(await handler.handle(take(request, clientAddress), path)),
    upgrade: (request, { clientAddress, path } = {}) => {
      const decision = handler.accept(take(request, clientAddress), path);
      return typeof decision === "function" ? decision : toResponse(decision);
    },
  }, handler);
}

const MAX_BODY_BYTES = 10_000_000;
const PLAIN = [["content-type", "text/plain"]] as const;

function answerOf(path: string, line: string): HostResponse {
  const [, kind, number] = path.split("/");
  if (kind === "status") return { status: Number(number), fields: [], body: new Uint8Array() };
  const text = kind === "large" ? "x".repeat(Number(number)) : line;
  return { status: 200, fields: [PLAIN], body: new TextEncoder().encode(text) };
}

/** Long bodies by their length alone. */
function textOf(bytes: Uint8Array): string {
  return bytes.length > 100 ? `<${bytes.length}>` : new TextDecoder().decode(bytes);
}
