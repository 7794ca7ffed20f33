import { failure, type RelayError } from "../../domain/relay_error.ts";
import type { NodeReply } from "../../domain/wire.ts";
import type { Dialect } from "./dialect.ts";
import { type Envelope, type Piece, scanEnvelope, type Span } from "./envelope.ts";
import { MAX_DEPTH, NOT_JSON, skipSpace, TOO_DEEP } from "./json_scan.ts";
import { NULL_JSON } from "./message.ts";
import { type Pieces, textPiece } from "./pieces.ts";

const LEFT_BRACKET = 0x5b;
const LEFT_BRACE = 0x7b;
const ZERO = 0x30;
const NULL = 0x6e;

/** A node's response object: where it stands, and which of the relay's ids it answers. */
export interface ReplyMessage {
  readonly envelope: Envelope;
  /** 1 and up; 0 when the node gave none, as it may on an error; -1 for one that the relay never sent. */
  readonly id: number;
  readonly isError: boolean;
  /** The position after it. */
  readonly end: number;
}

/** The response objects of a reply, or why it is none. */
export type ReplyMessages =
  | { readonly kind: "messages"; readonly isBatch: boolean; readonly messages: readonly ReplyMessage[] }
  | { readonly kind: "failure"; readonly error: RelayError };

/**
 * Finds the response objects in a node's reply.
 *
 * JSON-RPC over HTTP leaves the status to the node: a body that is a response object is the answer, whatever the
 * status, but for 429, which is said by what stands before the node. Anything else is a failure of the node.
 */
export function readMessages({ status, body }: NodeReply): ReplyMessages {
  if (status === 429) return failure("upstream_rate_limited", "the node asked for fewer requests");
  const start = skipSpace(body, 0);
  const isBatch = body[start] === LEFT_BRACKET;
  const messages = isBatch ? scanBatch(body, start) : scanMessage(body, start);
  const end = typeof messages === "number" ? messages : messages.end;
  if (end === TOO_DEEP) return failure("answer_too_large", `the answer nests deeper than ${MAX_DEPTH} levels`);
  if (typeof messages === "number" || skipSpace(body, end) !== body.length) {
    return status >= 400
      ? failure("upstream_http_error", `the node answered with HTTP status ${status}`)
      : failure("malformed_answer", "the node's answer is not JSON-RPC");
  }
  return { kind: "messages", isBatch, messages: "list" in messages ? messages.list : [messages] };
}

/** The response objects of the batch at `start`, and the position after it; a negative number when it is none. */
function scanBatch(body: Uint8Array, start: number): { readonly list: ReplyMessage[]; readonly end: number } | number {
  const list: ReplyMessage[] = [];
  let at = skipSpace(body, start + 1);
  if (body[at] === 0x5d) return { list, end: at + 1 };
  for (;;) {
    const message = scanMessage(body, at);
    if (typeof message === "number") return message;
    list.push(message);
    at = skipSpace(body, message.end);
    const byte = body[at++];
    if (byte === 0x5d) return { list, end: at };
    if (byte !== 0x2c) return NOT_JSON;
    at = skipSpace(body, at);
  }
}

/** The response object at `at`; a negative number when it is none. */
function scanMessage(body: Uint8Array, at: number): ReplyMessage | number {
  if (body[at] !== LEFT_BRACE) return NOT_JSON;
  const envelope = scanEnvelope(body, at, MAX_DEPTH);
  if (typeof envelope === "number") return envelope;
  const { repeated, result, error, id, end } = envelope;
  // Null stands beside a result with JSON-RPC 1.0 nodes. What is no object is a gateway's own word, not a node's.
  const isError = error !== undefined && body[error.start] === LEFT_BRACE;
  if (error !== undefined && !isError && body[error.start] !== NULL) return NOT_JSON;
  if (repeated !== undefined || !(isError || result !== undefined)) return NOT_JSON;
  return { envelope, id: readId(body, id), isError, end };
}

/** The relay's id: a small integer; 0 for none and null; -1 for what the relay never sent. */
function readId(body: Uint8Array, span: Span | undefined): number {
  if (span === undefined || body[span.start] === NULL) return 0;
  if (span.end - span.start > 9) return -1;
  let id = 0;
  for (let i = span.start; i < span.end; i++) {
    const digit = body[i]! - ZERO;
    if (digit < 0 || digit > 9) return -1;
    id = id * 10 + digit;
  }
  return id === 0 ? -1 : id;
}

/** Whether the node said that there is nothing. */
export function hasNullResult({ envelope: { bytes, result }, isError }: ReplyMessage): boolean {
  return !isError && result !== undefined && bytes[result.start] === NULL;
}

/**
 * The node's message byte for byte, but for the id, which becomes the caller's. For 1.0, one that lacks a member of
 * that version, or has one of 2.0, is put into its shape.
 */
export function answerMessage(version: Dialect["version"], { envelope }: ReplyMessage, id: Piece): Pieces {
  const { bytes, start, end } = envelope;
  if (version === "1.0" && !isVersion1(envelope)) {
    const { result = NULL_JSON, error = NULL_JSON } = envelope;
    return [RESULT_MEMBER, result, ERROR_MEMBER, error, LAST_ID, id, END];
  }
  if (envelope.id !== undefined) {
    return [{ bytes, start, end: envelope.id.start }, id, { bytes, start: envelope.id.end, end }];
  }
  return [{ bytes, start, end: start + 1 }, ID_MEMBER, id, COMMA, { bytes, start: start + 1, end }];
}

function isVersion1({ jsonrpc, result, error }: Envelope): boolean {
  return jsonrpc === undefined && result !== undefined && error !== undefined;
}

const ID_MEMBER = textPiece('"id":');
const COMMA = textPiece(",");
const RESULT_MEMBER = textPiece('{"result":');
const ERROR_MEMBER = textPiece(',"error":');
const LAST_ID = textPiece(',"id":');
const END = textPiece("}");
