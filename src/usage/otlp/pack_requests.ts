import type { UsageResource } from "../log_record.ts";
import type { EncodedRecords } from "../spool_port.ts";
import type { OtlpEncoding } from "./encoding.ts";

/** Bytes of records after which a request is full. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** A request and the number of records in it. */
export interface PackedRequest {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly count: number;
}

/** Puts encoded records into as many requests as it takes, none of them much over 4 MiB. */
export function* packRequests(
  encoding: OtlpEncoding,
  resource: UsageResource,
  { bytes, ends }: EncodedRecords,
): Generator<PackedRequest> {
  let first = 0;
  let start = 0;
  for (let next = 1; next <= ends.length; next++) {
    if (next < ends.length && ends[next]! - start <= MAX_REQUEST_BYTES) continue;
    const end = ends[next - 1]!;
    yield { body: encoding.encodeRequest(resource, bytes.subarray(start, end)), count: next - first };
    first = next;
    start = end;
  }
}
