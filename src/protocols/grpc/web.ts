import { concatBytes } from "../../domain/bytes.ts";
import type { HeaderFields } from "../../domain/wire.ts";

/** How a gRPC-Web body is written: as bytes, or as Base64 of them. */
export interface WebFormat {
  readonly isText: boolean;
  /** The message format behind `+`, with it; empty for none. */
  readonly suffix: string;
}

/** The format of a content type; undefined for one that is not gRPC-Web's. */
export function webFormatOf(contentType: string): WebFormat | undefined {
  const match = /^application\/grpc-web(-text)?(\+[a-z0-9.-]+)?(?:;.*)?$/i.exec(contentType.trim());
  return match === null ? undefined : { isText: match[1] !== undefined, suffix: (match[2] ?? "").toLowerCase() };
}

/** The content type of an answer in a format. */
export function webContentType({ isText, suffix }: WebFormat): string {
  return `application/grpc-web${isText ? "-text" : ""}${suffix}`;
}

/** Flag of the frame that holds the trailers. */
const TRAILERS = 0x80;

/** Trailers as the last frame of a body: lines of `key:value`. */
export function trailersFrame(trailers: HeaderFields): Uint8Array<ArrayBuffer> {
  const text = trailers.map(([name, value]) => `${name}:${value}\r\n`).join("");
  const frame = new Uint8Array(5 + text.length);
  frame[0] = TRAILERS;
  new DataView(frame.buffer).setUint32(1, text.length);
  // Values have one character for each byte.
  for (let i = 0; i < text.length; i++) frame[5 + i] = text.charCodeAt(i);
  return frame;
}

/** Bytes as Base64, with padding. */
export function encodeText(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8_192) binary += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return new TextEncoder().encode(btoa(binary));
}

/** Bytes of Base64 that may have padding in its midst, as each part was written by itself; undefined for none. */
export function decodeText(text: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  const pieces: Uint8Array[] = [];
  try {
    for (const piece of new TextDecoder().decode(text).match(/[^=]+=*/g) ?? []) {
      pieces.push(Uint8Array.from(atob(piece), (char) => char.charCodeAt(0)));
    }
  } catch {
    return undefined;
  }
  return concatBytes(pieces);
}
