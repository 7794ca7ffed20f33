import type { UsageResource } from "../log_record.ts";
import { ByteBuffer } from "./byte_buffer.ts";
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
  records: readonly Uint8Array[],
): Generator<PackedRequest> {
  const buffer = new ByteBuffer();
  let count = 0;
  for (const record of records) {
    if (count > 0 && buffer.length + record.length > MAX_REQUEST_BYTES) {
      yield { body: encoding.encodeRequest(resource, buffer.slice()), count };
      buffer.truncate();
      count = 0;
    }
    if (count > 0) buffer.raw(encoding.separator);
    buffer.raw(record);
    count++;
  }
  if (count > 0) yield { body: encoding.encodeRequest(resource, buffer.slice()), count };
}
