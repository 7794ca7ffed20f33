import { concatBytes } from "../domain/bytes.ts";
import { toAbortSignal } from "../domain/cancellation.ts";
import type { Post } from "../domain/post.ts";

/** Most bytes of an answer that are read; a partial success says what it has to in far less. */
const MAX_RESPONSE_BYTES = 64 * 1024;

/** Posts by way of a `fetch`. */
export function postByFetch(fetch: (url: string, init: RequestInit) => Promise<Response>): Post {
  return async ({ url, headers, body, signal }) => {
    const response = await fetch(url, {
      method: "POST",
      headers: new Headers(headers.map(([name, value]): [string, string] => [name, value])),
      body,
      redirect: "manual",
      signal: toAbortSignal(signal),
    });
    return {
      status: response.status,
      retryAfter: response.headers.get("retry-after"),
      body: await readBody(response),
    };
  };
}

/** The body of an answer: never more than 64 KiB. One that breaks off, or has no end, changes nothing. */
async function readBody({ body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let left = MAX_RESPONSE_BYTES;
  try {
    for await (const chunk of body ?? []) {
      chunks.push(chunk.subarray(0, left));
      left -= Math.min(chunk.length, left);
      if (left === 0) break;
    }
  } catch {
    // What came before is kept.
  }
  return concatBytes(chunks);
}
