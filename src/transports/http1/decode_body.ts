import { concatBytes } from "../../domain/bytes.ts";

/**
 * The body as it was before a content encoding that nobody asked for. `too_large` beyond `maxBytes`, and `unreadable`
 * for an encoding that is not known or not kept to.
 */
export async function decodeBody(
  body: Uint8Array<ArrayBuffer>,
  encoding: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer> | "too_large" | "unreadable"> {
  const format = encoding.toLowerCase().replace(/^x-/, "");
  if (format !== "gzip" && format !== "deflate") return "unreadable";
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of new Blob([body]).stream().pipeThrough(new DecompressionStream(format))) {
      length += chunk.length;
      // Leaving the loop cancels the stream.
      if (length > maxBytes) return "too_large";
      chunks.push(chunk);
    }
  } catch {
    return "unreadable";
  }
  return concatBytes(chunks);
}
