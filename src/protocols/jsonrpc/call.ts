import { NODE_ERRORS, type NodeErrorClass } from "../../domain/node_error.ts";
import { failure, type RelayError, traitsOf } from "../../domain/relay_error.ts";
import type { ApiTarget, ProtocolCall, Reading } from "../../domain/relay_request.ts";
import type { HeaderFields, NodeReply, NodeRequest, WireResponse } from "../../domain/wire.ts";
import type { DecodedCall, DecodedElement } from "./decode.ts";
import { type Dialect, readNodeError } from "./dialect.ts";
import type { Piece } from "./envelope.ts";
import { errorMessage, joinMessages, JSON_HEADERS, requestMessage } from "./message.ts";
import { joinPieces, type Pieces } from "./pieces.ts";
import { answerMessage, hasNullResult, readMessages, type ReplyMessage, type ReplyMessages } from "./read_reply.ts";

/** A single call or a batch, as decoded from its caller's bytes. */
export class JsonRpcCall implements ProtocolCall {
  readonly targets: readonly ApiTarget[];
  readonly isBatch: boolean;
  readonly nodeRequest: NodeRequest;
  readonly #elements: readonly DecodedElement[];
  readonly #dialect: Dialect;

  constructor(elements: readonly DecodedElement[], isBatch: boolean, dialect: Dialect) {
    this.#dialect = dialect;
    this.#elements = elements;
    this.isBatch = isBatch;
    const calls = callsOf(elements);
    this.targets = calls.map(targetOf);
    const messages = calls.map(({ method, params }, index) =>
      requestMessage(dialect.version, index + 1, method, params)
    );
    const body = joinMessages(messages, isBatch);
    this.nodeRequest = { verb: "POST", path: "", query: "", headers: JSON_HEADERS, body };
  }

  readReply(reply: NodeReply): Reading {
    const read = readMessages(reply);
    if (read.kind === "failure") return read;
    return this.isBatch ? this.#readBatch(reply, read) : this.#readSingle(reply, read);
  }

  #readSingle({ status }: NodeReply, { messages, isBatch }: NodeMessages): Reading {
    const answer = isBatch ? undefined : answerToSingle(messages);
    if (answer === undefined) return OTHER_CALL;
    // A result under an HTTP error is passed on, and is an error response all the same.
    const isError = answer.isError || status >= 400;
    const id = this.#elements[0] && idOf(this.#elements[0]);
    const body = id === undefined ? null : joinPieces(answerMessage(this.#dialect.version, answer, id));
    return {
      kind: "answer",
      status: body === null ? 204 : 200,
      headers: body === null ? NO_HEADERS : JSON_HEADERS,
      succeededParts: isError ? 0 : 1,
      failedParts: isError ? 1 : 0,
      nodeError: isError ? this.#classify(answer) : undefined,
      isEmpty: hasNullResult(answer),
      body,
    };
  }

  #readBatch(reply: NodeReply, { messages, isBatch }: NodeMessages): Reading {
    const answerOf = matchBatch(messages, isBatch, this.targets.length);
    if (answerOf === undefined) return OTHER_CALL;
    if (!isBatch && reply.body.length * this.targets.length > MAX_REPEATED_BYTES) {
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
      if (answer === undefined || answer.isError || reply.status >= 400) {
        failedParts++;
        if (failedParts <= MAX_CLASSIFIED) nodeError = moreUseful(nodeError, this.#classify(answer));
      } else succeededParts++;
      if (answer !== undefined) isEmpty ||= hasNullResult(answer);
      if (id === undefined) return undefined;
      if (answer === undefined) return errorMessage(this.#dialect, NO_PART, id);
      return answerMessage(this.#dialect.version, answer, id);
    });
    const [status, headers] = body === null ? [204, NO_HEADERS] : [200, JSON_HEADERS];
    return { kind: "answer", status, headers, succeededParts, failedParts, nodeError, isEmpty, body };
  }

  encodeError(error: RelayError): WireResponse {
    const body = this.#encode((id) => id === undefined ? undefined : errorMessage(this.#dialect, error, id));
    return { status: traitsOf(error.code).httpStatus, headers: body === null ? [] : JSON_HEADERS, body };
  }

  /** The errors of those elements that are no calls. */
  encodeInvalid(): WireResponse {
    return { status: this.isBatch ? 200 : 400, headers: JSON_HEADERS, body: this.#encode(() => undefined) };
  }

  #classify(answer: ReplyMessage | undefined): NodeErrorClass {
    const error = answer?.envelope.error;
    return answer?.isError && error !== undefined
      ? this.#dialect.classify(readNodeError(error.bytes, error))
      : "unknown";
  }

  /** Puts together what the caller gets: for each call what `messageOf` says, and errors for what was none. */
  #encode(
    messageOf: (id: Piece | undefined, index: number) => Pieces | undefined,
  ): Uint8Array<ArrayBuffer> | null {
    const messages: Pieces[] = [];
    let index = 0;
    for (const element of this.#elements) {
      const id = idOf(element);
      const message = element.kind === "call" ? messageOf(id, index++) : errorMessage(this.#dialect, element.error, id);
      if (message !== undefined) messages.push(message);
    }
    return messages.length === 0 ? null : joinMessages(messages, this.isBatch);
  }
}

type NodeMessages = ReplyMessages & { readonly kind: "messages" };

/** Most parts of a batch whose errors are looked into. */
const MAX_CLASSIFIED = 100;

/** Of the kinds of two parts' errors, the one that says more about what to do. */
function moreUseful(a: NodeErrorClass | undefined, b: NodeErrorClass): NodeErrorClass {
  if (a === undefined || a === "unknown") return b;
  return !NODE_ERRORS[a].askAnother && NODE_ERRORS[b].askAnother ? b : a;
}

/** The API that a call names. */
function targetOf({ name, params }: DecodedCall): ApiTarget {
  return { name, verb: "POST", params: () => params && parsePiece(params) };
}

function callsOf(elements: readonly DecodedElement[]): readonly DecodedCall[] {
  const first = elements[0];
  if (elements.length === 1 && first?.kind === "call") return [first.call];
  return elements.filter((element) => element.kind === "call").map(({ call }) => call);
}

function idOf(element: DecodedElement): Piece | undefined {
  return element.kind === "call" ? element.call.id : element.id;
}

function parsePiece({ bytes, start, end }: Piece): unknown {
  return JSON.parse(decoder.decode(bytes.subarray(start, end)));
}

/** An answer that is not asked for has no content. */
const NO_HEADERS: HeaderFields = [];
const decoder = new TextDecoder();

/** Most bytes that one error for a whole batch may come to, once it stands in the place of every call's answer. */
const MAX_REPEATED_BYTES = 10 * 1024 * 1024;

const OTHER_CALL = failure("malformed_answer", "the node answered another call than the one made");
const NO_PART = failure("malformed_answer", "the node left this call of the batch unanswered").error;

/** Finds the answer to an upstream id. */
type AnswerOf = (id: number) => ReplyMessage | undefined;

/** The answer to a single call, which has the upstream id 1. */
function answerToSingle([message]: readonly ReplyMessage[]): ReplyMessage | undefined {
  return message?.id === 1 || (message?.id === 0 && message.isError) ? message : undefined;
}

/** The answers to a batch of `size` calls, which have the upstream ids 1 to `size`. */
function matchBatch(messages: readonly ReplyMessage[], isBatch: boolean, size: number): AnswerOf | undefined {
  // One error for the whole batch is how some nodes refuse it: it answers every call of it.
  const [first] = messages;
  if (first?.isError && (!isBatch || (messages.length === 1 && first.id === 0))) return () => first;
  // CometBFT answers a batch of one with its message alone.
  if (!isBatch) {
    const only = size === 1 ? answerToSingle(messages) : undefined;
    return only && (() => only);
  }
  const byId: ReplyMessage[] = [];
  let matched = 0;
  for (const message of messages) {
    if (message.id < 1 || message.id > size || byId[message.id] !== undefined) continue;
    byId[message.id] = message;
    matched++;
  }
  return matched === 0 ? undefined : (id) => byId[id];
}
