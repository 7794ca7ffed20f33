import type { UsageResource } from "../log_record.ts";
import type { EncodedRecords } from "../spool_port.ts";
import type { OtlpEncoding } from "./encoding.ts";

/** Most bytes of a request, unless a single record is larger. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** What the lengths in front of the records may take more than those of an empty request. */
const LENGTH_BYTES = 16;

/** A request and the number of records in it. */
export interface PackedRequest {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

/**
 * Puts encoded records into as many requests as it takes, none of them over 4 MiB. `isLent` allows a request to be made
 * where its records are, if there is headroom for the rest of it.
 */
export function* packRequests(
  encoding: OtlpEncoding,
  resource: UsageResource,
  { bytes, ends, headroom = 0 }: EncodedRecords,
  isLent: boolean,
): Generator<PackedRequest> {
  const lent = isLent && ends.length > 0 ? requestAround(encoding, resource, bytes, headroom) : undefined;
  if (lent !== undefined) return yield { body: lent, count: ends.length };
  const room = MAX_REQUEST_BYTES - encoding.encodeRequest(resource, new Uint8Array()).length - LENGTH_BYTES;
  let first = 0;
  let start = 0;
  for (let next = 1; next <= ends.length; next++) {
    if (next < ends.length && ends[next]! - start <= room) continue;
    const end = ends[next - 1]!;
    yield { body: encoding.encodeRequest(resource, bytes.subarray(start, end)), count: next - first };
    first = next;
    start = end;
  }
}

/** A request in the memory of its records; undefined where there is no room for what it has besides. */
function requestAround(
  encoding: OtlpEncoding,
  resource: UsageResource,
  records: Uint8Array<ArrayBuffer>,
  headroom: number,
): Uint8Array<ArrayBuffer> | undefined {
  const head = encoding.encodeHead?.(resource, records.length);
  if (head === undefined || head.length > headroom || head.length + records.length > MAX_REQUEST_BYTES) {
    return undefined;
  }
  const { buffer, byteOffset } = records;
  const body = new Uint8Array(buffer, byteOffset - head.length, head.length + records.length);
  body.set(head);
  return body;
}
