/** A scripted node that serves calls over HTTP and subscriptions over a WebSocket, on real sockets. */

import { within } from "./within.ts";

/** What a node does with a client's message; what it returns is sent. */
export type SocketScript = (message: SocketMessage, connection: SocketConnection) => unknown;

/** A message that a node was sent, parsed. */
export interface SocketMessage {
  readonly id: number;
  readonly method: string;
  readonly params?: readonly unknown[];
}

/** One connection to a node. */
export interface SocketConnection {
  /** Subscriptions that were opened on it, by their ids. */
  readonly subscriptions: Set<string>;
  send(message: unknown): void;
  close(): void;
}

/** A node that is up. */
export interface SocketNode extends AsyncDisposable {
  readonly httpUrl: string;
  readonly wsUrl: string;
  /** Connections that are open. */
  readonly connections: ReadonlySet<SocketConnection>;
  /** Methods that were called over WebSockets, in order. */
  readonly methods: readonly string[];
  /** Sends a notification to everyone who has subscribed; comes back with how many there were. */
  notify(result: unknown): number;
  /** Breaks every connection. */
  breakAll(): void;
  /** Resolves when a method has been called so often. */
  called(method: string, times: number): Promise<void>;
}

/** Starts a node on a free port. Its subscribes are accepted unless the script says otherwise. */
export function startSocketNode(script: SocketScript = accept, port = 0): SocketNode {
  const connections = new Set<SocketConnection>();
  const methods: string[] = [];
  const waiting: { method: string; times: number; resolve: () => void }[] = [];
  const note = (method: string) => {
    methods.push(method);
    for (const each of waiting) {
      if (methods.filter((name) => name === each.method).length >= each.times) each.resolve();
    }
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, async (request) => {
    if (request.headers.get("upgrade") !== "websocket") {
      const { id, method } = await request.json();
      return Response.json({ jsonrpc: "2.0", id, result: `${method} of a node` });
    }
    const { socket, response } = Deno.upgradeWebSocket(request);
    const connection: SocketConnection = {
      subscriptions: new Set(),
      send: (message) => {
        if (socket.readyState === WebSocket.OPEN) {
          socket.send(typeof message === "string" ? message : JSON.stringify(message));
        }
      },
      close: () => socket.close(),
    };
    socket.onopen = () => connections.add(connection);
    socket.onclose = () => connections.delete(connection);
    socket.onerror = () => {};
    socket.onmessage = ({ data }) => {
      const message: SocketMessage = JSON.parse(data);
      const answer = script(message, connection);
      if (answer !== undefined) connection.send(answer);
      note(message.method);
    };
    return response;
  });
  return {
    httpUrl: `http://127.0.0.1:${server.addr.port}`,
    wsUrl: `ws://127.0.0.1:${server.addr.port}`,
    connections,
    methods,
    notify(result) {
      let count = 0;
      for (const connection of connections) {
        for (const subscription of connection.subscriptions) {
          connection.send(notificationOf(subscription, result));
          count++;
        }
      }
      return count;
    },
    breakAll() {
      for (const connection of connections) connection.close();
    },
    called(method, times) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (methods.filter((name) => name === method).length >= times) resolve();
      else waiting.push({ method, times, resolve });
      return within(promise, `${method} number ${times}`);
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) connection.close();
      await server.shutdown();
    },
  };
}

/** A notification as Ethereum's nodes send it. */
export function notificationOf(subscription: string, result: unknown): unknown {
  return { jsonrpc: "2.0", method: "eth_subscription", params: { subscription, result } };
}

let lastSubscription = 0;

/** Accepts subscribes under a new id, and answers everything else with true. */
export function accept({ id, method, params }: SocketMessage, connection: SocketConnection): unknown {
  if (method === "eth_unsubscribe") {
    connection.subscriptions.delete(String(params?.[0]));
    return { jsonrpc: "2.0", id, result: true };
  }
  if (!method.endsWith("ubscribe")) return { jsonrpc: "2.0", id, result: true };
  const subscription = `0x${(++lastSubscription).toString(16)}`;
  connection.subscriptions.add(subscription);
  return { jsonrpc: "2.0", id, result: subscription };
}
