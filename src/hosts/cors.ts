/** Header fields of every response: any page may call, and read what the relay says about its answer. */
export const CORS_HEADERS: readonly (readonly [string, string])[] = [
  ["access-control-allow-origin", "*"],
  ["access-control-expose-headers", "lava-provider-address, lava-retries"],
];

/** Answers a browser that asks whether it may send a request. */
export function preflightResponse(request: Request): Response {
  const headers = new Headers([...CORS_HEADERS].map(([name, value]): [string, string] => [name, value]));
  headers.set("access-control-allow-methods", "GET, POST, OPTIONS");
  headers.set("access-control-allow-headers", request.headers.get("access-control-request-headers") ?? "*");
  headers.set("access-control-max-age", "86400");
  return new Response(null, { status: 204, headers });
}
