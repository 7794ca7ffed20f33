import type { HostResponse } from "../host_request.ts";

/** How a response is written. */
export interface ResponseManner {
  /** HEAD was asked for: what would be sent, without the body. */
  readonly isHead: boolean;
  /** The connection ends behind it. */
  readonly isLast: boolean;
  /** The client speaks HTTP/1.0, and is to be told that the connection goes on. */
  readonly isOld: boolean;
}

/** What leaves in one write. */
const BUFFER_BYTES = 16 * 1024;
/** Most buffers that are kept for the next responses. */
const MAX_BUFFERS = 256;
/** Beside the fields: the first line, the date, and what frames the message. */
const FRAME_BYTES = 256;

/** Fields that say where a message ends or what becomes of its connection: the server's own business. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  ...["connection", "content-length", "date", "keep-alive", "trailer", "transfer-encoding", "upgrade"],
]);

const PHRASES: Readonly<Record<number, string>> = {
  200: "OK",
  204: "No Content",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  429: "Too Many Requests",
  500: "Internal Server Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};

const encoder = new TextEncoder();
const END = encoder.encode("\r\n");
const CLOSE = encoder.encode("connection: close\r\n");
const KEEP_ALIVE = encoder.encode("connection: keep-alive\r\n");
const LENGTH = encoder.encode("content-length: ");

/** What is to be written of a response. */
export interface Written {
  /** Memory that is to be given back to {@linkcode ResponseWriter.release} once it has been written. */
  readonly buffer: Uint8Array<ArrayBuffer>;
  /** How much of it. */
  readonly length: number;
  /** What comes behind that; undefined for nothing. */
  readonly rest: Uint8Array<ArrayBuffer> | undefined;
}

/** Turns responses into bytes, those of one listener. */
export class ResponseWriter {
  readonly #buffers: Uint8Array<ArrayBuffer>[] = [];
  readonly #firstLines = new Map<number, Uint8Array<ArrayBuffer>>();
  #date = new Uint8Array();

  /** What clients are told as the time, milliseconds since the Unix epoch. */
  setTime(nowMs: number): void {
    this.#date = encoder.encode(`date: ${new Date(nowMs).toUTCString()}\r\n`);
  }

  /** The bytes of a response: a small one is in one piece. Undefined where a field would break out of its place. */
  write({ status, fields, body }: HostResponse, { isHead, isLast, isOld }: ResponseManner): Written | undefined {
    let mostBytes = FRAME_BYTES;
    for (const list of fields) for (const [name, value] of list) mostBytes += name.length + value.length + 4;
    const buffer = mostBytes > BUFFER_BYTES
      ? new Uint8Array(mostBytes)
      : this.#buffers.pop() ?? new Uint8Array(BUFFER_BYTES);
    let at = put(this.#firstLine(status), buffer, 0);
    for (const list of fields) {
      for (const [name, value] of list) {
        if (OWN_FIELDS.has(name)) continue;
        at = putField(name, value, buffer, at);
        if (at < 0) return this.release(buffer);
      }
    }
    at = put(this.#date, buffer, at);
    if (isLast) at = put(CLOSE, buffer, at);
    else if (isOld) at = put(KEEP_ALIVE, buffer, at);
    // These have no body, by their status alone.
    const hasBody = status !== 204 && status !== 304 && status >= 200;
    if (hasBody) at = put(END, buffer, putNumber(body?.length ?? 0, buffer, put(LENGTH, buffer, at)));
    at = put(END, buffer, at);
    if (!hasBody || isHead || body === null) return { buffer, length: at, rest: undefined };
    const count = Math.min(body.length, buffer.length - at);
    if (count === body.length) return { buffer, length: put(body, buffer, at), rest: undefined };
    return { buffer, length: put(body.subarray(0, count), buffer, at), rest: body.subarray(count) };
  }

  /** The memory of a response that has been written, or never will be. */
  release(buffer: Uint8Array<ArrayBuffer>): undefined {
    if (buffer.length === BUFFER_BYTES && this.#buffers.length < MAX_BUFFERS) this.#buffers.push(buffer);
  }

  #firstLine(status: number): Uint8Array<ArrayBuffer> {
    let line = this.#firstLines.get(status);
    if (line === undefined) {
      line = encoder.encode(`HTTP/1.1 ${status} ${PHRASES[status] ?? ""}\r\n`);
      this.#firstLines.set(status, line);
    }
    return line;
  }
}

function put(bytes: Uint8Array, into: Uint8Array, at: number): number {
  into.set(bytes, at);
  return at + bytes.length;
}

/** Writes a field, of which each character is a byte; -1 for one that can't be. */
function putField(name: string, value: string, into: Uint8Array, at: number): number {
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    // Names are the relay's own or a node's, whose were read strictly.
    if (code <= 32 || code >= 127 || code === 58) return -1;
    into[at++] = code;
  }
  into[at++] = 58;
  into[at++] = 32;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if ((code < 32 && code !== 9) || code === 127 || code > 255) return -1;
    into[at++] = code;
  }
  into[at++] = 13;
  into[at++] = 10;
  return at;
}

function putNumber(value: number, into: Uint8Array, at: number): number {
  const text = String(value);
  for (let i = 0; i < text.length; i++) into[at++] = text.charCodeAt(i);
  return at;
}
