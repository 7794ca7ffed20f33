import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../../support/fake_clock.ts";
import { answerOf as answer, once } from "../../support/http1_faults.ts";
import { describe, http1Transport, requestOf, sendTo } from "../../support/http1_transports.ts";
import { nodeUrlOf } from "../../support/node_url.ts";
import { type Act, type RawPeer, startRawNode } from "../../support/raw_node.ts";
import { denoConnect } from "../../../src/transports/http1/deno_connect.ts";
import { Http1Transport } from "../../../src/transports/http1/transport.ts";

/** Answers each request with `ok` and its number on the connection. */
const wellBehaved: Act = async (peer) => {
  for (let i = 1; await peer.request() !== undefined; i++) await peer.write(answer(`ok ${i}`));
};

Deno.test("one request after the other goes over one connection", async () => {
  await using node = startRawNode(wellBehaved);
  const transport = http1Transport();
  for (let i = 1; i <= 5; i++) assertEquals(describe(await sendTo(transport, node.url)), `200 ok ${i}`);
  assertEquals(node.accepted, 1);
  transport.close();
});

Deno.test("a node that closes a connection, or says that it will, is asked over another", async () => {
  for (const fields of ["Connection: close\r\n", "Keep-Alive: timeout=1\r\n"]) {
    await using node = startRawNode(once(answer("a", fields)), wellBehaved);
    const transport = http1Transport();
    assertEquals(describe(await sendTo(transport, node.url)), "200 a");
    assertEquals(transport.connections, 0);
    assertEquals(describe(await sendTo(transport, node.url)), "200 ok 1");
    transport.close();
  }
});

Deno.test("a connection that the node ends while nobody uses it is not used again", async () => {
  await using node = startRawNode(async (peer) => {
    await peer.request();
    await peer.write(answer("a"));
  }, wellBehaved);
  const transport = http1Transport();
  assertEquals(describe(await sendTo(transport, node.url)), "200 a");
  await until(() => transport.connections === 0);
  assertEquals(describe(await sendTo(transport, node.url)), "200 ok 1");
  transport.close();
});

Deno.test("an answer before the request was sent is nobody's", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  await using node = startRawNode(async (peer) => {
    await peer.request();
    await peer.write(answer("a"));
    await asked;
    await peer.write(answer("early"));
    await peer.ended();
  }, wellBehaved);
  const transport = http1Transport();
  assertEquals(describe(await sendTo(transport, node.url)), "200 a");
  ask();
  await until(() => transport.connections === 0);
  assertEquals(describe(await sendTo(transport, node.url)), "200 ok 1");
  transport.close();
});

Deno.test("a node that gave up waiting has not read the request: it is made again, once", async () => {
  const timedOut = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  const giveUp = async (peer: RawPeer) => {
    await peer.request();
    await peer.write(answer("a"));
    await peer.request();
    await peer.write(timedOut);
  };
  await using node = startRawNode(giveUp, wellBehaved);
  const transport = http1Transport();
  assertEquals(describe(await sendTo(transport, node.url)), "200 a");
  assertEquals(describe(await sendTo(transport, node.url)), "200 ok 1");
  transport.close();

  // On a fresh connection it is an answer like any other.
  await using refusing = startRawNode(once(timedOut));
  const other = http1Transport();
  assertEquals(describe(await sendTo(other, refusing.url)), "408 ");
  assertEquals(refusing.accepted, 1);
  other.close();
});

Deno.test("a request that a node may have read is not made again", async () => {
  await using node = startRawNode(async (peer) => {
    await peer.request();
    await peer.write(answer("a"));
    await peer.request();
  }, wellBehaved);
  const transport = http1Transport();
  assertEquals(describe(await sendTo(transport, node.url)), "200 a");
  assertEquals(describe(await sendTo(transport, node.url)), "upstream_disconnected");
  assertEquals(node.accepted, 1);
  transport.close();
});

Deno.test("an answer before all of the request was read is taken, and ends the connection", async () => {
  await using node = startRawNode(async (peer) => {
    await peer.write("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }, wellBehaved);
  const transport = http1Transport();
  const large = requestOf("x".repeat(30_000_000));
  assertEquals(describe(await sendTo(transport, node.url, large)), "413 no");
  assertEquals(transport.connections, 0);
  assertEquals(describe(await sendTo(transport, node.url)), "200 ok 1");
  transport.close();
});

Deno.test("a node that sends a byte at a time is read, and given up when the time is over", async () => {
  const controller = new AbortController();
  await using node = startRawNode(async (peer) => {
    await peer.request();
    for (const byte of answer("slow")) await peer.write(byte);
    await peer.request();
    for (const byte of answer("slow").slice(0, -1)) await peer.write(byte);
    controller.abort();
    await peer.ended();
  });
  const transport = http1Transport();
  assertEquals(describe(await sendTo(transport, node.url)), "200 slow");
  assertEquals((await sendTo(transport, node.url, requestOf(), controller.signal)).kind, "failure");
  assertEquals(transport.connections, 0);
  transport.close();
});

Deno.test("100 Continue and Early Hints are not the answer", async () => {
  await using node = startRawNode(
    once(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n${answer("a")}`),
  );
  const transport = http1Transport();
  assertEquals(describe(await sendTo(transport, node.url)), "200 a");
  transport.close();
});

Deno.test("trailers come with the reply, and an encoding that nobody asked for is undone", async () => {
  const packed = await new Response(new Blob(["hello"]).stream().pipeThrough(new CompressionStream("gzip"))).bytes();
  const text = String.fromCharCode(...packed);
  const chunked = `${packed.length.toString(16)}\r\n${text}\r\n0\r\nX-Sum: 1\r\n\r\n`;
  await using node = startRawNode(
    once(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`),
    once(answer("hello", "Content-Encoding: gzip\r\n")),
    once(answer("hello", "Content-Encoding: br\r\n")),
  );
  const transport = http1Transport({ maxConnections: 1 });
  const result = await sendTo(transport, node.url);
  assert(result.kind === "reply");
  assertEquals([describe(result), result.reply.trailers], ["200 hello", [["x-sum", "1"]]]);
  transport.close();
  for (const _ of [1, 2]) {
    const again = http1Transport();
    assertEquals(describe(await sendTo(again, node.url)), "malformed_answer");
    again.close();
  }
});

Deno.test("requests beyond the most connections wait for one", async () => {
  await using node = startRawNode(wellBehaved);
  const transport = http1Transport({ maxConnections: 2 });
  const results = await Promise.all(Array.from({ length: 20 }, () => sendTo(transport, node.url)));
  assert(results.every((result) => result.kind === "reply"));
  assertEquals([node.accepted, transport.connections], [2, 2]);
  transport.close();
});

Deno.test("requests that come together after a rest take the connections that are there", async () => {
  await using node = startRawNode(wellBehaved);
  const clock = new FakeClock();
  const transport = new Http1Transport({ connect: denoConnect, clock }, { maxReplyBytes: 1_000 });
  const send = (count: number) => Array.from({ length: count }, () => sendTo(transport, node.url));
  await Promise.all(send(8));
  assertEquals(node.accepted, 8);
  await clock.advance(1_000);
  const controller = new AbortController();
  const givenUp = sendTo(transport, node.url, requestOf(), controller.signal);
  const others = send(7);
  controller.abort();
  await clock.advance(0);
  assertEquals((await givenUp).kind, "failure");
  for (const result of await Promise.all(others)) assertEquals(describe(result), "200 ok 2");
  assertEquals([node.accepted, transport.connections], [8, 8]);
  transport.close();
});

Deno.test("a request that is given up while it waits takes no connection", async () => {
  const { promise: free, resolve: release } = Promise.withResolvers<void>();
  await using node = startRawNode(async (peer) => {
    await peer.request();
    await free;
    await peer.write(answer("a"));
    for (; await peer.request() !== undefined;) await peer.write(answer("b"));
  });
  const transport = http1Transport({ maxConnections: 1 });
  const first = sendTo(transport, node.url);
  const controller = new AbortController();
  const second = sendTo(transport, node.url, requestOf(), controller.signal);
  controller.abort();
  assertEquals((await second).kind, "failure");
  release();
  assertEquals(describe(await first), "200 a");
  assertEquals(describe(await sendTo(transport, node.url)), "200 b");
  transport.close();
});

Deno.test("idle connections are closed when their time is over, and no timer stays behind", async () => {
  await using node = startRawNode(wellBehaved);
  const clock = new FakeClock();
  const transport = new Http1Transport({ connect: denoConnect, clock }, { maxReplyBytes: 1_000 });
  assertEquals(describe(await sendTo(transport, node.url)), "200 ok 1");
  await clock.advance(3_500);
  assertEquals([transport.connections, clock.pending], [1, 1]);
  await clock.advance(1_000);
  assertEquals([transport.connections, clock.pending], [0, 0]);
});

Deno.test("a connection that is too old is not used again, so that a change of addresses is followed", async () => {
  await using node = startRawNode(wellBehaved);
  const clock = new FakeClock();
  const limits = { maxReplyBytes: 1_000, maxAgeMs: 2_000, idleTimeoutMs: 60_000 };
  const transport = new Http1Transport({ connect: denoConnect, clock }, limits);
  assertEquals(describe(await sendTo(transport, node.url)), "200 ok 1");
  await clock.advance(2_000);
  const second = sendTo(transport, node.url);
  await clock.advance(0);
  assertEquals(describe(await second), "200 ok 2");
  assertEquals(describe(await sendTo(transport, node.url)), "200 ok 1");
  assertEquals(node.accepted, 2);
  transport.close();
});

Deno.test("a node that can't be connected to in time is unreachable", async () => {
  const clock = new FakeClock();
  const connect = (_origin: unknown, signal: AbortSignal) =>
    new Promise<Awaited<ReturnType<typeof denoConnect>>>((resolve) =>
      signal.addEventListener("abort", () => resolve({ kind: "failure", reason: "x", isOtherProtocol: false }))
    );
  const transport = new Http1Transport({ connect, clock }, { maxReplyBytes: 1_000 });
  const sent = sendTo(transport, "http://127.0.0.1:1/");
  await clock.advance(10_000);
  assertEquals(describe(await sent), "upstream_unreachable");
  assertEquals(clock.pending, 0);
});

Deno.test("a request that would break out of its place is not sent", async () => {
  await using node = startRawNode(wellBehaved);
  const transport = http1Transport();
  for (
    const changes of [
      { path: "/a b" },
      { path: "/a\r\nx: y" },
      { query: "a=\nb" },
      { verb: "GET / HTTP/1.1\r\nx:" },
      { headers: [["x\r\ny", "z"] as const] },
      { headers: [["x", "y\r\nz: a"] as const] },
    ]
  ) {
    assertEquals(describe(await sendTo(transport, node.url, requestOf("", changes))), "invalid_request");
  }
  assertEquals(node.accepted, 0);
  // What is the transport's own business is not taken from others.
  let seen = "";
  await using echo = startRawNode(async (peer) => {
    seen = await peer.request() ?? "";
    await peer.write(answer("a"));
  });
  const headers = [["Content-Length", "99"], ["transfer-encoding", "chunked"], ["host", "evil"], ["x", "y"]] as const;
  const url = nodeUrlOf(echo.url, { headers: [["authorization", "own"]] });
  await sendTo(transport, url, requestOf("hi", { headers: [...headers, ["authorization", "caller"]] }));
  const expected = [
    "POST / HTTP/1.1",
    `host: 127.0.0.1:${echo.port}`,
    "x: y",
    "accept-encoding: identity",
    "authorization: own",
    "content-length: 2",
    "",
    "hi",
  ];
  assertEquals(seen.split("\r\n"), expected);
  transport.close();
});

/** Comes back once it is so; the runtime's own I/O is what is waited for. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}
