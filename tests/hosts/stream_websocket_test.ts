import { assert, assertEquals } from "@std/assert";
import { createPathRouter, createRelay } from "../../mod.ts";
import type { HostResponse } from "../../src/hosts/host_request.ts";
import type { AcceptSocket } from "../../src/hosts/upgrade.ts";
import type { SocketReceiver } from "../../src/hosts/websocket_session.ts";
import { overFetch } from "../support/echo_host.ts";
import { type HttpServer, type HttpServerLimits, listenWith } from "../support/http_servers.ts";
import { frame, OPCODES, RawSocket } from "../support/raw_socket.ts";

/** The servers whose WebSockets are those of npm `ws`. */
const HOSTS = ["node", "own"] as const satisfies readonly HttpServer[];

/** A listener that has nothing behind it, and what it is told of its sockets. */
async function start(host: HttpServer, limits: HttpServerLimits, decision?: HostResponse) {
  const ended = Promise.withResolvers<void>();
  const receiver: SocketReceiver = { message() {}, closed: () => ended.resolve() };
  const accept: AcceptSocket = () => receiver;
  const body = new TextEncoder().encode("over HTTP");
  const served = overFetch({
    handle: () => Promise.resolve({ status: 200, fields: [], body }),
    accept: () => decision ?? accept,
  });
  const listener = await listenWith(host, served, limits);
  return {
    url: `http://127.0.0.1:${listener.port}/`,
    ended: ended.promise,
    [Symbol.asyncDispose]: () => listener.shutdown(),
  };
}

for (const host of HOSTS) {
  for (const [bytes, code] of [[60_000, 1009], [0, 1008]] as const) {
    Deno.test(`${host}: a message that never ends, in parts of ${bytes} bytes, is cut off with ${code}`, async () => {
      await using at = await start(host, { maxMessageBytes: 100_000 });
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

  Deno.test(`${host}: frames of a client that are not masked are refused, as RFC 6455 wants it`, async () => {
    await using at = await start(host, {});
    using client = await RawSocket.open(at.url);
    await client.send(frame("hello", { isMasked: false }));
    assertEquals(await client.ended(), 1002);
  });

  Deno.test(`${host}: who gives no sign of life is cut, who does is not`, async () => {
    await using at = await start(host, { pingIntervalMs: 40 });
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

  Deno.test(`${host}: who sends what is no frame, and stays, is cut`, async () => {
    await using at = await start(host, { closeTimeoutMs: 50 });
    using client = await RawSocket.open(at.url);
    await client.send(frame("hello", { reservedBits: 0x40 }));
    await at.ended;
    assertEquals(await client.ended(), 1002);
  });

  Deno.test(`${host}: who is refused an upgrade, and stays, is let go`, async () => {
    const body = new TextEncoder().encode("no");
    await using at = await start(host, {}, { status: 429, fields: [[["x-why", "so"]]], body });
    using client = await RawSocket.open(at.url);
    assertEquals(client.status, 429);
    assertEquals(await client.ended(), 0);
  });

  Deno.test(`${host}: several relays at one address have their WebSockets below their paths`, async () => {
    const providers = [{ name: "a", nodeUrls: [{ url: "http://127.0.0.1:1" }] }];
    const eth = createRelay({ chainId: "ETH1", providers });
    const listener = await listenWith(host, createPathRouter({ "/eth1/jsonrpc": eth }));
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

  Deno.test(`${host}: other protocols are not upgraded to, and HTTP goes on`, async () => {
    await using at = await start(host, {});
    {
      using client = await RawSocket.open(at.url, { headers: { upgrade: "h2c" } });
      // Node takes the offer for a wish.
      assertEquals(client.status, host === "node" ? 400 : 200);
    }
    assertEquals(await (await fetch(at.url)).text(), "over HTTP");
    using socket = await RawSocket.open(at.url);
    assert(socket.status === 101);
  });
}
