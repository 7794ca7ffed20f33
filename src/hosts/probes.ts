import type { ConnectionInfo } from "./fetch_handler.ts";

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
    return response === undefined ? fetch(request, info) : Promise.resolve(response);
  };
}

/** The answer to a probe; undefined for another path. Takes a path, or a whole URL. */
function answerProbe(url: string, unreadiness: () => readonly string[]): Response | undefined {
  // Nearly everything else ends otherwise, and costs no more than this.
  if (!url.endsWith("z")) return undefined;
  const path = url.startsWith("/") ? url : url.slice(url.indexOf("/", url.indexOf("://") + 3));
  if (path === "/livez") return respond(200, { status: "live" });
  if (path !== "/readyz") return undefined;
  const reasons = unreadiness();
  return reasons.length === 0 ? respond(200, { status: "ready" }) : respond(503, { status: "not ready", reasons });
}

function respond(status: number, body: Readonly<Record<string, unknown>>): Response {
  const headers = { "content-type": "application/json", "cache-control": "no-store" };
  return new Response(JSON.stringify(body), { status, headers });
}
