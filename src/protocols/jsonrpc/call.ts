import { failure, type RelayError, traitsOf } from "../../domain/relay_error.ts";
import type { ApiTarget, ProtocolCall, Reading } from "../../domain/relay_request.ts";
import type { NodeReply, NodeRequest, WireResponse } from "../../domain/wire.ts";
import type { DecodedElement } from "./decode.ts";
import type { Span } from "./envelope.ts";
import { errorMessage, joinMessages, JSON_HEADERS, type Pieces, requestMessage } from "./message.ts";
import { hasNullResult, readMessages, type ReplyMessage, withId } from "./read_reply.ts";

/** A single call or a batch, as decoded from its caller's bytes. */
export class JsonRpcCall implements ProtocolCall {
  readonly targets: readonly ApiTarget[];
  readonly isBatch: boolean;
  readonly nodeRequest: NodeRequest;
  readonly #bytes: Uint8Array;
  readonly #elements: readonly DecodedElement[];

  constructor(bytes: Uint8Array, elements: readonly DecodedElement[], isBatch: boolean) {
    this.#bytes = bytes;
    this.#elements = elements;
    this.isBatch = isBatch;
    const targets: ApiTarget[] = [];
    const messages: Pieces[] = [];
    for (const element of elements) {
      if (element.kind === "failure") continue;
      const { name, method, params } = element.call;
      targets.push({ name, verb: "POST", params: () => params && parseSpan(bytes, params) });
      messages.push(requestMessage(bytes, targets.length, method, params));
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
    const body = this.#encode((id, index) => {
      const answer = answerOf(index + 1);
      // A result under an HTTP error is passed on, and is an error response all the same.
      if (answer === undefined || answer.isError || reply.status >= 400) failedParts++;
      else succeededParts++;
      if (answer !== undefined) isEmpty ||= hasNullResult(reply.body, answer);
      if (id === undefined) return undefined;
      return answer === undefined ? errorMessage(NO_PART, id) : withId(reply.body, answer, id);
    });
    const nodeError = failedParts > 0 ? "unknown" : undefined;
    return { kind: "answer", ...statusOf(body), succeededParts, failedParts, nodeError, isEmpty, body };
  }

  encodeError(error: RelayError): WireResponse {
    const body = this.#encode((id) => id === undefined ? undefined : errorMessage(error, id));
    return { status: traitsOf(error.code).httpStatus, headers: body === null ? [] : JSON_HEADERS, body };
  }

  /** The errors of those elements that are no calls. */
  encodeInvalid(): WireResponse {
    return { status: this.isBatch ? 200 : 400, headers: JSON_HEADERS, body: this.#encode(() => undefined) };
  }

  /** Puts together what the caller gets: for each call what `messageOf` says, and errors for what was none. */
  #encode(
    messageOf: (id: Uint8Array | undefined, index: number) => Pieces | undefined,
  ): Uint8Array<ArrayBuffer> | null {
    const messages: Pieces[] = [];
    let index = 0;
    for (const element of this.#elements) {
      const span = element.kind === "call" ? element.call.id : element.id;
      const id = span && this.#bytes.subarray(span.start, span.end);
      const message = element.kind === "call" ? messageOf(id, index++) : errorMessage(element.error, id);
      if (message !== undefined) messages.push(message);
    }
    return messages.length === 0 ? null : joinMessages(messages, this.isBatch);
  }
}

/** Status and headers of an answer; one that is not asked for has no content. */
function statusOf(body: Uint8Array | null): { status: number; headers: WireResponse["headers"] } {
  return body === null ? { status: 204, headers: [] } : { status: 200, headers: JSON_HEADERS };
}

function parseSpan(bytes: Uint8Array, { start, end }: Span): unknown {
  return JSON.parse(new TextDecoder().decode(bytes.subarray(start, end)));
}

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
  if (!isBatch) return undefined;
  const byId: ReplyMessage[] = [];
  let matched = 0;
  for (const message of messages) {
    if (message.id < 1 || message.id > size || byId[message.id] !== undefined) continue;
    byId[message.id] = message;
    matched++;
  }
  return matched === 0 ? undefined : (id) => byId[id];
}
