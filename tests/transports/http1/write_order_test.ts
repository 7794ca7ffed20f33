import { assertEquals } from "@std/assert";
import { systemClock } from "../../../mod.ts";
import { Http1Transport } from "../../../src/transports/http1/transport.ts";
import { connectTo, HeldConnection } from "../../support/held_connection.ts";
import { answerOf } from "../../support/http1_faults.ts";
import { describe, requestOf, sendTo } from "../../support/http1_transports.ts";

/**
 * A runtime may tell of a response before it tells that the request was written. The response counts; the connection is
 * used again only when the whole request is known to have left.
 */
function scene(count: number) {
  const connections = Array.from({ length: count }, () => new HeldConnection());
  const clock = systemClock;
  // A second connection is made only where the first is of no more use.
  const limits = { maxReplyBytes: 1_000, maxConnections: 1 };
  const transport = new Http1Transport({ connect: connectTo(...connections), clock }, limits);
  const send = async (body?: string) => describe(await sendTo(transport, "http://node.example/", requestOf(body)));
  return { transport, send, first: connections[0]!, second: connections[1]! };
}

Deno.test("a response that is told of before the write of its request: the connection is kept", async () => {
  const { transport, send, first } = scene(1);
  const one = send("one");
  const write = await first.nextWrite();
  first.arrive(answerOf("a"));
  assertEquals(await one, "200 a");
  // The next request waits for the write, and then has the connection.
  const two = send("two");
  assertEquals([first.isClosed, transport.connections], [false, 1]);
  write.settle();
  const next = await first.nextWrite();
  assertEquals(next.text.endsWith("\r\n\r\ntwo"), true);
  next.settle();
  first.arrive(answerOf("b"));
  assertEquals([await two, transport.connections], ["200 b", 1]);
  transport.close();
});

Deno.test("a response before the write, of which only a part has left: the connection is not used again", async () => {
  const { transport, send, first, second } = scene(2);
  const one = send("one");
  const write = await first.nextWrite();
  first.arrive(answerOf("a"));
  assertEquals(await one, "200 a");
  const two = send("two");
  write.settle(10);
  (await second.nextWrite()).settle();
  second.arrive(answerOf("b"));
  assertEquals([await two, first.isClosed, transport.connections], ["200 b", true, 1]);
  transport.close();
});

Deno.test("a response before the write, which then fails: the connection is not used again", async () => {
  const { transport, send, first, second } = scene(2);
  const one = send("one");
  const write = await first.nextWrite();
  first.arrive(answerOf("a"));
  assertEquals(await one, "200 a");
  const two = send("two");
  write.fail();
  (await second.nextWrite()).settle();
  second.arrive(answerOf("b"));
  assertEquals([await two, first.isClosed], ["200 b", true]);
  transport.close();
});

Deno.test("a response before the write of a later part: the node is in the middle of the request", async () => {
  const { transport, send, first, second } = scene(2);
  // Too large to leave with its head: two writes.
  const one = send("x".repeat(100_000));
  const head = await first.nextWrite();
  first.arrive(answerOf("no"));
  assertEquals(await one, "200 no");
  assertEquals([first.isClosed, transport.connections], [true, 0]);
  head.settle();
  const two = send("two");
  (await second.nextWrite()).settle();
  second.arrive(answerOf("b"));
  assertEquals(await two, "200 b");
  transport.close();
});

Deno.test("bytes that nobody asked for while the write is still to be told of end the connection", async () => {
  const { transport, send, first, second } = scene(2);
  const one = send("one");
  const write = await first.nextWrite();
  first.arrive(answerOf("a"));
  assertEquals(await one, "200 a");
  first.arrive(answerOf("early"));
  const two = send("two");
  (await second.nextWrite()).settle();
  second.arrive(answerOf("b"));
  assertEquals([await two, first.isClosed], ["200 b", true]);
  write.settle();
  transport.close();
});

Deno.test("the relay ends while the write is still to be told of", async () => {
  const { transport, send, first } = scene(1);
  const one = send("one");
  const write = await first.nextWrite();
  first.arrive(answerOf("a"));
  assertEquals(await one, "200 a");
  transport.close();
  write.settle();
  assertEquals([first.isClosed, transport.connections, await send("two")], [true, 0, "upstream_disconnected"]);
});

Deno.test("a write that is told of in parts is the same request", async () => {
  const { transport, send, first } = scene(1);
  const one = send("one");
  (await first.nextWrite()).settle(7);
  const rest = await first.nextWrite();
  rest.settle();
  first.arrive(answerOf("a"));
  assertEquals([await one, rest.text.endsWith("one"), transport.connections], ["200 a", true, 1]);
  transport.close();
});

Deno.test("a write that fails before anything has left is made again on another connection, once", async () => {
  const { transport, send, first, second } = scene(2);
  const one = send("one");
  (await first.nextWrite()).fail();
  const again = await second.nextWrite();
  assertEquals(again.text.endsWith("one"), true);
  again.fail();
  second.close();
  assertEquals([await one, transport.connections], ["upstream_disconnected", 0]);
  transport.close();
});

Deno.test("a response after a write that failed is taken, and ends the connection", async () => {
  const connection = new HeldConnection();
  const connect = () => Promise.resolve({ kind: "connection" as const, connection, isWriteAtomic: false });
  const transport = new Http1Transport({ connect, clock: systemClock }, { maxReplyBytes: 1_000 });
  const sent = sendTo(transport, "http://node.example/");
  (await connection.nextWrite()).fail();
  connection.arrive(answerOf("no"));
  assertEquals([describe(await sent), connection.isClosed, transport.connections], ["200 no", true, 0]);
  transport.close();
});
