import { concatBytes } from "../domain/bytes.ts";

/** The whole body of a response; undefined when it is larger than `maxBytes`, of which no more is read then. */
export async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const declared = response.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) {
    await response.body?.cancel();
    return undefined;
  }
  // A body of declared length can't outgrow it, and reading it whole is the cheapest way.
  if (declared !== null) return new Uint8Array(await response.arrayBuffer());
  if (response.body === null) return new Uint8Array();

  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    // Leaving the loop cancels the stream.
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return concatBytes(chunks);
}
