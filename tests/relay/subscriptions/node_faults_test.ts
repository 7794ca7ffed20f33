import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { frame, OPCODES } from "../../support/raw_socket.ts";
import { type RawNodeSocket, startRawSocketNode } from "../../support/raw_socket_node.ts";
import { accept, notificationOf, type SocketMessage, startSocketNode } from "../../support/socket_node.ts";
import { type NodePlace, type SocketStage, type StageOptions, stageSockets } from "../../support/subscription_stage.ts";

/** A relay that asks the first of the nodes first. */
function stage(nodes: readonly NodePlace[], options: StageOptions = {}): SocketStage {
  return stageSockets(nodes, { random: () => 0, ...options });
}

const ID = "0xfa17";

/** Accepts a subscribe. */
function acceptRaw({ id }: SocketMessage, socket: RawNodeSocket): void {
  socket.json({ jsonrpc: "2.0", id, result: ID });
}

const TEXT = JSON.stringify(notificationOf(ID, "x".repeat(2_000)));
const BROKEN_UTF8 = new TextEncoder().encode(JSON.stringify(notificationOf(ID, "x")));
BROKEN_UTF8[BROKEN_UTF8.length - 5] = 0xff;

/** What a node does on a connection with a subscription that ends the connection. */
const ENDINGS: readonly (readonly [string, (socket: RawNodeSocket) => void])[] = [
  ["ends in the middle of a frame", (socket) => {
    socket.frame(TEXT.slice(0, 100), { length: 2_000 });
    socket.end();
  }],
  ["ends between two parts of a message", (socket) => {
    socket.frame(TEXT.slice(0, 100), { isLast: false });
    socket.end();
  }],
  ["ends without a word", (socket) => socket.end()],
  ["closes with a code", (socket) => {
    socket.frame(new Uint8Array([1001 >> 8, 1001 & 0xff]), { opcode: OPCODES.close });
    socket.end();
  }],
  ["sends invalid UTF-8", (socket) => socket.frame(BROKEN_UTF8)],
  ["sends bytes instead of text", (socket) => socket.frame(BROKEN_UTF8, { opcode: OPCODES.binary })],
  [
    "sends a message that is too large",
    (socket) => socket.frame(JSON.stringify(notificationOf(ID, "x".repeat(5_000)))),
  ],
  [
    "sends one that is too large in bytes only",
    (socket) => socket.frame(JSON.stringify(notificationOf(ID, "\u20ac".repeat(1_500)))),
  ],
  ["sends one that claims more than there is memory", (socket) => socket.frame("{", { length: 2 ** 40 })],
  ["sends a frame of no kind", (socket) => socket.frame(TEXT, { opcode: 5 })],
  ["sends a frame with bits that nobody has agreed on", (socket) => socket.frame(TEXT, { reservedBits: 0x40 })],
  ["sends a part of nothing", (socket) => socket.frame(TEXT, { opcode: OPCODES.continuation })],
];

for (const [name, fault] of ENDINGS) {
  Deno.test(`a node that ${name} is left for another one, and its subscribers stay`, async () => {
    await using bad = startRawSocketNode((message, socket) => acceptRaw(message, socket));
    await using good = startSocketNode();
    await using at = stage([bad, good], { sockets: { maxUpstreamMessageBytes: 4_000, subscribeTimeoutMs: 2_000 } });
    const [first, second] = [at.join("a"), at.join("b")];
    const { result } = await first.call("eth_subscribe", ["newHeads"]);
    await second.call("eth_subscribe", ["newHeads"]);
    for (const socket of bad.sockets) {
      socket.json(notificationOf(ID, "before"));
      fault(socket);
    }
    await good.called("eth_subscribe", 1);
    good.notify("after");
    await Promise.all([first.notified(2), second.notified(2)]);
    assertEquals(first.delivered, ["before", "after"]);
    assertEquals(second.delivered, ["before", "after"]);
    assertEquals(first.messages.at(-1)!["params"], { subscription: result, result: "after" });
    const deliveries = at.usage.events.filter(({ apiMethod }) => apiMethod === "subscription_delivery");
    assertEquals(deliveries.map(({ provider }) => provider), ["node-1", "node-1", "node-2", "node-2"]);
  });
}

/** What a node does with a subscribe, instead of answering it. */
const NON_ANSWERS: readonly (readonly [string, (message: SocketMessage, socket: RawNodeSocket) => void])[] = [
  ["never answers", () => {}],
  ["ends the connection", (_message, socket) => socket.end()],
  ["ends in the middle of its answer", ({ id }, socket) => {
    socket.frame(JSON.stringify({ jsonrpc: "2.0", id, result: ID }).slice(0, 20), { length: 60 });
    socket.end();
  }],
  ["answers with garbage", (_message, socket) => socket.frame("{garbage")],
  ["answers to another id", (_message, socket) => socket.json({ jsonrpc: "2.0", id: 4711, result: ID })],
  ["answers with no id", ({ id }, socket) => socket.json({ jsonrpc: "2.0", id, result: null })],
  ["answers with too much", ({ id }, socket) => socket.json({ jsonrpc: "2.0", id, result: "x".repeat(5_000) })],
  [
    "answers in bytes",
    ({ id }, socket) => socket.frame(JSON.stringify({ jsonrpc: "2.0", id, result: ID }), { opcode: OPCODES.binary }),
  ],
  [
    "says that it has too much to do",
    ({ id }, socket) => socket.json({ jsonrpc: "2.0", id, error: { code: -32005, message: "rate limit exceeded" } }),
  ],
];

for (const [name, act] of NON_ANSWERS) {
  Deno.test(`of five who subscribe together with a node that ${name}, each is accepted by another`, async () => {
    await using bad = startRawSocketNode(act);
    await using good = startSocketNode();
    const sockets = { maxUpstreamMessageBytes: 4_000, subscribeTimeoutMs: 300 };
    await using at = stage([bad, good], { sockets });
    const clients = Array.from({ length: 5 }, (_, i) => at.join(`project-${i}`));
    const answers = await Promise.all(clients.map((client) => client.call("eth_subscribe", ["newHeads"])));
    assertEquals(answers.filter(({ result }) => typeof result === "string").length, 5);
    assertEquals([bad.messages.length, good.methods.length], [1, 1], "asked once for all of them");
    assertEquals(good.notify("x"), 1);
    await Promise.all(clients.map((client) => client.notified(1)));
    const starts = at.usage.events.filter(({ apiMethod }) => apiMethod === "eth_subscribe");
    assertEquals(starts.map(({ provider, success }) => [provider, success]), Array(5).fill(["node-2", true]));
  });
}

Deno.test("when nobody answers, the caller is told in time, with its id, and is charged nothing", async () => {
  await using silent = startRawSocketNode(() => {});
  await using at = stage([silent], { sockets: { subscribeTimeoutMs: 100 } });
  const client = at.join();
  const answer = await client.call("eth_subscribe", ["newHeads"]);
  assertStringIncludes(JSON.stringify(answer), "not answered within 100 ms");
  assert(!JSON.stringify(answer).includes("127.0.0.1"));
  assertEquals(at.usage.events, []);
  assertEquals(at.sockets.deps.hub.stats().subscriptions, 0);
});

Deno.test("a node that refuses what none would accept is not followed by others, one that is not there for it is", async () => {
  const refusal = { code: -32602, message: "invalid params" };
  await using bad = startRawSocketNode(({ id }, socket) => socket.json({ jsonrpc: "2.0", id, error: refusal }));
  await using other = startSocketNode();
  await using at = stage([bad, other]);
  const { error } = await at.join().call("eth_subscribe", ["nonsense"]);
  assertEquals(error, refusal);
  assertEquals(other.methods, []);
  assertEquals(at.usage.events.map(({ provider, success }) => [provider, success]), [["node-1", false]]);

  // With nobody else to ask, a refusal is passed on as it came, also after a failure.
  const busy = { code: -32005, message: "rate limit exceeded" };
  await using alone = startRawSocketNode(({ id }, socket) => socket.json({ jsonrpc: "2.0", id, error: busy }));
  await using dead = startRawSocketNode((_message, socket) => socket.end());
  await using second = stage([alone, dead]);
  assertEquals((await second.join().call("eth_subscribe", ["newHeads"])).error, busy);
  assertEquals(second.usage.events.map(({ provider, success }) => [provider, success]), [["node-1", false]]);
});

Deno.test("an answer that comes too late is no subscription for anybody: it is ended", async () => {
  const subscribes: [SocketMessage, RawNodeSocket][] = [];
  await using slow = startRawSocketNode((message, socket) => {
    if (message.method !== "eth_subscribe") return;
    subscribes.push([message, socket]);
    if (subscribes.length === 1) socket.json({ jsonrpc: "2.0", id: message.id, result: "0x1" });
  });
  await using at = stage([slow], { sockets: { subscribeTimeoutMs: 100 } });
  const client = at.join();
  await client.call("eth_subscribe", ["newHeads"]);
  assert((await client.call("eth_subscribe", ["logs"])).error !== undefined);
  const [{ id }, socket] = subscribes[1]!;
  socket.json({ jsonrpc: "2.0", id, result: "0x2" });
  socket.json(notificationOf("0x2", "nobody's"));
  socket.json(notificationOf("0x1", "x"));
  await slow.called("eth_unsubscribe", 1);
  assertEquals(slow.messages.at(-1)!.params, ["0x2"]);
  await client.notified(1);
  assertEquals(client.delivered, ["x"]);
});

Deno.test("a connection on which subscribes stay without an answer is given up, and those on it go elsewhere", async () => {
  await using deaf = startRawSocketNode((message, socket) => {
    if (deaf.messages.length === 1) acceptRaw(message, socket);
  });
  await using good = startSocketNode();
  const sockets = { subscribeTimeoutMs: 50, maxSubscribesPerMinute: 0 };
  await using at = stage([deaf, good], { sockets });
  const client = at.join();
  await client.call("eth_subscribe", ["newHeads"]);
  // The other one answers; the deaf one stays first as long as its connection counts as good.
  for (let i = 0; i < 9; i++) {
    const { selector, providers: [provider] } = at.sockets.nodes;
    const candidate = { provider: provider!, nodeUrl: provider!.socketUrls[0]! };
    selector.report(candidate, { kind: "answered", latencyMs: 1 }, { computeUnits: 10 });
    await client.call("eth_subscribe", ["logs", { i }]);
  }
  await good.called("eth_subscribe", 10);
  good.notify("x");
  await client.notified(10);
});

Deno.test("what nobody has asked for harms nobody, and is not kept", async () => {
  await using node = startRawSocketNode((message, socket) => {
    if (message.method !== "eth_subscribe") return;
    // Ten thousand for others, and two of its own, before its answer.
    for (let i = 0; i < 10_000; i++) socket.json(notificationOf(`0x${i.toString(16)}ee`, i));
    for (const text of ["{garbage", "[]", "7", '"x"', "{}", '{"id":"x"}', '{"method":"eth_subscription"}']) {
      socket.frame(text);
    }
    for (const early of ["first", "second"]) socket.json(notificationOf(ID, early));
    acceptRaw(message, socket);
    acceptRaw(message, socket);
    socket.json({ jsonrpc: "2.0", id: message.id, error: { code: 1, message: "no" } });
    socket.json(notificationOf(ID, "third"));
  });
  await using at = stage([node]);
  const client = at.join();
  await client.call("eth_subscribe", ["newHeads"]);
  await client.notified(3);
  assertEquals(client.delivered, ["first", "second", "third"]);
  assertEquals(client.messages.length, 4);
});

Deno.test("messages in parts, and with pings between them, are whole messages", async () => {
  await using node = startRawSocketNode((message, socket) => acceptRaw(message, socket));
  await using at = stage([node]);
  const client = at.join();
  await client.call("eth_subscribe", ["newHeads"]);
  const text = JSON.stringify(notificationOf(ID, "\u20ac in parts"));
  const bytes = new TextEncoder().encode(text);
  const middle = bytes.indexOf(0xe2) + 1;
  for (const socket of node.sockets) {
    socket.frame(bytes.subarray(0, middle), { isLast: false });
    socket.frame("ping", { opcode: OPCODES.ping });
    socket.frame(bytes.subarray(middle), { opcode: OPCODES.continuation });
  }
  await client.notified(1);
  assertEquals(client.delivered, ["\u20ac in parts"]);
});

Deno.test("a node that hangs is found out by its silence, and one that has only nothing to say is not", async () => {
  let isHung = false;
  await using node = startRawSocketNode((message, socket) => {
    if (isHung) return;
    if (message.method === "eth_subscribe") acceptRaw(message, socket);
    else socket.json({ jsonrpc: "2.0", id: message.id, error: { code: -32601, message: "only subscriptions" } });
  });
  await using other = startSocketNode();
  await using at = stage([node, other], { sockets: { maxUpstreamSilenceMs: 40, subscribeTimeoutMs: 200 } });
  const client = at.join();
  await client.call("eth_subscribe", ["newHeads"]);
  await node.called("eth_blockNumber", 3);
  assertEquals(other.methods, []);
  isHung = true;
  await other.called("eth_subscribe", 1);
  other.notify("x");
  await client.notified(1);
  assertEquals(at.usage.events.map(({ apiMethod }) => apiMethod), ["eth_subscribe", "subscription_delivery"]);
});

Deno.test("a client that goes while its subscribe is under way leaves nothing behind", async () => {
  const asked = Promise.withResolvers<[SocketMessage, RawNodeSocket]>();
  await using slow = startRawSocketNode((message, socket) => {
    if (message.method === "eth_subscribe") asked.resolve([message, socket]);
  });
  await using at = stage([slow]);
  const client = at.join();
  client.send("eth_subscribe", ["newHeads"]);
  const [message, socket] = await asked.promise;
  client.leave();
  acceptRaw(message, socket);
  await slow.called("eth_unsubscribe", 1);
  const { subscriptions, shared } = at.sockets.deps.hub.stats();
  assertEquals([subscriptions, shared], [0, 0]);
  assertEquals(at.usage.events, []);
});

Deno.test("who joins while a connection is away waits for the next one, and gets its answer from it", async () => {
  await using first = startSocketNode();
  const isLate = Promise.withResolvers<void>();
  await using second = startRawSocketNode((message, socket) =>
    void isLate.promise.then(() => acceptRaw(message, socket))
  );
  await using at = stage([first, second]);
  const client = at.join("a");
  await client.call("eth_subscribe", ["newHeads"]);
  first.breakAll();
  await second.called("eth_subscribe", 1);
  const late = at.join("b");
  const joining = late.call("eth_subscribe", ["newHeads"]);
  isLate.resolve();
  assertEquals(typeof (await joining).result, "string");
  for (const socket of second.sockets) socket.json(notificationOf(ID, "x"));
  await Promise.all([client.notified(1), late.notified(1)]);
  assertEquals(second.messages.length, 1);
});

Deno.test("a bad frame of a handshake is no connection", async () => {
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of server) {
      await connection.write(frame("not HTTP", { isMasked: false })).catch(() => {});
      connection.close();
    }
  })();
  await using good = startSocketNode();
  const { port } = server.addr;
  const bad = { httpUrl: `http://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${port}` };
  await using at = stage([bad, good]);
  assertEquals(typeof (await at.join().call("eth_subscribe", ["newHeads"])).result, "string");
  assertEquals(good.methods, ["eth_subscribe"]);
  server.close();
  await serving;
});

Deno.test("accepting and ending at once does not make a node busy: each try waits longer", async () => {
  const times: number[] = [];
  await using node = startSocketNode((message, connection) => {
    if (message.method !== "eth_subscribe") return undefined;
    times.push(performance.now());
    const answer = accept(message, connection);
    connection.send(answer);
    if (times.length < 4) connection.close();
    return undefined;
  });
  await using at = stage([node], { random: () => 0.5 });
  const client = at.join();
  await client.call("eth_subscribe", ["newHeads"]);
  await node.called("eth_subscribe", 4);
  node.notify("x");
  await client.notified(1);
  const waits = times.slice(1).map((time, i) => time - times[i]!);
  for (const [i, leastMs] of [95, 195, 395].entries()) assert(waits[i]! >= leastMs, `${waits}`);
});
