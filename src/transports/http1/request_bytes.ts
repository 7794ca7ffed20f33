import { passingBytes } from "../../domain/bytes.ts";
import type { HeaderFields } from "../../domain/wire.ts";

/** Fields that say where a message ends or what becomes of its connection: the transport's own business. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
  "expect",
]);

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t \x21-\x7e\x80-\xff]*$/;
const VERB = /^[A-Z]{1,16}$/;
const TARGET = /^\/[\x21-\x7e]*$/;
/** A body of at most this size leaves with its head in one write. */
const COALESCED_BYTES = 64 * 1024;

/** A request that is about to be written. */
export interface RequestHead {
  readonly verb: string;
  /** Path and query. */
  readonly target: string;
  readonly host: string;
  readonly fields: HeaderFields;
}

/**
 * The bytes of a request's head but for what says how long its body is. Undefined when a part of it would break out of
 * its place: it could become a second request.
 */
export function headBytes({ verb, target, host, fields }: RequestHead): Uint8Array<ArrayBuffer> | undefined {
  if (!VERB.test(verb) || !TARGET.test(target) || !VALUE.test(host)) return undefined;
  let head = `${verb} ${target} HTTP/1.1\r\nhost: ${host}\r\n`;
  for (const [name, value] of fields) {
    if (OWN_FIELDS.has(name.toLowerCase())) continue;
    if (!NAME.test(name) || !VALUE.test(value)) return undefined;
    head += `${name}: ${value}\r\n`;
  }
  const bytes = new Uint8Array(head.length);
  writeLatin1(bytes, 0, head);
  return bytes;
}

/** The bytes of a request, in one or two parts, of what `headBytes` says. */
export function requestBytes(
  head: Uint8Array,
  verb: string,
  body: Uint8Array<ArrayBuffer> | null,
): readonly Uint8Array<ArrayBuffer>[] {
  const isBodiless = body === null && (verb === "GET" || verb === "HEAD" || verb === "DELETE" || verb === "OPTIONS");
  const end = isBodiless ? "\r\n" : `content-length: ${body?.length ?? 0}\r\n\r\n`;
  const tail = body !== null && body.length <= COALESCED_BYTES ? body : undefined;
  const bytes = passingBytes(head.length + end.length + (tail?.length ?? 0));
  bytes.set(head);
  writeLatin1(bytes, head.length, end);
  if (tail !== undefined) bytes.set(tail, head.length + end.length);
  return body === null || tail !== undefined ? [bytes] : [bytes, body];
}

function writeLatin1(bytes: Uint8Array, at: number, text: string): void {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
}
