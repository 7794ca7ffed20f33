/** A worker that has many clients of WebSockets, each with one subscription, and tells how late each message was. */

/** What the worker is told to do. */
export type SubscribersOrder =
  | { readonly kind: "connect"; readonly url: string; readonly clients: number }
  | { readonly kind: "subscribe" }
  | { readonly kind: "close" };

/** What it tells: that an order is done, or how late one head was with each client, milliseconds. */
export type SubscribersNews =
  | { readonly kind: "done" }
  | { readonly kind: "head"; readonly lateMs: readonly number[] };

const SUBSCRIBE = '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}';
const sockets: WebSocket[] = [];
let subscribed = 0;
let lateMs: number[] = [];

/** What a worker has around it. */
interface WorkerScope {
  onmessage: (event: MessageEvent<SubscribersOrder>) => void;
  postMessage(news: SubscribersNews): void;
  close(): void;
}

const scope = globalThis as unknown as WorkerScope;
const tell = (news: SubscribersNews) => scope.postMessage(news);

scope.onmessage = async ({ data }) => {
  if (data.kind === "connect") {
    for (let i = 0; i < data.clients; i++) sockets.push(await open(data.url));
    tell({ kind: "done" });
  } else if (data.kind === "subscribe") {
    for (const socket of sockets) socket.send(SUBSCRIBE);
  } else {
    for (const socket of sockets) socket.close();
    scope.close();
  }
};

function open(url: string): Promise<WebSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<WebSocket>();
  const socket = new WebSocket(url);
  socket.onopen = () => resolve(socket);
  socket.onerror = () => reject(new Error("a client could not connect"));
  socket.onmessage = ({ data }) => take(data);
  return promise;
}

function take(text: string): void {
  const at = text.indexOf('"sentAt":');
  if (at < 0) {
    if (++subscribed === sockets.length) tell({ kind: "done" });
    return;
  }
  const sentAt = Number.parseFloat(text.slice(at + 9, at + 30));
  lateMs.push(performance.timeOrigin + performance.now() - sentAt);
  if (lateMs.length < sockets.length) return;
  tell({ kind: "head", lateMs });
  lateMs = [];
}
