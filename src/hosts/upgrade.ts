import type { Codec } from "../domain/codec.ts";
import { failure, type RelayError } from "../domain/relay_error.ts";
import { allowsPage, type CorsOptions } from "./cors.ts";
import type { ConnectionInfo } from "./fetch_handler.ts";
import { readSteering } from "./request_headers.ts";
import type { ClientSocket } from "./websocket_outbox.ts";
import type { SocketReceiver } from "./websocket_session.ts";
import type { WebSocketSessions } from "./websocket_sessions.ts";

/**
 * Takes the socket once it is open; what comes back is told of its messages and its end.
 *
 * @example A host of one's own
 * ```ts
 * import { type ClientSocket, createRelay } from "@relaymeter/relay";
 *
 * await using relay = createRelay({
 *   chainId: "ETH1",
 *   providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
 * });
 * const decision = relay.upgrade(new Request("http://relay.example/", { headers: { upgrade: "websocket" } }));
 * if (decision instanceof Response) throw new Error("it would be refused with this response");
 * const sent: string[] = [];
 * const socket: ClientSocket = {
 *   bufferedAmount: 0,
 *   send(text) {
 *     sent.push(text);
 *     return true;
 *   },
 *   close() {},
 * };
 * const session = decision(socket);
 * session.message('{"jsonrpc":"2.0","id":1,"method":"no_such"');
 * session.closed();
 * if (!sent[0]?.includes("-32700")) throw new Error("its messages are read");
 * ```
 */
export type AcceptSocket = (socket: ClientSocket) => SocketReceiver;

/** Whether a request asks for a WebSocket. */
export function isUpgrade(request: Request): boolean {
  return request.method === "GET" && request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** Decides about a request for a WebSocket: what takes the socket, or the response that refuses it. */
export function decideUpgrade(
  request: Request,
  { clientAddress = "", path: ownPath }: ConnectionInfo,
  codec: Codec,
  sessions: WebSocketSessions | undefined,
  cors: CorsOptions,
): AcceptSocket | Response {
  if (sessions === undefined) return refuse(codec, NO_SOCKETS);
  // Browsers keep pages from reading answers over HTTP, and leave it to the server with WebSockets.
  if (!allowsPage(cors, request.headers.get("origin"))) {
    return new Response(WRONG_PAGE, { status: 403, headers: JSON_TYPE });
  }
  const steered = readSteering(request.headers, clientAddress);
  if (steered.kind === "failure") return refuse(codec, steered.error);
  const refusal = sessions.refusal(clientAddress);
  if (refusal !== undefined) return refuse(codec, refusal);
  const { caller, steering } = steered;
  const path = ownPath ?? (URL.canParse(request.url) ? new URL(request.url).pathname : "/");
  return (socket) => sessions.open(socket, { caller, steering, path });
}

const JSON_TYPE = { "content-type": "application/json" };
const WRONG_PAGE = '{"error":"forbidden_origin","message":"pages of this origin may not call"}';
const NO_SOCKETS = failure("unsupported_api", "this interface has no WebSockets; send requests over HTTP").error;

function refuse(codec: Codec, error: RelayError): Response {
  const { status, headers, body } = codec.encodeError(error);
  return new Response(body, { status, headers: headers.map(([name, value]): [string, string] => [name, value]) });
}
