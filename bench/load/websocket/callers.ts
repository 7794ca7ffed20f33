/** A worker whose connections make one call after the other, over HTTP or a WebSocket, by hand on both. */

/** What the worker is told to do. */
export interface CallersOrder {
  readonly kind: "http" | "websocket";
  readonly port: number;
  readonly connections: number;
  readonly forMs: number;
}

/** What it tells: answers in all. */
export interface CallersNews {
  readonly answers: number;
}

const CALL = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}';
const encoder = new TextEncoder();
const REQUEST = encoder.encode(
  `POST / HTTP/1.1\r\nhost: relay\r\ncontent-type: application/json\r\ncontent-length: ${CALL.length}\r\n\r\n${CALL}`,
);
// A mask of zeros leaves the payload as it is.
const FRAME = new Uint8Array([0x81, 0x80 | CALL.length, 0, 0, 0, 0, ...encoder.encode(CALL)]);
const HANDSHAKE = encoder.encode(
  "GET / HTTP/1.1\r\nhost: relay\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n" +
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
);
const RIGHT_BRACE = 0x7d;

/** What a worker has around it. */
interface WorkerScope {
  onmessage: (event: MessageEvent<CallersOrder>) => void;
  postMessage(news: CallersNews): void;
}

const scope = globalThis as unknown as WorkerScope;

scope.onmessage = async ({ data: { kind, port, connections, forMs } }) => {
  const endMs = performance.now() + forMs;
  const counts = await Promise.all(Array.from({ length: connections }, () => callUntil(endMs, kind, port)));
  scope.postMessage({ answers: counts.reduce((sum, count) => sum + count, 0) });
};

async function callUntil(endMs: number, kind: CallersOrder["kind"], port: number): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const chunk = new Uint8Array(16_384);
  const message = kind === "http" ? REQUEST : FRAME;
  if (kind === "websocket") {
    await connection.write(HANDSHAKE);
    await connection.read(chunk);
  }
  let answers = 0;
  while (performance.now() < endMs) {
    await connection.write(message);
    // An answer is small, and its last byte closes it.
    for (;;) {
      const length = await connection.read(chunk);
      if (length === null) throw new Error(`the relay has closed a connection (${kind}, after ${answers} answers)`);
      if (chunk[length - 1] === RIGHT_BRACE) break;
    }
    answers++;
  }
  return answers;
}
