/** A node whose WebSocket frames the test writes byte by byte. */
import { within } from "./within.ts";
import { frame, type FrameOptions } from "./raw_socket.ts";
import type { SocketMessage } from "./socket_node.ts";

/** The node's end of a connection. */
export interface RawNodeSocket {
  /** Sends a frame of its own; a whole text message unless the options say otherwise. */
  frame(payload: string | Uint8Array, options?: FrameOptions): void;
  /** Sends a message as JSON. */
  json(message: unknown): void;
  /** Ends the connection, after what was sent before. */
  end(): void;
}

/** A node that listens. */
export interface RawSocketNode extends AsyncDisposable {
  readonly httpUrl: string;
  readonly wsUrl: string;
  /** Messages that have come, over all connections. */
  readonly messages: readonly SocketMessage[];
  /** Connections that are open. */
  readonly sockets: ReadonlySet<RawNodeSocket>;
  /** Resolves when a method has been called so often. */
  called(method: string, times: number): Promise<void>;
}

/** Starts a node that answers nothing by itself; over HTTP it is not there. */
export function startRawSocketNode(onMessage: (message: SocketMessage, socket: RawNodeSocket) => void): RawSocketNode {
  const messages: SocketMessage[] = [];
  const sockets = new Set<RawNodeSocket>();
  const connections = new Set<Deno.TcpConn>();
  const waiting: { readonly method: string; readonly times: number; readonly resolve: () => void }[] = [];
  const countOf = (name: string) => messages.filter(({ method }) => method === name).length;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (connection: Deno.TcpConn) => {
    connections.add(connection);
    let writing: Promise<void> = Promise.resolve();
    const write = (bytes: Uint8Array) => {
      writing = writing.then(async () => {
        for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await connection.write(rest));
      }).catch(() => {});
    };
    const close = () => {
      if (connections.delete(connection)) connection.close();
    };
    const socket: RawNodeSocket = {
      frame: (payload, options) => write(frame(payload, { isMasked: false, ...options })),
      json: (message) => socket.frame(JSON.stringify(message)),
      end: () => void writing.then(close),
    };
    let received = new Uint8Array(0);
    const fill = async (count: number) => {
      while (received.length < count) {
        const chunk = new Uint8Array(65_536);
        const length = await connection.read(chunk);
        if (length === null) throw new Error("the other side has ended");
        const all = new Uint8Array(received.length + length);
        all.set(received);
        all.set(chunk.subarray(0, length), received.length);
        received = all;
      }
    };
    try {
      let head = "";
      while (!head.includes("\r\n\r\n")) {
        await fill(received.length + 1);
        head = new TextDecoder().decode(received);
      }
      received = received.subarray(head.indexOf("\r\n\r\n") + 4);
      const key = /sec-websocket-key: *(\S+)/i.exec(head)![1]!;
      write(new TextEncoder().encode(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n" +
          `sec-websocket-accept: ${await acceptOf(key)}\r\n\r\n`,
      ));
      sockets.add(socket);
      for (;;) {
        await fill(2);
        const isText = (received[0]! & 0x0f) === 1;
        const short = received[1]! & 0x7f;
        const start = short < 126 ? 2 : 4;
        await fill(start + 4);
        const length = short < 126 ? short : new DataView(received.buffer, received.byteOffset).getUint16(2);
        await fill(start + 4 + length);
        const mask = received.subarray(start, start + 4);
        const payload = received.slice(start + 4, start + 4 + length).map((byte, i) => byte ^ mask[i % 4]!);
        received = received.subarray(start + 4 + length);
        if (!isText) continue;
        const message: SocketMessage = JSON.parse(new TextDecoder().decode(payload));
        messages.push(message);
        onMessage(message, socket);
        for (const { method, times, resolve } of waiting) if (countOf(method) >= times) resolve();
      }
    } catch {
      // One of the two has ended it.
    } finally {
      sockets.delete(socket);
      await writing;
      close();
    }
  };
  const serving = new Set<Promise<void>>();
  const accepting = (async () => {
    for await (const connection of listener) {
      const served = serve(connection).finally(() => serving.delete(served));
      serving.add(served);
    }
  })();
  const { port } = listener.addr;
  return {
    httpUrl: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    messages,
    sockets,
    called(method, times) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (countOf(method) >= times) resolve();
      else waiting.push({ method, times, resolve });
      return within(promise, `${method} number ${times}`);
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of [...connections]) {
        connections.delete(connection);
        connection.close();
      }
      await Promise.all([accepting, ...serving]);
    },
  };
}

async function acceptOf(key: string): Promise<string> {
  const bytes = new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  return btoa(String.fromCharCode(...new Uint8Array(await crypto.subtle.digest("SHA-1", bytes))));
}
