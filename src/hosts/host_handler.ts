import type { HostRequest, HostResponse } from "./host_request.ts";
import type { AcceptSocket } from "./upgrade.ts";

/** Answers requests of any host. */
export interface HostHandler {
  /** Answers one request, whose path is `path` for it, which is the request's own by default. Never rejects. */
  handle(request: HostRequest, path?: string): Promise<HostResponse>;
  /** Decides about a request for a WebSocket: what takes the socket, or the response that refuses it. */
  accept(request: HostRequest, path?: string): AcceptSocket | HostResponse;
}

const handlers = new WeakMap<object, HostHandler>();

/** Remembers the handler that stands behind what serves requests of the platform, for hosts that have their own. */
export function setHostHandler<Server extends object>(server: Server, handler: HostHandler): Server {
  handlers.set(server, handler);
  return server;
}

/** The handler behind what serves requests of the platform; undefined where there is none, as it is none of ours. */
export function hostHandlerOf(server: object): HostHandler | undefined {
  return handlers.get(server);
}
