import type { HeaderFields, WireResponse } from "../domain/wire.ts";

/** Statuses whose responses have no body. */
const WITHOUT_BODY = [204, 205, 304];

/** A platform response of what the protocol says and what the host adds. */
export function toResponse(
  { status, headers: own, body }: WireResponse,
  ...added: readonly HeaderFields[]
): Response {
  const headers: [string, string][] = [];
  for (const [name, value] of own) headers.push([name, value]);
  for (const fields of added) for (const [name, value] of fields) headers.push([name, value]);
  return new Response(WITHOUT_BODY.includes(status) ? null : body, { status, headers });
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
