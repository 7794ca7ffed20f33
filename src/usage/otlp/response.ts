import { ByteBuffer } from "./byte_buffer.ts";

/** The wire formats of OTLP/HTTP, by their content type. */
export type OtlpMediaType = "application/json" | "application/x-protobuf";

/** The answer to a request that was taken; `rejected` records of it were not, because of `reason`. */
export function encodeSuccess(mediaType: OtlpMediaType, rejected: number, reason: string): Uint8Array<ArrayBuffer> {
  if (mediaType === "application/json") {
    const partialSuccess = { rejectedLogRecords: String(rejected), errorMessage: reason };
    return new TextEncoder().encode(JSON.stringify(rejected > 0 ? { partialSuccess } : {}));
  }
  const buffer = new ByteBuffer(64);
  if (rejected > 0) {
    buffer.byte(1 << 3 | 2);
    const partialSuccess = buffer.open();
    buffer.byte(1 << 3);
    buffer.varint(rejected);
    string(buffer, 2, reason);
    buffer.close(partialSuccess);
  }
  return buffer.view();
}

/** The answer to a request that was not taken: a `google.rpc.Status`. */
export function encodeFailure(mediaType: OtlpMediaType, code: number, message: string): Uint8Array<ArrayBuffer> {
  if (mediaType === "application/json") return new TextEncoder().encode(JSON.stringify({ code, message }));
  const buffer = new ByteBuffer(64);
  buffer.byte(1 << 3);
  buffer.varint(code);
  string(buffer, 2, message);
  return buffer.view();
}

function string(buffer: ByteBuffer, field: number, text: string): void {
  buffer.byte(field << 3 | 2);
  const mark = buffer.open();
  buffer.text(text);
  buffer.close(mark);
}
