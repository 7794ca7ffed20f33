import { concatBytes } from "../domain/bytes.ts";
import type { CachedReply } from "../domain/reply_cache.ts";
import type { HeaderFields } from "../domain/wire.ts";

/** Written first, so that what another version has written is not read. */
const VERSION = 1;
/** Length of the version and of the head's length. */
const PREFIX_BYTES = 5;

/** A reply as bytes: version, length of the head, the head as JSON, and the body as it is. */
export function encodeEntry({ head, reply }: CachedReply): Uint8Array<ArrayBuffer> {
  const { status, headers, trailers, body } = reply;
  const json = new TextEncoder().encode(JSON.stringify([head, status, headers, trailers]));
  const prefix = new Uint8Array(PREFIX_BYTES);
  prefix[0] = VERSION;
  new DataView(prefix.buffer).setUint32(1, json.length);
  return concatBytes([prefix, json, body]);
}

/** The reply that {@linkcode encodeEntry} wrote; undefined for anything else. */
export function decodeEntry(bytes: Uint8Array<ArrayBuffer>): CachedReply | undefined {
  if (bytes.length < PREFIX_BYTES || bytes[0] !== VERSION) return undefined;
  const bodyAt = PREFIX_BYTES + new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (bodyAt > bytes.length) return undefined;
  try {
    const json: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(PREFIX_BYTES, bodyAt)));
    if (!Array.isArray(json)) return undefined;
    const [head, status, headers, trailers] = json;
    if (!Number.isFinite(head) || !Number.isInteger(status) || !isFields(headers) || !isFields(trailers)) {
      return undefined;
    }
    return { head, reply: { status, headers, trailers, body: bytes.slice(bodyAt), retryAfterMs: 0 } };
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is HeaderFields {
  return Array.isArray(value) &&
    value.every((field) =>
      Array.isArray(field) && field.length === 2 && field.every((part) => typeof part === "string")
    );
}
