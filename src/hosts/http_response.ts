import type { HeaderFields, WireResponse } from "../domain/wire.ts";

/** Statuses whose responses have no body. */
const WITHOUT_BODY = [204, 205, 304];

/** A platform response of what the protocol says and what the host adds. */
export function toResponse(
  { status, headers: own, body }: WireResponse,
  ...added: readonly HeaderFields[]
): Response {
  // An object, as platforms take in one much faster than a list of pairs.
  const headers: Record<string, string> = {};
  collect(own, headers);
  for (const fields of added) collect(fields, headers);
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
  const mark = url.indexOf("?", slash);
  return mark < 0
    ? { path: url.slice(slash), query: "" }
    : { path: url.slice(slash, mark), query: url.slice(mark + 1) };
}
