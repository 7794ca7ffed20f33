import type { HeaderFields } from "../domain/wire.ts";
import type { HostResponse } from "./host_request.ts";

/** Statuses whose responses have no body. */
const WITHOUT_BODY = [204, 205, 304];

/** A response as the platform knows it. */
export function toResponse({ status, fields, body }: HostResponse): Response {
  // An object, as platforms take in one much faster than a list of pairs.
  const headers: Record<string, string> = {};
  for (const list of fields) collect(list, headers);
  return new Response(WITHOUT_BODY.includes(status) ? null : body, { status, headers });
}

/** Adds fields, of which those of one name are put together. A response that is relayed sets no cookies. */
function collect(fields: HeaderFields, into: Record<string, string>): void {
  for (const [name, value] of fields) {
    const before = into[name];
    // Names such as `constructor` are there already, and are none of these.
    into[name] = typeof before === "string" ? `${before}, ${value}` : value;
  }
}

/** Path and query of a request's URL as they came: nothing is decoded or put in order, as `URL` would. */
export function splitUrl(url: string): { readonly path: string; readonly query: string } {
  const authority = url.indexOf("://") + 3;
  const slash = url.indexOf("/", authority);
  if (slash < 0) return { path: "/", query: "" };
  return splitAt(url, slash);
}

/** Path and query of a request line's target as they came, which may be a whole URL to those who think of a proxy. */
export function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const start = /^https?:\/\/[^/?#]*/i.exec(target)?.[0].length ?? 0;
  const { path, query } = splitAt(target, start);
  return { path: path || "/", query };
}

function splitAt(url: string, start: number): { readonly path: string; readonly query: string } {
  const mark = url.indexOf("?", start);
  return mark < 0
    ? { path: url.slice(start), query: "" }
    : { path: url.slice(start, mark), query: url.slice(mark + 1) };
}
