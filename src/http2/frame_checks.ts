import { ConnectionError, ERROR_CODE } from "./error_code.ts";
import { FLAG, type Frame } from "./frame.ts";

/** The payload without padding, and without `skip` bytes before it. */
export function unpad(payload: Uint8Array<ArrayBuffer>, flags: number, skip: number): Uint8Array<ArrayBuffer> {
  const isPadded = (flags & FLAG.PADDED) !== 0;
  if (!isPadded && skip === 0) return payload;
  const from = (isPadded ? 1 : 0) + skip;
  const to = payload.length - (isPadded ? payload[0] ?? 0 : 0);
  if (payload.length < from) throw new ConnectionError(ERROR_CODE.FRAME_SIZE_ERROR, "a frame is too short");
  if (to < from) throw violation("padding is longer than its frame");
  return payload.subarray(from, to);
}

/** Throws for a frame of another size. */
export function expectSize({ payload }: Frame, bytes: number): void {
  if (payload.length !== bytes) throw new ConnectionError(ERROR_CODE.FRAME_SIZE_ERROR, "a frame has a wrong size");
}

/** Throws for a frame that belongs to the connection and names a stream. */
export function expectNoStream({ streamId }: Frame): void {
  if (streamId !== 0) throw violation("a frame of the connection names a stream");
}

/** The peer broke the rules. */
export function violation(message: string): ConnectionError {
  return new ConnectionError(ERROR_CODE.PROTOCOL_ERROR, message);
}

/** A window was exceeded, or made larger than it can be. */
export function overflow(): ConnectionError {
  return new ConnectionError(ERROR_CODE.FLOW_CONTROL_ERROR, "a window was exceeded");
}

/** The peer makes work for nothing. */
export function flood(): ConnectionError {
  return new ConnectionError(ERROR_CODE.ENHANCE_YOUR_CALM, "too many frames for nothing");
}
