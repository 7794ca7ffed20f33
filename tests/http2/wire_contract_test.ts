import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../src/domain/clock.ts";
import { createDenoWire } from "../../src/http2/deno_wire.ts";
import { ERROR_CODE } from "../../src/http2/error_code.ts";
import { createNodeWire } from "../../src/http2/node_wire.ts";
import type { Fields, Http2Client, Http2Server, Http2Wire, IncomingStream } from "../../src/http2/port.ts";
import { accept, open, Side, valueOf } from "../support/http2_streams.ts";

const WIRES: Readonly<Record<string, () => Http2Wire>> = {
  deno: () => createDenoWire(systemClock),
  node: () => createNodeWire(),
};

const OK: Fields = [[":status", "200"], ["content-type", "application/grpc"]];

interface Pair {
  readonly server: Http2Server;
  readonly client: Http2Client;
  /** The next stream that the server takes in. */
  next(): Promise<{ readonly side: Side; readonly incoming: IncomingStream }>;
}

/** One contract, for each implementation at both ends. */
function contract(name: string, run: (pair: Pair) => Promise<void>): void {
  for (const [serverName, createServer] of Object.entries(WIRES)) {
    for (const [clientName, createClient] of Object.entries(WIRES)) {
      Deno.test(`${name}: ${serverName} server, ${clientName} client`, async () => {
        const taken: { readonly side: Side; readonly incoming: IncomingStream }[] = [];
        const waiting: ((one: typeof taken[number]) => void)[] = [];
        const server = await createServer().listen({
          hostname: "127.0.0.1",
          port: 0,
          onStream(incoming) {
            const side = accept(incoming);
            if (incoming.isEnd) side.bodyEnded.resolve();
            const waiter = waiting.shift();
            if (waiter === undefined) taken.push({ side, incoming });
            else waiter({ side, incoming });
            return side;
          },
        });
        const connected = await createClient().connect({ hostname: "127.0.0.1", port: server.port });
        assert(connected.kind === "connected");
        const { client } = connected;
        try {
          await run({
            server,
            client,
            next: () => {
              const one = taken.shift();
              return one === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(one);
            },
          });
        } finally {
          client.close();
          await server.close();
          await client.closed;
          assertEquals(server.openStreams, 0);
          assertEquals(server.openConnections, 0);
        }
      });
    }
  }
}

contract("a call with fields, bodies and trailers", async ({ client, next }) => {
  const call = open(client, "/a.B/C", false, [["x-bin", "AAEC"], ["dup", "1"], ["dup", "2"]]);
  call.stream.sendData(new TextEncoder().encode("hello"), true);
  const { side, incoming } = await next();
  assertEquals(valueOf(incoming.fields, ":path"), "/a.B/C");
  assertEquals(valueOf(incoming.fields, "x-bin"), "AAEC");
  assertEquals(incoming.fields.filter(([name]) => name === "dup").map(([, value]) => value).join(), "1,2");
  assert(incoming.peerAddress.includes("127.0.0.1"));
  await side.bodyEnded.promise;
  assertEquals(side.text(), "hello");
  side.stream.sendHead(OK, false);
  side.stream.sendData(new TextEncoder().encode("world"), false);
  side.stream.sendTrailers([["grpc-status", "0"], ["t-bin", "//8"]]);
  assertEquals(await call.over.promise, undefined);
  assertEquals(valueOf(call.head, ":status"), "200");
  assertEquals(call.text(), "world");
  assertEquals(valueOf(call.trailers, "t-bin"), "//8");
  assertEquals(await side.over.promise, undefined);
});

contract("heads and trailers that take several frames", async ({ client, next }) => {
  const large = "v".repeat(25_000);
  const call = open(client, "/x", true, [["x-large", large]]);
  const { side, incoming } = await next();
  assertEquals(valueOf(incoming.fields, "x-large"), large);
  side.stream.sendHead([...OK, ["y-large", large]], false);
  side.stream.sendTrailers([["grpc-status", "0"], ["z-large", large]]);
  assertEquals(await call.over.promise, undefined);
  assertEquals([valueOf(call.head, "y-large"), valueOf(call.trailers, "z-large")], [large, large]);
});

contract("a head that is all of the answer", async ({ client, next }) => {
  const call = open(client, "/x", true);
  const { side, incoming } = await next();
  assert(incoming.isEnd);
  side.stream.sendHead([...OK, ["grpc-status", "5"]], true);
  assertEquals(await call.over.promise, undefined);
  assertEquals(valueOf(call.head, "grpc-status"), "5");
  assertEquals(call.trailers, undefined);
});

contract("the head comes before anything follows it", async ({ client, next }) => {
  const call = open(client, "/x", false);
  const { side } = await next();
  side.stream.sendHead(OK, false);
  await call.headed.promise;
  assertEquals(valueOf(call.head, ":status"), "200");
  // Both sides talk in turn.
  for (let turn = 1; turn <= 3; turn++) {
    call.stream.sendData(new Uint8Array(10), false);
    await side.arrived(turn * 10);
    side.stream.sendData(new Uint8Array(7), false);
    await call.arrived(turn * 7);
  }
  call.stream.sendData(new Uint8Array(), true);
  await side.bodyEnded.promise;
  side.stream.sendTrailers([["grpc-status", "0"]]);
  assertEquals(await call.over.promise, undefined);
});

contract("an answer that is complete before the request is", async ({ client, next }) => {
  const call = open(client, "/x", false);
  call.stream.sendData(new Uint8Array(10), false);
  const { side } = await next();
  side.stream.sendHead([...OK, ["grpc-status", "3"]], true);
  assertEquals(await call.over.promise, undefined);
  assertEquals(valueOf(call.head, "grpc-status"), "3");
  await side.over.promise;
});

contract("a client's cancel reaches the server, and not the end of its body", async ({ client, next }) => {
  const call = open(client, "/x", false);
  call.stream.sendData(new Uint8Array(10), false);
  const { side } = await next();
  await side.arrived(10);
  call.stream.reset(ERROR_CODE.CANCEL);
  assertEquals((await call.over.promise)?.by, "self");
  const failure = await side.over.promise;
  assertEquals(failure, { code: ERROR_CODE.CANCEL, by: "peer", isUnprocessed: false });
  assertEquals(side.hasEnd, false);
});

contract("a server's reset reaches the client with its code", async ({ client, next }) => {
  const call = open(client, "/x", true);
  const { side } = await next();
  side.stream.sendHead(OK, false);
  await call.headed.promise;
  side.stream.reset(ERROR_CODE.INTERNAL_ERROR);
  const failure = await call.over.promise;
  assertEquals(failure, { code: ERROR_CODE.INTERNAL_ERROR, by: "peer", isUnprocessed: false });
});

contract("a refused stream is known to be unprocessed", async ({ client, next }) => {
  const call = open(client, "/x", true);
  const { side } = await next();
  side.stream.reset(ERROR_CODE.REFUSED_STREAM);
  assertEquals((await call.over.promise)?.isUnprocessed, true);
});

contract("large bodies both ways", async ({ client, next }) => {
  const call = open(client, "/x", false);
  const body = new Uint8Array(8 * 1024 * 1024);
  for (let i = 0; i < body.length; i++) body[i] = i * 31 >>> 3;
  call.stream.sendData(body, true);
  const { side } = await next();
  await side.bodyEnded.promise;
  assertEquals(side.received, body.length);
  assert(isSame(side.chunks, body));
  side.stream.sendHead(OK, false);
  side.stream.sendData(body, false);
  side.stream.sendTrailers([["grpc-status", "0"]]);
  assertEquals(await call.over.promise, undefined);
  assert(isSame(call.chunks, body));
});

contract("who does not read stops the writer", async ({ client, next }) => {
  const call = open(client, "/x", false);
  const { side } = await next();
  side.reads = false;
  const total = 8 * 1024 * 1024;
  call.stream.sendData(new Uint8Array(total), true);
  await side.arrived(200 * 1024);
  // Another stream of the connection is not held up.
  const other = open(client, "/y", true);
  const { side: otherSide } = await next();
  otherSide.stream.sendHead(OK, true);
  assertEquals(await other.over.promise, undefined);
  assert(side.received < 1024 * 1024, `${side.received} bytes came unread`);
  side.reads = true;
  side.stream.consume(side.received);
  await side.bodyEnded.promise;
  assertEquals(side.received, total);
  side.stream.sendHead(OK, true);
  assertEquals(await call.over.promise, undefined);
});

contract("1,000 streams at once", async ({ server, client, next }) => {
  const calls = Array.from({ length: 1000 }, (_, i) => open(client, `/x/${i}`, false));
  const sides: Side[] = [];
  for (let i = 0; i < calls.length; i++) sides.push((await next()).side);
  assertEquals(server.openStreams, 1000);
  for (const call of calls) call.stream.sendData(new Uint8Array(100), true);
  for (const side of sides) {
    await side.bodyEnded.promise;
    side.stream.sendHead(OK, false);
    side.stream.sendData(new Uint8Array(side.received), false);
    side.stream.sendTrailers([["grpc-status", "0"]]);
  }
  for (const call of calls) {
    assertEquals(await call.over.promise, undefined);
    assertEquals(call.received, 100);
  }
  assertEquals(client.openStreams, 0);
});

contract("drain of the server lets streams end and takes no more", async ({ server, client, next }) => {
  const call = open(client, "/x", false);
  const { side } = await next();
  const drained = server.drain();
  await client.ending;
  assertEquals(client.canRequest, false);
  const late = open(client, "/late", true);
  assertEquals((await late.over.promise)?.isUnprocessed, true);
  call.stream.sendData(new Uint8Array(5), true);
  await side.bodyEnded.promise;
  side.stream.sendHead(OK, false);
  side.stream.sendTrailers([["grpc-status", "0"]]);
  assertEquals(await call.over.promise, undefined);
  await drained;
  await client.closed;
});

contract("a server that is gone ends its streams", async ({ server, client, next }) => {
  const call = open(client, "/x", false);
  const { side } = await next();
  await server.close();
  const failure = await call.over.promise;
  assert(failure !== undefined);
  assertEquals(failure.by === "connection" || failure.by === "peer", true);
  assert(await side.over.promise !== undefined);
  await client.closed;
});

contract("a client that is gone ends its streams", async ({ server, client, next }) => {
  const call = open(client, "/x", false);
  const { side } = await next();
  client.close();
  assert(await call.over.promise !== undefined);
  assert(await side.over.promise !== undefined);
  await client.closed;
  while (server.openConnections > 0) await new Promise((resolve) => setTimeout(resolve, 1));
});

for (const [name, create] of Object.entries(WIRES)) {
  Deno.test(`nobody listens: ${name}`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    listener.close();
    assertEquals(await create().connect({ hostname: "127.0.0.1", port }), {
      kind: "failure",
      reason: "connection refused",
    });
  });

  Deno.test(`a peer that says nothing is given up: ${name}`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept();
    const { port } = listener.addr as Deno.NetAddr;
    const controller = new AbortController();
    const connecting = create().connect({ hostname: "127.0.0.1", port, signal: controller.signal });
    const conn = await accepted;
    controller.abort();
    assertEquals((await connecting).kind, "failure");
    conn.close();
    listener.close();
  });

  Deno.test(`a port that is taken: ${name}`, async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const onStream = () => new Side();
    const failed = await Promise.resolve().then(() => create().listen({ hostname: "127.0.0.1", port, onStream }))
      .then(() => false, () => true);
    assert(failed);
    listener.close();
  });
}

function isSame(chunks: readonly Uint8Array[], body: Uint8Array): boolean {
  let at = 0;
  for (const chunk of chunks) for (const byte of chunk) if (byte !== body[at++]) return false;
  return at === body.length;
}
