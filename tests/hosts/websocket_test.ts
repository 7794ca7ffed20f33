import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createRelay, ProjectBudgets, type RelayHandle, type RelayOptions, systemClock } from "../../mod.ts";
import { listen, type Listener } from "../../src/hosts/deno.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { connectSocket, type Received } from "../support/socket_client.ts";
import { accept, notificationOf, type SocketNode, type SocketScript, startSocketNode } from "../support/socket_node.ts";

interface Stage extends AsyncDisposable {
  readonly url: string;
  readonly usage: MemorySink;
  readonly relay: RelayHandle;
}

/** A relay on a real socket in front of nodes, the first of which is asked first. */
function stage(nodes: readonly SocketNode[], options: Partial<RelayOptions> = {}): Stage {
  const usage = new MemorySink();
  const relay = createRelay({
    chainId: "ETH1",
    providers: nodes.map(({ httpUrl, wsUrl }, index) => ({
      name: `node-${index + 1}`,
      nodeUrls: [{ url: httpUrl }, { url: wsUrl }],
    })),
    usage,
    ...options,
  });
  const listener: Listener = listen({ hostname: "127.0.0.1", port: 0 }, relay.fetch, relay.upgrade);
  return {
    url: `http://127.0.0.1:${listener.port}`,
    usage,
    relay,
    async [Symbol.asyncDispose]() {
      const closing = listener.shutdown();
      await relay.close(1_000);
      await closing;
    },
  };
}

/** Events as `method units success`, in order. */
function billOf({ events }: MemorySink): string[] {
  return events.map(({ apiMethod, computeUnits, success }) => `${apiMethod} ${computeUnits} ${success}`);
}

/** The unit price of a subscribe. */
const START = "eth_subscribe 1000 true";
const DELIVERY = "subscription_delivery 10 true";

Deno.test("calls over a socket run side by side, each with its event, project and origin of the upgrade", async () => {
  await using node = startSocketNode();
  await using at = stage([node]);
  await using client = await connectSocket(at.url, { "project-id": "acme", "origin": "https://dapp.example" });
  const answers = await Promise.all(
    ["eth_chainId", "eth_blockNumber", "eth_gasPrice"].map((name) => client.call(name)),
  );
  assertEquals(answers.map(({ result }) => result), [
    "eth_chainId of a node",
    "eth_blockNumber of a node",
    "eth_gasPrice of a node",
  ]);
  const { events } = at.usage;
  for (const { project, origin } of events) assertEquals([project, origin], ["acme", "https://dapp.example"]);
  assertEquals(events.map(({ apiMethod }) => apiMethod).sort(), ["eth_blockNumber", "eth_chainId", "eth_gasPrice"]);
});

Deno.test("ids come back as their bytes, what is no JSON gets an error, and neither event nor end", async () => {
  await using node = startSocketNode();
  await using at = stage([node]);
  await using client = await connectSocket(at.url);
  client.send('{"jsonrpc":"2.0","id":"x","method":"eth_chainId"}');
  assertEquals(await client.stray(), { jsonrpc: "2.0", id: "x", result: "eth_chainId of a node" });
  client.send("{broken");
  assertEquals((await client.stray()).error?.code, -32700);
  assertEquals((await client.call("eth_chainId")).result, "eth_chainId of a node");
  assertEquals(at.usage.events.length, 2);
});

Deno.test("a client that never reads is let go, and the others are not held up", async () => {
  await using node = startSocketNode();
  await using at = stage([node], { sockets: { maxBufferedBytes: 200_000 } });
  await using reader = await connectSocket(at.url, { "project-id": "reader" });
  await reader.call("eth_subscribe", ["newHeads"]);
  const { port } = new URL(at.url);
  using silent = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  const handshake = "GET / HTTP/1.1\r\nHost: x\r\nproject-id: silent\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  const call = new TextEncoder().encode('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}');
  // A client's frame is masked; a mask of zeros leaves it as it is.
  const frame = new Uint8Array([0x81, 0x80 | call.length, 0, 0, 0, 0, ...call]);
  await silent.write(new TextEncoder().encode(handshake));
  await silent.write(frame);
  const paidBy = (project: string) => at.usage.events.filter((event) => event.project === project).length;
  const large = "x".repeat(100_000);
  let sent = 0;
  // The system's own buffers take some megabytes before anything waits in the process.
  while (paidBy("silent") >= sent - 1 && sent < 500) {
    node.notify(large);
    await reader.notified(++sent);
  }
  assert(sent < 500, "the silent client was let go");
  assertEquals(paidBy("reader"), 1 + sent);
  node.notify("after");
  await reader.notified(sent + 1);
  assert(paidBy("silent") <= sent, "no charge for what its socket did not take");
});

Deno.test("a connection that is silent for too long is closed", async () => {
  await using node = startSocketNode();
  await using at = stage([node], { sockets: { idleTimeoutMs: 50 } });
  await using client = await connectSocket(at.url);
  assertEquals(await client.closed, { code: 1000, reason: "idle for too long" });
});

Deno.test("clients that subscribe to the same thing share one subscription, each has an id of its own and pays its own", async () => {
  await using node = startSocketNode();
  await using at = stage([node]);
  await using alice = await connectSocket(at.url, { "project-id": "alice" });
  await using bob = await connectSocket(at.url, { "project-id": "bob" });
  const [a, b] = await Promise.all([
    alice.call("eth_subscribe", ["newHeads"]),
    bob.call("eth_subscribe", ["newHeads"]),
  ]);
  assert(typeof a.result === "string" && typeof b.result === "string" && a.result !== b.result);
  assertEquals(node.methods, ["eth_subscribe"]);
  assertEquals(node.notify({ number: "0x1" }), 1);
  await Promise.all([alice.notified(1), bob.notified(1)]);
  assertEquals(alice.notifications[0]!.params, { subscription: a.result, result: { number: "0x1" } });
  assertEquals(bob.notifications[0]!.params?.subscription, b.result);

  // The first one leaves: the other goes on.
  assertEquals((await alice.call("eth_unsubscribe", [b.result])).error?.code, -32600, "somebody else's");
  assertEquals((await alice.call("eth_unsubscribe", [a.result])).result, true);
  node.notify({ number: "0x2" });
  await bob.notified(2);
  assertEquals(alice.notifications.length, 1);
  // The last one leaves: so does the relay.
  assertEquals((await bob.call("eth_unsubscribe", [b.result])).result, true);
  await node.called("eth_unsubscribe", 1);

  assertEquals(billOf(at.usage).sort(), [START, START, DELIVERY, DELIVERY, DELIVERY].sort());
  const paid = (project: string) => at.usage.events.filter((event) => event.project === project).length;
  assertEquals([paid("alice"), paid("bob")], [2, 3]);
  assert(at.usage.events.every(({ provider }) => provider === "node-1"));
});

Deno.test("a client that vanishes leaves the subscription, and the last one ends it", async () => {
  await using node = startSocketNode();
  await using at = stage([node]);
  {
    await using client = await connectSocket(at.url);
    await client.call("eth_subscribe", ["newHeads"]);
  }
  await node.called("eth_unsubscribe", 1);
});

Deno.test("the same client may have the same subscription twice, and is sent it twice", async () => {
  await using node = startSocketNode();
  await using at = stage([node]);
  await using client = await connectSocket(at.url);
  const first = await client.call("eth_subscribe", ["newHeads"]);
  const second = await client.call("eth_subscribe", ["newHeads"]);
  node.notify("x");
  await client.notified(2);
  assertEquals(
    client.notifications.map(({ params }) => params?.subscription).sort(),
    [first.result, second.result].sort(),
  );
});

Deno.test("what a node refuses is passed on and charged, what reaches none is not", async () => {
  const refusing: SocketScript = ({ id }) => ({
    jsonrpc: "2.0",
    id,
    error: { code: -32602, message: "no such thing" },
  });
  {
    await using node = startSocketNode(refusing);
    await using at = stage([node]);
    await using client = await connectSocket(at.url);
    assertEquals((await client.call("eth_subscribe", ["nonsense"])).error, { code: -32602, message: "no such thing" });
    assertEquals(billOf(at.usage), ["eth_subscribe 1000 false"]);
  }
  {
    await using node = startSocketNode();
    const providers = [{ name: "calls-only", nodeUrls: [{ url: node.httpUrl }] }];
    await using at = stage([], { providers });
    await using client = await connectSocket(at.url);
    const { error } = await client.call("eth_subscribe", ["newHeads"]);
    assertStringIncludes(error!.message, "add a ws:// or wss:// URL");
    assertEquals(billOf(at.usage), []);
  }
});

Deno.test("when the connection breaks, it is made again with another node, and clients keep their ids", async () => {
  await using first = startSocketNode();
  await using second = startSocketNode();
  await using at = stage([first, second]);
  await using client = await connectSocket(at.url);
  const { result } = await client.call("eth_subscribe", ["newHeads"]);
  const [from, to] = first.connections.size > 0 ? [first, second] : [second, first];
  from.notify("before");
  await client.notified(1);
  from.breakAll();
  await to.called("eth_subscribe", 1);
  // What was delivered before comes again, and is left out.
  to.notify("before");
  to.notify("after");
  await client.notified(2);
  assertEquals(client.notifications.map(({ params }) => [params?.subscription, params?.result]), [
    [result, "before"],
    [result, "after"],
  ]);
  assertEquals(billOf(at.usage), [START, DELIVERY, DELIVERY]);
});

Deno.test("a node that never answers, or dies while clients join, is left for the next one", async () => {
  const dying: SocketScript = (_message, connection) => connection.close();
  for (const script of [dying, (() => undefined) as SocketScript]) {
    await using bad = startSocketNode(script);
    await using good = startSocketNode();
    await using at = stage([bad, good], { sockets: { subscribeTimeoutMs: 200 } });
    const clients = await Promise.all(Array.from({ length: 5 }, () => connectSocket(at.url)));
    const answers = await Promise.all(clients.map((client) => client.call("eth_subscribe", ["newHeads"])));
    assertEquals(new Set(answers.map(({ result }) => result)).size, 5);
    assertEquals(good.notify("x"), 1);
    await Promise.all(clients.map((client) => client.notified(1)));
    for (const client of clients) await client[Symbol.asyncDispose]();
  }
});

Deno.test("strange messages of a node harm nobody", async () => {
  const strange: SocketScript = (message, connection) => {
    connection.send("{garbage");
    connection.send({ jsonrpc: "2.0", id: 77, result: "0x77" });
    connection.send(notificationOf("0xunknown", 1));
    connection.send([1, 2]);
    const answer = accept(message, connection) as { result: string };
    // A notification before the answer to the subscribe, and the answer twice.
    if (message.method === "eth_subscribe") connection.send(notificationOf(answer.result, "early"));
    connection.send(answer);
    connection.send(answer);
  };
  await using node = startSocketNode(strange);
  await using at = stage([node]);
  await using client = await connectSocket(at.url);
  const { result } = await client.call("eth_subscribe", ["newHeads"]);
  node.notify("late");
  await client.notified(2);
  assertEquals(client.notifications.map(({ params }) => [params?.subscription, params?.result]), [
    [result, "early"],
    [result, "late"],
  ]);
});

Deno.test("limits are told in the shape of the protocol, with the caller's id", async () => {
  await using node = startSocketNode();
  await using at = stage([node], {
    sockets: {
      maxSubscriptionsPerClient: 2,
      maxSubscribesPerMinute: 0,
      maxMessageBytes: 1_000,
      maxConnectionsPerAddress: 2,
    },
  });
  await using client = await connectSocket(at.url);
  for (let i = 0; i < 2; i++) assert((await client.call("eth_subscribe", ["logs", { i }])).result);
  const third = await client.call("eth_subscribe", ["logs", { i: 3 }]);
  assertEquals(third.error?.code, 429);
  client.send(`[{"jsonrpc":"2.0","id":"x","method":"eth_call"},{"jsonrpc":"2.0","id":"y","method":"eth_subscribe"}]`);
  const refused = await client.stray() as unknown as Received[];
  assertEquals(refused.map(({ id, error }) => [id, error?.code]), [["x", -32600], ["y", -32600]]);
  client.send("x".repeat(1_001));
  assertEquals((await client.closed).code, 1009);
  await using other = await connectSocket(at.url);
  other.send(new Uint8Array([1, 2, 3]));
  assertEquals((await other.closed).code, 1003);
});

Deno.test("a connection too many, a wrong project and a relay that stops are refused before the upgrade", async () => {
  await using node = startSocketNode();
  await using at = stage([node], { sockets: { maxConnectionsPerAddress: 1 } });
  const upgrade = async (headers: Record<string, string>, clientAddress = "192.0.2.1") => {
    const all = { connection: "upgrade", upgrade: "websocket", ...headers };
    const response = await at.relay.upgrade(new Request("http://relay.example/ws", { headers: all }), {
      clientAddress,
    });
    return response instanceof Response ? [response.status, (await response.json()).error.code] : "accepted";
  };
  assertEquals(await upgrade({}), "accepted");
  assertEquals(await upgrade({ "project-id": "x".repeat(300) }), [400, -32600]);
  await using _client = await connectSocket(at.url);
  assertEquals(await upgrade({}, "127.0.0.1"), [429, 429]);
  assertEquals(await upgrade({}), "accepted", "another address");
  await at.relay.close(0);
  assertEquals((await upgrade({}) as unknown[])[0], 503);
});

Deno.test("rates: messages, subscribes and unsubscribes", async () => {
  await using node = startSocketNode();
  const sockets = { maxMessagesPerSecond: 3, maxSubscribesPerMinute: 1, maxUnsubscribesPerMinute: 1 };
  await using at = stage([node], { sockets });
  await using client = await connectSocket(at.url);
  const subscribes = await Promise.all([1, 2].map((i) => client.call("eth_subscribe", ["logs", { i }])));
  assertEquals(subscribes.map(({ error }) => error?.code), [undefined, 429]);
  const calls = await Promise.all(Array.from({ length: 4 }, () => client.call("eth_chainId")));
  assert(calls.some(({ error }) => error?.code === 429));
});

Deno.test("SIGTERM's way: calls under way are answered and metered, then the socket is closed with a reason", async () => {
  await using node = startSocketNode();
  const slow = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { id } = await request.json();
    asked.resolve();
    await release.promise;
    return Response.json({ jsonrpc: "2.0", id, result: "late" });
  });
  const asked = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const providers = [{
    name: "slow",
    nodeUrls: [{ url: `http://127.0.0.1:${slow.addr.port}` }, { url: node.wsUrl }],
  }];
  await using at = stage([], { providers });
  await using client = await connectSocket(at.url);
  await client.call("eth_subscribe", ["newHeads"]);
  const late = client.call("eth_chainId");
  await asked.promise;
  const closing = at.relay.close(5_000);
  release.resolve();
  assertEquals((await late).result, "late");
  assertEquals((await client.closed).code, 1001);
  await closing;
  assertEquals(billOf(at.usage), [START, "eth_chainId 10 true"]);
  await slow.shutdown();
});

Deno.test("a budget holds for subscribes, deliveries and calls of a socket; what came to nothing costs nothing", async () => {
  await using node = startSocketNode();
  const limits = [{ project: "acme", unitsPerDay: 1_045 }, { project: "globex", unitsPerDay: 1_000 }];
  await using at = stage([node], { budgets: new ProjectBudgets(limits, systemClock) });
  await using acme = await connectSocket(at.url, { "project-id": "acme" });
  assertEquals(typeof (await acme.call("eth_subscribe", ["newHeads"])).result, "string");
  for (const count of [1, 2, 3, 4]) {
    node.notify({ number: `0x${count}` });
    await acme.notified(count);
  }
  // 5 units are left: an accepted subscription goes on, and new work is refused.
  const { error } = await acme.call("eth_chainId");
  assertEquals([error!.code, (error as { data?: { code?: string } }).data?.code], [429, "over_budget"]);
  assertEquals((await acme.call("eth_subscribe", ["logs", {}])).error!.code, 429);
  node.notify({ number: "0x5" });
  await acme.notified(5);
  assertEquals(billOf(at.usage), [START, DELIVERY, DELIVERY, DELIVERY, DELIVERY, DELIVERY]);

  // A subscribe that reaches no node gives back what it has taken.
  const providers = [{ name: "calls-only", nodeUrls: [{ url: node.httpUrl }] }];
  await using bare = stage([], { providers, budgets: new ProjectBudgets(limits, systemClock) });
  await using globex = await connectSocket(bare.url, { "project-id": "globex" });
  for (let i = 0; i < 3; i++) {
    assertStringIncludes((await globex.call("eth_subscribe", ["newHeads"])).error!.message, "wss:// URL");
  }
});
