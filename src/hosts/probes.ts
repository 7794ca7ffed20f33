import type { HeaderFields } from "../domain/wire.ts";
import type { ConnectionInfo } from "./fetch_handler.ts";
import type { HostHandler } from "./host_handler.ts";
import type { HostResponse } from "./host_request.ts";
import { splitUrl, toResponse } from "./http_response.ts";

/** Answers requests, as a listener has it. */
export type ListenerFetch = (request: Request, info: ConnectionInfo) => Promise<Response>;

/**
 * Answers `GET /livez` and `GET /readyz` of a listener, and hands on everything else.
 *
 * Live is who answers at all. Ready is who should be sent requests: `unreadiness` comes back with the reasons why not,
 * none when it is. Neither is a relay, and no event comes of it.
 */
export function withProbes(fetch: ListenerFetch, unreadiness: () => readonly string[]): ListenerFetch {
  return (request, info) => {
    const { method } = request;
    if (method !== "GET" && method !== "HEAD") return fetch(request, info);
    const response = answerProbe(info.path ?? request.url, unreadiness);
    return response === undefined ? fetch(request, info) : Promise.resolve(toResponse(response));
  };
}

/** The same for hosts of their own. */
export function withHostProbes(handler: HostHandler, unreadiness: () => readonly string[]): HostHandler {
  return {
    handle(request, path) {
      const { verb } = request;
      const response = verb === "GET" || verb === "HEAD" ? answerProbe(request.path, unreadiness) : undefined;
      return response === undefined ? handler.handle(request, path) : Promise.resolve(response);
    },
    accept: (request, path) => handler.accept(request, path),
  };
}

/** The answer to a probe; undefined for another path. Takes a path, or a whole URL. */
function answerProbe(url: string, unreadiness: () => readonly string[]): HostResponse | undefined {
  // Nearly everything else ends otherwise, and costs no more than this.
  if (!url.endsWith("z")) return undefined;
  const path = url.startsWith("/") ? url : splitUrl(url).path;
  if (path === "/livez") return respond(200, { status: "live" });
  if (path !== "/readyz") return undefined;
  const reasons = unreadiness();
  return reasons.length === 0 ? respond(200, { status: "ready" }) : respond(503, { status: "not ready", reasons });
}

function respond(status: number, body: Readonly<Record<string, unknown>>): HostResponse {
  return { status, fields: [PROBE_HEADERS], body: new TextEncoder().encode(JSON.stringify(body)) };
}

const PROBE_HEADERS: HeaderFields = [["content-type", "application/json"], ["cache-control", "no-store"]];
