import { assert, assertEquals } from "@std/assert";
import { createMetrics, type MetricsRegistry, NoopUsageSink } from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { frame, OPCODES, RawSocket } from "../support/raw_socket.ts";
import { connectSocket } from "../support/socket_client.ts";
import { accept, type SocketScript, startSocketNode } from "../support/socket_node.ts";
import { SOCKET_HOSTS, startSocketStage } from "../support/socket_stage.ts";

const CALL = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';
const SUBSCRIBE = '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}';
const ANSWER = { jsonrpc: "2.0", id: 7, result: "eth_chainId of a node" };

for (const host of SOCKET_HOSTS) {
  Deno.test(`${host}: calls, subscriptions and deliveries, each on the bill of its project`, async () => {
    await using node = startSocketNode();
    await using at = await startSocketStage(host, [node]);
    await using client = await connectSocket(`${at.url}/ws`, {
      "project-id": "acme",
      "origin": "https://dapp.example",
    });
    assertEquals((await client.call("eth_chainId")).result, ANSWER.result);
    const { result: id } = await client.call("eth_subscribe", ["newHeads"]);
    node.notify({ number: "0x1" });
    await client.notified(1);
    assertEquals(client.notifications[0]!.params, { subscription: id, result: { number: "0x1" } });
    assertEquals((await client.call("eth_unsubscribe", [id])).result, true);
    await node.called("eth_unsubscribe", 1);
    assertEquals(at.usage.events.map(({ apiMethod, project, origin }) => [apiMethod, project, origin]), [
      ["eth_chainId", "acme", "https://dapp.example"],
      ["eth_subscribe", "acme", "https://dapp.example"],
      ["subscription_delivery", "acme", "https://dapp.example"],
    ]);
  });

  Deno.test(`${host}: a message in parts, with a ping in between, is one call`, async () => {
    await using node = startSocketNode();
    await using at = await startSocketStage(host, [node]);
    using client = await RawSocket.open(at.url);
    assertEquals(client.status, 101);
    // An umlaut whose two bytes are in two frames.
    const bytes = new TextEncoder().encode(CALL.replace("7", '"ä"'));
    const cut = bytes.indexOf(0xc3) + 1;
    await client.send(frame(bytes.subarray(0, cut), { isLast: false }));
    await client.send(frame("are you there", { opcode: OPCODES.ping }));
    await client.send(frame(bytes.subarray(cut), { opcode: OPCODES.continuation }));
    const pong = await client.read();
    assertEquals([pong?.opcode, pong?.text], [OPCODES.pong, "are you there"]);
    assertEquals(await client.json(), { ...ANSWER, id: "ä" });
  });

  Deno.test(`${host}: what is no JSON or no request gets an error, and the connection stays`, async () => {
    await using node = startSocketNode();
    await using at = await startSocketStage(host, [node]);
    using client = await RawSocket.open(at.url);
    for (const [text, code] of [["{broken", -32700], ["", -32700], ["\u0000", -32700], ["[]", -32600], ["7", -32600]]) {
      await client.send(frame(String(text)));
      assertEquals((await client.json()).error?.code, code, String(text));
    }
    await client.send(frame(CALL));
    assertEquals(await client.json(), ANSWER);
    assertEquals(at.usage.events.length, 1);
  });

  const big = "x".repeat(600);
  const halves = [
    frame(big, { isLast: false }),
    frame(big, { opcode: OPCODES.continuation }),
  ];
  /** Frames, and the code that the connection is closed with; undefined where none is sent. */
  const bad: readonly (readonly [string, readonly Uint8Array[], Readonly<Record<"deno" | "ws", number>>])[] = [
    ["a binary message", [frame(CALL, { opcode: OPCODES.binary })], { deno: 1003, ws: 1003 }],
    ["a message over the limit", [frame("x".repeat(1_001))], { deno: 1009, ws: 1009 }],
    ["a message over the limit in parts that are below it", halves, { deno: 1009, ws: 1009 }],
    // The platform's own sockets are ended by it, without a word.
    ["text that is not UTF-8", [frame(new Uint8Array([0xc3, 0x28]))], { deno: 0, ws: 1007 }],
    ["a message that claims to have 70 MB", [frame("x", { length: 70_000_000 })], { deno: 0, ws: 1009 }],
    ["reserved bits", [frame(CALL, { reservedBits: 0x40 })], { deno: 0, ws: 1002 }],
    ["an unknown kind of frame", [frame(CALL, { opcode: 3 })], { deno: 0, ws: 1002 }],
    ["a part of no message", [frame(CALL, { opcode: OPCODES.continuation })], { deno: 0, ws: 1002 }],
    ["a ping of 200 bytes", [frame("x".repeat(200), { opcode: OPCODES.ping })], { deno: 0, ws: 1002 }],
  ];
  for (const [name, frames, codes] of bad) {
    Deno.test(`${host}: ${name} ends the connection, is not on the bill, and harms nobody else`, async () => {
      await using node = startSocketNode();
      await using at = await startSocketStage(host, [node], { sockets: { maxMessageBytes: 1_000 } });
      await using other = await connectSocket(at.url);
      using client = await RawSocket.open(at.url);
      await client.send(frame(SUBSCRIBE));
      await client.json();
      await client.send(...frames);
      assertEquals(await client.ended(), codes[host === "deno" ? "deno" : "ws"]);
      client.close();
      // Its subscription has gone with it.
      await node.called("eth_unsubscribe", 1);
      assertEquals((await other.call("eth_chainId")).result, ANSWER.result);
      assertEquals(at.usage.events.map(({ apiMethod }) => apiMethod), ["eth_subscribe", "eth_chainId"]);
    });
  }

  Deno.test(`${host}: a client that vanishes, by a reset or in the middle of a message, leaves nothing behind`, async () => {
    await using node = startSocketNode();
    await using at = await startSocketStage(host, [node]);
    for (const [round, half] of [undefined, frame(CALL).subarray(0, 20)].entries()) {
      const client = await RawSocket.open(at.url);
      await client.send(frame(SUBSCRIBE));
      await client.json();
      if (half !== undefined) await client.send(half);
      node.notify("unread");
      await node.called("eth_subscribe", round + 1);
      client.close();
      await node.called("eth_unsubscribe", round + 1);
    }
  });

  Deno.test(`${host}: a subscribe that is accepted after its client was cut is ended, and nobody pays`, async () => {
    let accepting = () => {};
    const late: SocketScript = (message, connection) => {
      if (message.method !== "eth_subscribe") return accept(message, connection);
      accepting = () => connection.send(accept(message, connection));
      return undefined;
    };
    await using node = startSocketNode(late);
    await using at = await startSocketStage(host, [node]);
    using client = await RawSocket.open(at.url);
    await client.send(frame(SUBSCRIBE));
    await node.called("eth_subscribe", 1);
    await client.send(frame(CALL, { opcode: OPCODES.binary }));
    assertEquals(await client.ended(), 1003);
    accepting();
    node.notify("to nobody");
    await node.called("eth_unsubscribe", 1);
    assertEquals(at.usage.events, []);
  });

  Deno.test(`${host}: ten thousand subscribes are each answered once, and those over the limit with an error`, async () => {
    await using node = startSocketNode();
    const sockets = { maxSubscriptionsPerClient: 25, maxSubscribesPerMinute: 0 };
    await using at = await startSocketStage(host, [node], { sockets });
    await using client = await connectSocket(at.url);
    const before = Deno.memoryUsage().rss;
    const answers = await Promise.all(
      Array.from({ length: 10_000 }, (_, i) => client.call("eth_subscribe", ["logs", { address: `0x${i}` }])),
    );
    const accepted = answers.filter(({ result }) => typeof result === "string");
    const refused = answers.filter(({ error }) => error?.code === 429);
    assertEquals([accepted.length, refused.length], [25, 9_975]);
    assertEquals(node.methods.filter((name) => name === "eth_subscribe").length, 25);
    assertEquals(at.usage.events.length, 25);
    assert(Deno.memoryUsage().rss - before < 200_000_000, "in both ends of it");
  });

  Deno.test(`${host}: a flood of connections from one address gets as many as it may have`, async () => {
    await using node = startSocketNode();
    await using at = await startSocketStage(host, [node], { sockets: { maxConnectionsPerAddress: 5 } });
    const clients = await Promise.all(Array.from({ length: 200 }, () => RawSocket.open(at.url)));
    const usable = await Promise.all(clients.map(async (client) => {
      if (client.status !== 101) return client.status;
      await client.send(frame(CALL));
      const answer = await client.read();
      return answer?.opcode === OPCODES.text ? 101 : answer?.closeCode;
    }));
    const counts = Object.groupBy(usable, (status) => String(status));
    assertEquals(counts["101"]?.length, 5, JSON.stringify(Object.keys(counts)));
    for (const client of clients) client.close();
    // Those who have gone make room for others.
    let next = await RawSocket.open(at.url);
    while (next.status !== 101) next = (next.close(), await RawSocket.open(at.url));
    next.close();
  });

  Deno.test(`${host}: clients that never read are let go, hold no more than they may, and count until they are gone`, async () => {
    await using node = startSocketNode();
    const metrics = createMetrics({ version: "0", usage: () => new NoopUsageSink().stats() });
    const count = 12;
    const sockets = {
      maxBufferedBytes: 300_000,
      maxBufferedBytesInAll: 2_000_000,
      maxConnectionsPerAddress: count + 1,
    };
    await using at = await startSocketStage(host, [node], { sockets, metrics }, 200);
    const now = (name: string, labels = "") => numberOf(metrics, name, labels);
    await using reader = await connectSocket(at.url, { "project-id": "reader" });
    await reader.call("eth_subscribe", ["newHeads"]);
    const silent = await Promise.all(Array.from({ length: count }, async () => {
      const socket = await RawSocket.open(at.url, { headers: { "project-id": "silent" } });
      await socket.send(frame(SUBSCRIBE));
      await socket.json();
      return socket;
    }));
    const large = "x".repeat(100_000);
    let sent = 0;
    // The system's own buffers take some megabytes before anything waits in the process.
    for (; now("ws_slow_clients_total") < count && sent < 500; await reader.notified(sent)) {
      node.notify(large);
      sent++;
      assert(now("ws_buffered_bytes") <= 2_000_000 + (count + 1) * (65_536 + large.length));
    }
    assertEquals(now("ws_slow_clients_total"), count);
    assertEquals(now("ws_connections", ',state="open"'), 1);
    if (host === "deno") {
      // The platform can't end them: they count until they go.
      assertEquals([now("ws_connections", ',state="closing"'), now("ws_connections_active")], [count, count + 1]);
      using next = await RawSocket.open(at.url);
      assertEquals(next.status, 429);
      for (const socket of silent) socket.close();
    }
    const paidBy = (project: string) => at.usage.events.filter((event) => event.project === project).length;
    const paid = paidBy("silent");
    for (let i = 0; i < 3; i++) {
      node.notify("after");
      await reader.notified(++sent);
    }
    assertEquals([paidBy("silent"), paidBy("reader")], [paid, 1 + sent]);
    while (now("ws_connections_active") > 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assertEquals(now("ws_connections", ',state="closing"'), 0);
    for (const socket of silent) socket.close();
  });

  Deno.test(`${host}: somebody else's subscription can't be ended`, async () => {
    await using node = startSocketNode();
    await using at = await startSocketStage(host, [node]);
    await using alice = await connectSocket(at.url);
    await using mallory = await connectSocket(at.url);
    const { result: id } = await alice.call("eth_subscribe", ["newHeads"]);
    await mallory.call("eth_subscribe", ["newHeads"]);
    for (const wrong of [id, "0x1", 1, null, {}, "x".repeat(10_000)]) {
      assertEquals((await mallory.call("eth_unsubscribe", [wrong])).error?.code, -32600);
    }
    node.notify("still there");
    await alice.notified(1);
  });

  Deno.test(`${host}: calls and requests that the handshake does not allow are refused before the upgrade`, async () => {
    await using node = startSocketNode();
    await using at = await startSocketStage(host, [node]);
    const statusOf = async (headers: Record<string, string>) => {
      using client = await RawSocket.open(at.url, { headers });
      return client.status;
    };
    assertEquals(await statusOf({ "project-id": "x".repeat(300) }), 400);
    assertEquals(await statusOf({ "sec-websocket-key": "short" }), host === "deno" ? 101 : 400);
    assertEquals(await statusOf({}), 101);
    assertEquals(await statusOf({ origin: "https://any.example" }), 101);
    assertEquals(await (await fetch(at.url, { method: "POST", headers: JSON_TYPE, body: CALL })).json(), ANSWER);
  });

  Deno.test(`${host}: pages that may not call get no WebSocket either; who is no page does`, async () => {
    await using node = startSocketNode();
    await using at = await startSocketStage(host, [node], { corsOrigin: "https://dapp.example" });
    const statusOf = async (headers: Record<string, string>) => {
      using client = await RawSocket.open(at.url, { headers });
      return client.status;
    };
    const origins = ["https://evil.example", "https://dapp.example.evil.example", "null", "https://DAPP.example"];
    const statuses = await Promise.all(origins.map((origin) => statusOf({ origin })));
    assertEquals([...statuses, await statusOf({})], [403, 403, 403, 101, 101]);
  });

  Deno.test(`${host}: over the rate each message is answered with 429 and its id, also what is no call, for as long as the ban`, async () => {
    await using node = startSocketNode();
    const clock = new FakeClock();
    const sockets = { maxMessagesPerSecond: 3, banMs: 60_000, idleTimeoutMs: 0 };
    await using at = await startSocketStage(host, [node], { sockets, clock });
    using client = await RawSocket.open(at.url);
    const send = async (message: string) => {
      await client.send(frame(message));
      const answers = [await client.json()].flat();
      return answers.map(({ id, error }) => [id, error?.code]);
    };
    for (const _ of [1, 2, 3]) assertEquals(await send(CALL), [[7, undefined]]);
    assertEquals(await send(CALL.replace("7", '"mine"')), [["mine", 429]]);
    assertEquals(await send(`[${CALL},${CALL.replace("7", "8")}]`), [[7, 429], [8, 429]]);
    assertEquals(await send("{broken"), [[null, 429]]);
    await clock.advance(59_000);
    assertEquals(await send(CALL), [[7, 429]]);
    await clock.advance(1_000);
    assertEquals(await send(CALL), [[7, undefined]]);
    assertEquals(at.usage.events.length, 4);
  });

  Deno.test(`${host}: past the grace calls fail, are answered and on the bill; new ones are told that the relay stops`, async () => {
    const asked = Promise.withResolvers<void>();
    const never = Promise.withResolvers<Response>();
    const hanging = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      await request.body?.cancel();
      asked.resolve();
      return await never.promise;
    });
    const providers = [{ name: "hanging", nodeUrls: [{ url: `http://127.0.0.1:${hanging.addr.port}` }] }];
    {
      await using at = await startSocketStage(host, [], { providers });
      await using client = await connectSocket(at.url);
      const late = client.call("eth_chainId");
      await asked.promise;
      const closing = at.stop(300);
      const refused = await client.call("eth_chainId");
      assertEquals([refused.id, refused.error?.code], [2, -32603]);
      assertEquals((await late).error?.code, -32603);
      assertEquals((await client.closed).code, 1001);
      await closing;
      const bill = at.usage.events.map(({ apiMethod, success, computeUnits }) => [apiMethod, success, computeUnits]);
      assertEquals(bill, [["eth_chainId", false, 0]]);
    }
    never.resolve(new Response());
    await hanging.shutdown();
  });

  Deno.test(`${host}: at the end calls under way are answered, then the connection is closed with 1001`, async () => {
    const asked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const slow = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const { id } = await request.json();
      asked.resolve();
      await release.promise;
      return Response.json({ jsonrpc: "2.0", id, result: "late" });
    });
    const providers = [{ name: "slow", nodeUrls: [{ url: `http://127.0.0.1:${slow.addr.port}` }] }];
    {
      await using at = await startSocketStage(host, [], { providers });
      await using client = await connectSocket(at.url);
      const late = client.call("eth_chainId");
      await asked.promise;
      const closing = at.stop(5_000);
      release.resolve();
      assertEquals((await late).result, "late");
      assertEquals(await client.closed, { code: 1001, reason: "the relay is shutting down" });
      await closing;
      assertEquals(at.usage.events.length, 1);
    }
    await slow.shutdown();
  });
}

/** A number on the page of metrics. */
function numberOf(metrics: MetricsRegistry, name: string, labels: string): number {
  const series = `lava_rpcsmartrouter_${name}{spec="ETH1",apiInterface="jsonrpc"${labels}} `;
  const line = String(metrics).split("\n").find((line) => line.startsWith(series));
  return Number(line?.slice(series.length) ?? NaN);
}

const JSON_TYPE = { "content-type": "application/json" };
