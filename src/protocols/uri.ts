import { failure, type RelayError } from "../domain/relay_error.ts";

/** Longest path in bytes. It may become the API's name on the bill. */
const MAX_PATH_BYTES = 2_048;
/** Longest query in bytes. */
const MAX_QUERY_BYTES = 16_384;

/**
 * What is wrong with the path and the query of a request that go on to a node, if anything.
 *
 * Refuses what the next reader of the URL would read differently: dot segments in any spelling, which would climb out of
 * the node's own path, backslashes, which some take for slashes, and broken percent-encoding.
 */
export function checkUri(path: string, query: string): RelayError | undefined {
  if (path.length > MAX_PATH_BYTES) {
    return failure("uri_too_long", `the path is longer than ${MAX_PATH_BYTES} bytes`).error;
  }
  if (query.length > MAX_QUERY_BYTES) {
    return failure("uri_too_long", `the query is longer than ${MAX_QUERY_BYTES} bytes`).error;
  }
  const refuse = (reason: string) => failure("invalid_request", `Invalid request: ${reason}`).error;
  if (!PRINTABLE.test(path) || !PRINTABLE.test(query)) {
    return refuse("the URI holds a character that must be percent-encoded");
  }
  if (BROKEN_ENCODING.test(path) || BROKEN_ENCODING.test(query)) return refuse("the URI's percent-encoding is broken");
  if (DOT_SEGMENT.test(path)) return refuse("the path has a segment . or ..");
  return undefined;
}

const PRINTABLE = /^[!"$-[\]-~]*$/;
const BROKEN_ENCODING = /%(?![0-9a-f]{2})/i;
const DOT_SEGMENT = /(?:^|\/|%2f|%5c)(?:\.|%2e){1,2}(?:\/|%2f|%5c|$)/i;

/** A query as an object of texts, decoded; of a name that stands twice the last value. */
export function queryObject(query: string): Record<string, string> {
  const values: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(query)) values[name] = value;
  return values;
}
