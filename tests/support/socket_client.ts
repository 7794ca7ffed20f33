/** A client of a WebSocket that records what it is sent. */

/** A message as the client got it. */
export type Received = Readonly<Record<string, unknown>> & {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
  readonly params?: { readonly subscription: unknown; readonly result: unknown };
};

/** A connection that is open. */
export interface SocketClient extends AsyncDisposable {
  /** Notifications so far. */
  readonly notifications: readonly Received[];
  /** Sends a call, and waits for its answer. */
  call(method: string, params?: unknown): Promise<Received>;
  /** Sends whatever. */
  send(data: string | Uint8Array<ArrayBuffer>): void;
  /** Resolves when so many notifications have come. */
  notified(count: number): Promise<void>;
  /** Resolves with the next message that answers no call of this client. */
  stray(): Promise<Received>;
  /** Code and reason, once the connection has ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** Connects; `headers` go with the upgrade. */
export async function connectSocket(url: string, headers: Record<string, string> = {}): Promise<SocketClient> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), { headers });
  const notifications: Received[] = [];
  const answers = new Map<number, (answer: Received) => void>();
  const waiting: { count: number; resolve: () => void }[] = [];
  const strays: Received[] = [];
  let onStray: ((message: Received) => void) | undefined;
  const { promise: closed, resolve: resolveClosed } = Promise.withResolvers<{ code: number; reason: string }>();
  const { promise: opened, resolve: resolveOpened, reject } = Promise.withResolvers<void>();
  let lastId = 0;
  socket.onopen = () => resolveOpened();
  socket.onerror = () => reject(new Error("the WebSocket failed"));
  socket.onclose = ({ code, reason }) => resolveClosed({ code, reason });
  socket.onmessage = ({ data }) => {
    const message: Received = JSON.parse(data);
    const answer = typeof message.id === "number" ? answers.get(message.id) : undefined;
    if (answer !== undefined && message.params === undefined) {
      answers.delete(message.id as number);
      return answer(message);
    }
    if (message["method"] === undefined) {
      if (onStray !== undefined) onStray(message);
      else strays.push(message);
      return;
    }
    notifications.push(message);
    for (const { count, resolve } of waiting) if (notifications.length >= count) resolve();
  };
  await opened;
  return {
    notifications,
    closed,
    call(method, params) {
      const id = ++lastId;
      const { promise, resolve } = Promise.withResolvers<Received>();
      answers.set(id, resolve);
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, ...(params !== undefined && { params }) }));
      return promise;
    },
    send: (data) => socket.send(data),
    notified(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (notifications.length >= count) resolve();
      else waiting.push({ count, resolve });
      return promise;
    },
    stray() {
      const next = strays.shift();
      return next === undefined ? new Promise((resolve) => onStray = resolve) : Promise.resolve(next);
    },
    async [Symbol.asyncDispose]() {
      if (socket.readyState <= WebSocket.OPEN) socket.close();
      await closed;
    },
  };
}
