import type { Codec } from "../domain/codec.ts";
import { failure, type RelayError } from "../domain/relay_error.ts";
import type { Connection } from "../transports/http1/connection.ts";
import { allowsPage, type CorsOptions } from "./cors.ts";
import type { HostRequest, HostResponse } from "./host_request.ts";
import { type HeaderSource, readSteering } from "./request_headers.ts";
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

/** A connection on which a client has asked for a WebSocket. */
export interface UpgradeOffer {
  /** The request, which is `GET` with `Upgrade: websocket`. */
  readonly request: HostRequest;
  /** Nobody else reads or writes it any more. */
  readonly connection: Connection & {
    /** Ends the side that is written, once what was written before has been taken. */
    closeWrite(): Promise<void>;
  };
  /** What has come behind the request already. */
  readonly rest: Uint8Array<ArrayBuffer>;
}

/**
 * Takes a connection over, answers the request, and comes back when it has closed the connection, which counts as open
 * until then. Never rejects.
 */
export type TakeUpgrade = (offer: UpgradeOffer) => Promise<void>;

/** Decides about a request for a WebSocket: what takes the socket, or the response that refuses it. */
export function decideUpgrade(
  headers: HeaderSource,
  clientAddress: string,
  path: string,
  codec: Codec,
  sessions: WebSocketSessions | undefined,
  cors: CorsOptions,
): AcceptSocket | HostResponse {
  if (sessions === undefined) return refuse(codec, NO_SOCKETS);
  // Browsers keep pages from reading answers over HTTP, and leave it to the server with WebSockets.
  if (!allowsPage(cors, headers.get("origin"))) return WRONG_PAGE;
  const steered = readSteering(headers, clientAddress);
  if (steered.kind === "failure") return refuse(codec, steered.error);
  const refusal = sessions.refusal(clientAddress);
  if (refusal !== undefined) return refuse(codec, refusal);
  const { caller, steering } = steered;
  return (socket) => sessions.open(socket, { caller, steering, path });
}

const WRONG_PAGE: HostResponse = {
  status: 403,
  fields: [[["content-type", "application/json"]]],
  body: new TextEncoder().encode('{"error":"forbidden_origin","message":"pages of this origin may not call"}'),
};
const NO_SOCKETS = failure("unsupported_api", "this interface has no WebSockets; send requests over HTTP").error;

function refuse(codec: Codec, error: RelayError): HostResponse {
  const { status, headers, body } = codec.encodeError(error);
  return { status, fields: [headers], body };
}
