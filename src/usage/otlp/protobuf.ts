import type { ByteBuffer } from "./byte_buffer.ts";

/*
 * Protobuf as opentelemetry/proto/logs/v1/logs.proto has it. A field starts with its number and wire type.
 */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;

/** What a field starts with. */
export function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

/** Starts a message whose length is not known yet. */
export function open(buffer: ByteBuffer, fieldTag: number): number {
  buffer.byte(fieldTag);
  return buffer.open();
}

/** Writes a text and what is in front of it. */
export function string(buffer: ByteBuffer, fieldTag: number, text: string): void {
  const mark = open(buffer, fieldTag);
  buffer.text(text);
  buffer.close(mark);
}
