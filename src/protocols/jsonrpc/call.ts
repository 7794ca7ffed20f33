import { NODE_ERRORS, type NodeErrorClass } from "../../domain/node_error.ts";
import { failure, type RelayError, traitsOf } from "../../domain/relay_error.ts";
import type { ApiTarget, ProtocolCall, Reading } from "../../domain/relay_request.ts";
import type { NodeReply, NodeRequest, WireResponse } from "../../domain/wire.ts";
import type { DecodedElement } from "./decode.ts";
import { type Dialect, readNodeError } from "./dialect.ts";
import type { Span } from "./envelope.ts";
import { errorMessage, joinMessages, JSON_HEADERS, NULL_JSON, requestMessage } from "./message.ts";
import { type Piece, pieceOf, type Pieces } from "./pieces.ts";
import { answerMessage, hasNullResult, readMessages, type ReplyMessage } from "./read_reply.ts";

/** A single call or a batch, as decoded from its caller's bytes. */
export class JsonRpcCall implements ProtocolCall {
  readonly targets: readonly ApiTarget[];
  readonly isBatch: boolean;
  readonly nodeRequest: NodeRequest;
  readonly #bytes: Uint8Array;
  readonly #elements: readonly DecodedElement[];
  readonly #dialect: Dialect;

  constructor(bytes: Uint8Array, elements: readonly DecodedElement[], isBatch: boolean, dialect: Dialect) {
    this.#dialect = dialect;
    this.#bytes = bytes;
    this.#elements = elements;
    this.isBatch = isBatch;
    const targets: ApiTarget[] = [];
    const messages: Pieces[] = [];
    for (const element of elements) {
      if (element.kind === "failure") continue;
      const { name, method, params } = element.call;
      targets.push({ name, verb: "POST", params: () => params && parseSpan(bytes, params) });
      messages.push(requestMessage(dialect.version, bytes, targets.length, method, params));
    }
    this.targets = targets;
    const body = joinMessages(messages, isBatch);
    this.nodeRequest = { verb: "POST", path: "", query: "", headers: JSON_HEADERS, body };
  }

  readReply(reply: NodeReply): Reading {
    const read = readMessages(reply);
    if (read.kind === "failure") return read;
    const { messages } = read;
    const answerOf = this.isBatch
      ? matchBatch(messages, read.isBatch, this.targets.length)
      : matchSingle(messages, read.isBatch);
    if (answerOf === undefined) return failure("malformed_answer", "the node answered another call than the one made");

    if (this.isBatch && !read.isBatch && reply.body.length * this.targets.length > MAX_REPEATED_BYTES) {
      return failure(
        "answer_too_large",
        "the node's one error for the whole batch is too large to be given to each call",
      );
    }

    let succeededParts = 0;
    let failedParts = 0;
    let isEmpty = false;
    let nodeError: NodeErrorClass | undefined;
    const body = this.#encode((id, index) => {
      const answer = answerOf(index + 1);
      // A result under an HTTP error is passed on, and is an error response all the same.
      if (answer === undefined || answer.isError || reply.status >= 400) {
        failedParts++;
        if (failedParts <= MAX_CLASSIFIED) nodeError = moreUseful(nodeError, this.#classify(reply.body, answer));
      } else succeededParts++;
      if (answer !== undefined) isEmpty ||= hasNullResult(reply.body, answer);
      if (id === undefined) return undefined;
      if (answer === undefined) return errorMessage(this.#dialect, NO_PART, id);
      return answerMessage(this.#dialect.version, reply.body, answer, id);
    });
    return { kind: "answer", ...statusOf(body), succeededParts, failedParts, nodeError, isEmpty, body };
  }

  encodeError(error: RelayError): WireResponse {
    const body = this.#encode((id) => id === undefined ? undefined : errorMessage(this.#dialect, error, id));
    return { status: traitsOf(error.code).httpStatus, headers: body === null ? [] : JSON_HEADERS, body };
  }

  /** The errors of those elements that are no calls. */
  encodeInvalid(): WireResponse {
    return { status: this.isBatch ? 200 : 400, headers: JSON_HEADERS, body: this.#encode(() => undefined) };
  }

  #classify(body: Uint8Array, answer: ReplyMessage | undefined): NodeErrorClass {
    const error = answer?.envelope.error;
    return answer?.isError && error !== undefined ? this.#dialect.classify(readNodeError(body, error)) : "unknown";
  }

  /** Puts together what the caller gets: for each call what `messageOf` says, and errors for what was none. */
  #encode(
    messageOf: (id: Piece | undefined, index: number) => Pieces | undefined,
  ): Uint8Array<ArrayBuffer> | null {
    const messages: Pieces[] = [];
    let index = 0;
    for (const element of this.#elements) {
      const span = element.kind === "call" ? element.call.id : element.id;
      const id = span && (span.end === 0 ? NULL_JSON : pieceOf(this.#bytes, span));
      const message = element.kind === "call" ? messageOf(id, index++) : errorMessage(this.#dialect, element.error, id);
      if (message !== undefined) messages.push(message);
    }
    return messages.length === 0 ? null : joinMessages(messages, this.isBatch);
  }
}

/** Most parts of a batch whose errors are looked into. */
const MAX_CLASSIFIED = 100;

/** Of the kinds of two parts' errors, the one that says more about what to do. */
function moreUseful(a: NodeErrorClass | undefined, b: NodeErrorClass): NodeErrorClass {
  if (a === undefined || a === "unknown") return b;
  return !NODE_ERRORS[a].askAnother && NODE_ERRORS[b].askAnother ? b : a;
}

/** Status and headers of an answer; one that is not asked for has no content. */
function statusOf(body: Uint8Array | null): { status: number; headers: WireResponse["headers"] } {
  return body === null ? { status: 204, headers: [] } : { status: 200, headers: JSON_HEADERS };
}

function parseSpan(bytes: Uint8Array, { start, end }: Span): unknown {
  return JSON.parse(decoder.decode(bytes.subarray(start, end)));
}

const decoder = new TextDecoder();

/** Most bytes that one error for a whole batch may come to, once it stands in the place of every call's answer. */
const MAX_REPEATED_BYTES = 10 * 1024 * 1024;

const NO_PART = failure("malformed_answer", "the node left this call of the batch unanswered").error;

/** Finds the answer to an upstream id. */
type AnswerOf = (id: number) => ReplyMessage | undefined;

/** The answer to a single call, which has the upstream id 1. */
function matchSingle(messages: readonly ReplyMessage[], isBatch: boolean): AnswerOf | undefined {
  const [message] = messages;
  if (isBatch || message === undefined) return undefined;
  const isAnswer = message.id === 1 || (message.id === 0 && message.isError);
  return isAnswer ? () => message : undefined;
}

/** The answers to a batch of `size` calls, which have the upstream ids 1 to `size`. */
function matchBatch(messages: readonly ReplyMessage[], isBatch: boolean, size: number): AnswerOf | undefined {
  // One error for the whole batch is how some nodes refuse it: it answers every call of it.
  const [first] = messages;
  if (first?.isError && (!isBatch || (messages.length === 1 && first.id === 0))) return () => first;
  // CometBFT answers a batch of one with its message alone.
  if (!isBatch) return size === 1 ? matchSingle(messages, isBatch) : undefined;
  const byId: ReplyMessage[] = [];
  let matched = 0;
  for (const message of messages) {
    if (message.id < 1 || message.id > size || byId[message.id] !== undefined) continue;
    byId[message.id] = message;
    matched++;
  }
  return matched === 0 ? undefined : (id) => byId[id];
}
