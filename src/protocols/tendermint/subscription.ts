import type { ProtocolCall } from "../../domain/relay_request.ts";
import type { SubscriptionDialect } from "../../domain/subscription.ts";
import { memberSpan } from "../jsonrpc/member_span.ts";
import { callMessage, notification, readEnvelope, readReply, textOf, UNREADABLE } from "../jsonrpc/subscription.ts";

const encoder = new TextEncoder();
const QUERY = encoder.encode("query");

/**
 * Subscriptions of Tendermint: to a query, and notifications have the id of the subscribing request. A client has each
 * query once.
 */
export const TENDERMINT_SUBSCRIPTIONS: SubscriptionDialect = {
  isOncePerClient: true,
  keyOf: (call) => queryOf(call) ?? "",
  subscribeMessage: (call, id) => callMessage(call.nodeRequest.body, id) ?? "",
  callMessage,
  unsubscribeMessage: (call, _subscription, id) =>
    `{"jsonrpc":"2.0","id":${id},"method":"unsubscribe","params":{"query":${JSON.stringify(queryOf(call) ?? "")}}}`,
  readNodeMessage(text, isPending) {
    const bytes = encoder.encode(text);
    const envelope = readEnvelope(bytes);
    if (envelope?.id === undefined) return UNREADABLE;
    const { id, result, error } = envelope;
    // Older nodes mark notifications: 7#event, in quotes.
    const idText = textOf(bytes, id).replace(/^"(\d+)(?:#event)?"$/, "$1");
    // An event names its query. It may come before the answer to the subscribe, which has the same id.
    if (result !== undefined && memberSpan(bytes, result.start, QUERY) !== undefined) {
      return { ...notification(bytes, id), subscription: idText };
    }
    if (isPending(Number(idText))) {
      const reply = readReply(bytes, envelope, id);
      return reply.kind === "reply" ? { ...reply, subscription: reply.isError ? "" : idText } : reply;
    }
    // A node ends the subscription of whom it takes for too slow with an error.
    return error === undefined ? UNREADABLE : { kind: "ended", subscription: idText };
  },
  clientId: (call) => callerId(call),
  acceptance: () => '{"jsonrpc":"2.0","id":1,"result":{}}',
  endedBy: (call) => queryOf(call),
  farewell: () => '{"jsonrpc":"2.0","id":1,"result":{}}',
};

/** The query of a subscribe or unsubscribe, by name or as the only argument. */
function queryOf(call: ProtocolCall): string | undefined {
  const params = call.targets[0]!.params();
  const query = Array.isArray(params) ? params[0] : (params as { query?: unknown } | undefined)?.query;
  return typeof query === "string" ? query.trim() : undefined;
}

/** The caller's own id, in its bytes: found where it goes into an answer. */
function callerId(call: ProtocolCall): string {
  const marked = call.readReply({
    status: 200,
    headers: [],
    body: new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"result":0}'),
    trailers: [],
    retryAfterMs: 0,
  });
  const text = marked.kind === "answer" && marked.body !== null ? new TextDecoder().decode(marked.body) : "";
  return text.slice('{"jsonrpc":"2.0","id":'.length, -',"result":0}'.length) || "null";
}
