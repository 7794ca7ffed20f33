import { assert, assertEquals } from "@std/assert";
import { createPathRouter, createRelay } from "../../mod.ts";
import { listenNode } from "../../src/hosts/node.ts";
import type { SocketReceiver } from "../../src/hosts/websocket_session.ts";
import { frame, OPCODES, RawSocket } from "../support/raw_socket.ts";

/** A listener that has nothing behind it, and what it is told of its sockets. */
async function start(options: { maxMessageBytes?: number; pingIntervalMs?: number; closeTimeoutMs?: number }) {
  const ended = Promise.withResolvers<void>();
  const receiver: SocketReceiver = { message() {}, closed: () => ended.resolve() };
  const fetch = () => Promise.resolve(new Response("over HTTP"));
  const address = { hostname: "127.0.0.1", port: 0 };
  const limits = { headerTimeoutMs: 5_000, idleTimeoutMs: 5_000, ...options };
  const listener = await listenNode(address, fetch, limits, () => () => receiver);
  return {
    url: `http://127.0.0.1:${listener.port}/`,
    ended: ended.promise,
    [Symbol.asyncDispose]: () => listener.shutdown(),
  };
}

for (const [bytes, code] of [[60_000, 1009], [0, 1008]] as const) {
  Deno.test(`a message that never ends, in parts of ${bytes} bytes, is cut off with ${code}`, async () => {
    await using at = await start({ maxMessageBytes: 100_000 });
    using client = await RawSocket.open(at.url);
    await client.send(frame("", { isLast: false }));
    const part = frame(new Uint8Array(bytes), { opcode: OPCODES.continuation, isLast: false });
    const sending = (async () => {
      while (await client.send(part));
    })();
    assertEquals(await client.ended(), code);
    client.close();
    await sending;
    await at.ended;
  });
}

Deno.test("frames of a client that are not masked are refused, as RFC 6455 wants it", async () => {
  await using at = await start({});
  using client = await RawSocket.open(at.url);
  await client.send(frame("hello", { isMasked: false }));
  assertEquals(await client.ended(), 1002);
});

Deno.test("who gives no sign of life is cut, who does is not", async () => {
  await using at = await start({ pingIntervalMs: 40 });
  using dead = await RawSocket.open(at.url);
  using alive = await RawSocket.open(at.url);
  const answering = (async () => {
    for (let asked = 0; asked < 4; asked++) {
      assertEquals((await alive.read())?.opcode, OPCODES.ping);
      await alive.send(frame("", { opcode: OPCODES.pong }));
    }
  })();
  assertEquals(await dead.ended(), 0);
  await answering;
});

Deno.test("who sends what is no frame, and stays, is cut", async () => {
  await using at = await start({ closeTimeoutMs: 50 });
  using client = await RawSocket.open(at.url);
  await client.send(frame("hello", { reservedBits: 0x40 }));
  await at.ended;
  assertEquals(await client.ended(), 1002);
});

Deno.test("who is refused an upgrade, and stays, is let go", async () => {
  const fetch = () => Promise.resolve(new Response());
  const limits = { headerTimeoutMs: 5_000, idleTimeoutMs: 5_000 };
  const refusing = () => new Response("no", { status: 429 });
  const listener = await listenNode({ hostname: "127.0.0.1", port: 0 }, fetch, limits, refusing);
  using client = await RawSocket.open(`http://127.0.0.1:${listener.port}/`);
  assertEquals(client.status, 429);
  await listener.shutdown();
});

Deno.test("several relays at one address have their WebSockets below their paths", async () => {
  const providers = [{ name: "a", nodeUrls: [{ url: "http://127.0.0.1:1" }] }];
  const eth = createRelay({ chainId: "ETH1", providers });
  const { fetch: serve, upgrade } = createPathRouter({ "/eth1/jsonrpc": eth });
  const limits = { headerTimeoutMs: 5_000, idleTimeoutMs: 5_000 };
  const listener = await listenNode({ hostname: "127.0.0.1", port: 0 }, serve, limits, upgrade);
  const url = `http://127.0.0.1:${listener.port}`;
  {
    using nowhere = await RawSocket.open(`${url}/ws`);
    assertEquals(nowhere.status, 404);
    using socket = await RawSocket.open(`${url}/eth1/jsonrpc/ws`);
    await socket.send(frame("{broken"));
    assertEquals((await socket.json()).error?.code, -32700);
    assertEquals(await (await fetch(`${url}/eth1/jsonrpc/lava/health`)).text(), "Health status OK");
  }
  const closing = listener.shutdown();
  await eth.close(0);
  await closing;
});

Deno.test("other protocols are not upgraded to, and HTTP goes on", async () => {
  await using at = await start({});
  using client = await RawSocket.open(at.url, { headers: { upgrade: "h2c" } });
  assertEquals(client.status, 400);
  assertEquals(await (await fetch(at.url)).text(), "over HTTP");
  using socket = await RawSocket.open(at.url);
  assert(socket.status === 101);
});
