import type { ProtocolCall } from "../../domain/relay_request.ts";
import type { NodeMessage, SubscriptionDialect } from "../../domain/subscription.ts";
import { type Envelope, scanEnvelope, type Span } from "./envelope.ts";
import { JSONRPC_HEADS } from "./heads.ts";
import { MAX_DEPTH, skipSpace } from "./json_scan.ts";
import { memberSpan } from "./member_span.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const SUBSCRIPTION = encoder.encode("subscription");
const SUBSCRIPTION_ID = encoder.encode("subscription_id");
const LEFT_BRACE = 0x7b;

/** How every single request to a node starts: the codec writes it, with the id 1. */
const HEAD = '{"jsonrpc":"2.0","id":1,';

/** A subscribing method and the one that ends what it starts. */
export interface SubscriptionMethods {
  readonly subscribe: string;
  readonly unsubscribe: string;
}

/**
 * Subscriptions of JSON-RPC chains, as Ethereum and Solana have them: the answer to the subscribe is an id, text or
 * number, and notifications have it in `params.subscription` (or `params.subscription_id`).
 */
export function createJsonRpcSubscriptions(methods: readonly SubscriptionMethods[]): SubscriptionDialect {
  const unsubscribeOf = new Map(methods.map(({ subscribe, unsubscribe }) => [subscribe, unsubscribe]));
  return {
    isOncePerClient: false,
    keyOf: (call) => compactJson(requestText(call)),
    subscribeMessage: (call, id) => callMessage(call.nodeRequest.body, id) ?? "",
    callMessage,
    unsubscribeMessage(call, subscription, id) {
      const method = unsubscribeOf.get(call.targets[0]!.name);
      return method && `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":[${subscription}]}`;
    },
    readNodeMessage(text) {
      const bytes = encoder.encode(text);
      const envelope = readEnvelope(bytes);
      if (envelope === undefined) return UNREADABLE;
      const { method, params, id } = envelope;
      if (id !== undefined && method === undefined) return readReply(bytes, envelope, id);
      if (params === undefined) return UNREADABLE;
      const span = memberSpan(bytes, params.start, SUBSCRIPTION) ?? memberSpan(bytes, params.start, SUBSCRIPTION_ID);
      return span === undefined ? UNREADABLE : notification(bytes, span);
    },
    clientId: (_call, subscription, unique) => subscription.startsWith('"') ? `"0x${unique}"` : numberOf(unique),
    acceptance: (clientId) => `{"jsonrpc":"2.0","id":1,"result":${clientId}}`,
    endedBy(call) {
      const params = call.targets[0]!.params();
      const id = Array.isArray(params) ? params[0] : undefined;
      return typeof id === "string" || typeof id === "number" ? JSON.stringify(id) : undefined;
    },
    farewell: () => '{"jsonrpc":"2.0","id":1,"result":true}',
    heads: JSONRPC_HEADS,
  };
}

export const UNREADABLE: NodeMessage = { kind: "unreadable" };

/** A whole number that fits a double, out of hex digits. */
function numberOf(unique: string): string {
  return String(Number.parseInt(unique.slice(0, 12), 16));
}

/** The envelope of a message that is one object and nothing else. */
export function readEnvelope(bytes: Uint8Array): Envelope | undefined {
  const start = skipSpace(bytes, 0);
  if (bytes[start] !== LEFT_BRACE) return undefined;
  const envelope = scanEnvelope(bytes, start, MAX_DEPTH);
  if (typeof envelope === "number" || skipSpace(bytes, envelope.end) !== bytes.length) return undefined;
  return envelope.repeated === undefined ? envelope : undefined;
}

/** A node's answer as one to the id 1; unreadable when its id is not one of the relay's. */
export function readReply(bytes: Uint8Array, { result, error }: Envelope, idSpan: Span): NodeMessage {
  const idText = textOf(bytes, idSpan);
  if (!/^[1-9]\d{0,14}$/.test(idText)) return UNREADABLE;
  const isError = error !== undefined && bytes[error.start] === LEFT_BRACE;
  if (!isError && result === undefined) return UNREADABLE;
  return {
    kind: "reply",
    id: Number(idText),
    text: `${textOf(bytes, { start: 0, end: idSpan.start })}1${
      textOf(bytes, { start: idSpan.end, end: bytes.length })
    }`,
    isError,
    subscription: result === undefined ? "" : subscriptionText(bytes, result),
  };
}

/** The id in a subscribe's answer: a text or a number as JSON; empty when it is neither. */
function subscriptionText(bytes: Uint8Array, result: Span): string {
  if (result.end - result.start > 256) return "";
  const text = textOf(bytes, result);
  return /^(?:"[^"\\]+"|\d+)$/.test(text) ? text : "";
}

/** A notification, parted where the id of its subscription stands. */
export function notification(bytes: Uint8Array, span: Span): NodeMessage {
  return {
    kind: "notification",
    subscription: textOf(bytes, span),
    before: textOf(bytes, { start: 0, end: span.start }),
    after: textOf(bytes, { start: span.end, end: bytes.length }),
  };
}

export function textOf(bytes: Uint8Array, { start, end }: Span): string {
  return decoder.decode(bytes.subarray(start, end));
}

function requestText(call: ProtocolCall): string {
  return decoder.decode(call.nodeRequest.body ?? undefined);
}

/** A request to the id 1 under another one; undefined for what is not one request. */
export function callMessage(body: Uint8Array | null, id: number): string | undefined {
  const text = decoder.decode(body ?? undefined);
  return text.startsWith(HEAD) ? `{"jsonrpc":"2.0","id":${id},${text.slice(HEAD.length)}` : undefined;
}

/** JSON without white space between its tokens. */
export function compactJson(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, "$1");
}
