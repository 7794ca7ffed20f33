import { assert, assertEquals } from "@std/assert";
import { connectSocket } from "../../support/socket_client.ts";
import { startSocketStage } from "../../support/socket_stage.ts";
import { type SocketConnection, type SocketMessage, startSocketNode } from "../../support/socket_node.ts";

/** A node that speaks as Solana's do: numeric ids, and the method's name in its notifications. */
function startSolanaNode(firstId: number) {
  const open = new Map<number, { readonly kind: string; readonly connection: SocketConnection }>();
  const ended: unknown[] = [];
  let nextId = firstId;
  const node = startSocketNode(({ id, method, params }: SocketMessage, connection) => {
    if (method.endsWith("Unsubscribe")) {
      ended.push([method, params?.[0]]);
      return { jsonrpc: "2.0", id, result: open.delete(Number(params?.[0])) };
    }
    if (!method.endsWith("Subscribe")) {
      return { jsonrpc: "2.0", id, error: { code: -32601, message: "Method not found" } };
    }
    open.set(nextId, { kind: method.slice(0, -"Subscribe".length), connection });
    return { jsonrpc: "2.0", id, result: nextId++ };
  });
  const tell = (kind: string, result: unknown) => {
    for (const [subscription, each] of open) {
      const { method, connection } = { method: `${each.kind}Notification`, connection: each.connection };
      if (each.kind === kind) connection.send({ jsonrpc: "2.0", method, params: { result, subscription } });
    }
  };
  return Object.assign(node, { tell, ended });
}

Deno.test("Solana's subscriptions: ids are numbers, the client's own, through a failover and to the end", async () => {
  // Both give the same ids, as two nodes do that have just started.
  await using first = startSolanaNode(0);
  await using second = startSolanaNode(0);
  await using at = await startSocketStage("deno", [first, second], { chainId: "SOLANA" });
  await using alice = await connectSocket(at.url, { "project-id": "alice" });
  await using bob = await connectSocket(at.url, { "project-id": "bob" });
  const account = ["CM78CPUeXjn8o3yroDHxUtKsZZgoy4GPkPPXfouKNH12", { encoding: "base64" }];
  const [slots, mine, his] = await Promise.all([
    alice.call("slotSubscribe"),
    alice.call("accountSubscribe", account),
    bob.call("accountSubscribe", account),
  ]);
  const ids = [slots, mine, his].map(({ result }) => result);
  assert(ids.every((id) => typeof id === "number" && Number.isSafeInteger(id)), `${ids}`);
  assertEquals(new Set(ids).size, 3);
  for (const node of [first, second]) {
    node.tell("slot", { parent: 75, root: 44, slot: 76 });
    node.tell("account", { context: { slot: 76 }, value: { lamports: 2 ** 53 - 1 } });
  }
  await Promise.all([alice.notified(2), bob.notified(1)]);
  const read = ({ method, params }: (typeof alice.notifications)[number]) => [method, params?.subscription];
  assertEquals(alice.notifications.map(read).sort(), [["accountNotification", ids[1]], ["slotNotification", ids[0]]]);
  assertEquals(bob.notifications.map(read), [["accountNotification", ids[2]]]);

  const active = [first, second].filter(({ connections }) => connections.size > 0);
  const again = [first, second].map((node) => node.methods.length);
  for (const node of active) node.breakAll();
  // Both subscriptions are opened anew, wherever.
  while (first.methods.length + second.methods.length < again[0]! + again[1]! + 2) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  for (const node of [first, second]) node.tell("slot", { parent: 76, root: 45, slot: 77 });
  await alice.notified(3);
  assertEquals(read(alice.notifications[2]!), ["slotNotification", ids[0]]);

  assertEquals((await alice.call("slotUnsubscribe", [ids[2]])).error?.code, -32600, "bob's");
  assertEquals((await alice.call("slotUnsubscribe", [ids[0]])).result, true);
  assertEquals((await alice.call("accountUnsubscribe", [ids[1]])).result, true);
  assertEquals((await bob.call("accountUnsubscribe", [ids[2]])).result, true);
  while (first.ended.length + second.ended.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals([...first.ended, ...second.ended].map((each) => (each as string[])[0]).sort(), [
    "accountUnsubscribe",
    "slotUnsubscribe",
  ]);
  const deliveries = at.usage.events.filter(({ apiMethod }) => apiMethod === "subscription_delivery");
  assertEquals(deliveries.map(({ project }) => project).sort(), ["alice", "alice", "alice", "bob"]);
});

/** A node that speaks as CometBFT does: what it sends has the id of the subscribe. */
function startTendermintNode(answer: (id: unknown, connection: SocketConnection) => void) {
  const open: { readonly id: number; readonly query: string; readonly connection: SocketConnection }[] = [];
  const node = startSocketNode(({ id, method, params }: SocketMessage, connection) => {
    if (method !== "subscribe") return { jsonrpc: "2.0", id, result: {} };
    open.push({ id, query: (params as unknown as { query: string }).query, connection });
    answer(id, connection);
    return undefined;
  });
  const tell = (height: number) => {
    for (const { id, query, connection } of open) connection.send(eventOf(id, height, query));
  };
  return Object.assign(node, { tell, open });
}

function eventOf(id: unknown, height: number, query = "tm.event='NewBlock'"): unknown {
  return { jsonrpc: "2.0", id, result: { query, data: { type: "tendermint/event/NewBlock", value: { height } } } };
}

interface TendermintEvent {
  readonly id: unknown;
  readonly result: { readonly data?: { readonly value: { readonly height: number } } };
}

Deno.test("Tendermint: an event before the answer, an answer twice, and a subscription that the node ends by itself", async () => {
  const accepted = (id: unknown) => ({ jsonrpc: "2.0", id, result: {} });
  await using node = startTendermintNode((id, connection) => {
    connection.send(eventOf(id, 1));
    connection.send(accepted(id));
    connection.send(accepted(id));
  });
  await using at = await startSocketStage("deno", [node], { chainId: "COSMOSHUB", apiInterface: "tendermintrpc" });
  await using client = await connectSocket(`${at.url}/websocket`, { "project-id": "acme" });
  const query = { query: "tm.event='NewBlock'" };
  client.send(JSON.stringify({ jsonrpc: "2.0", id: "mine", method: "subscribe", params: query }));
  assertEquals(await client.stray(), accepted("mine"));
  const heightOf = async () => {
    const { id, result } = await client.stray() as unknown as TendermintEvent;
    return [id, result.data?.value.height];
  };
  assertEquals(await heightOf(), ["mine", 1]);
  node.tell(2);
  assertEquals(await heightOf(), ["mine", 2]);
  // As CometBFT ends the subscription of whom it takes for too slow.
  const { id, connection } = node.open.splice(0)[0]!;
  const data = "subscription was canceled (reason: client is not pulling messages fast enough)";
  connection.send({ jsonrpc: "2.0", id, error: { code: -32000, message: "Server error", data } });
  await node.called("subscribe", 2);
  // What is sent first comes again, and is known.
  node.tell(3);
  assertEquals(await heightOf(), ["mine", 3]);
  assertEquals(
    at.usage.events.map(({ apiMethod }) => apiMethod),
    ["subscribe", "subscription_delivery", "subscription_delivery", "subscription_delivery"],
  );
});

Deno.test("Tendermint: the same query a second time is refused, while the first is under way as well", async () => {
  const answers: (() => void)[] = [];
  await using node = startTendermintNode((id, connection) => {
    answers.push(() => connection.send({ jsonrpc: "2.0", id, result: {} }));
  });
  await using at = await startSocketStage("deno", [node], { chainId: "COSMOSHUB", apiInterface: "tendermintrpc" });
  await using client = await connectSocket(`${at.url}/websocket`);
  await using other = await connectSocket(`${at.url}/websocket`);
  const query = { query: "tm.event='Tx'" };
  const first = client.call("subscribe", query);
  const second = client.call("subscribe", query);
  const joined = other.call("subscribe", query);
  assertEquals((await second).error?.code, -32600);
  await node.called("subscribe", 1);
  answers[0]!();
  assertEquals([(await first).result, (await joined).result], [{}, {}]);
  assertEquals((await client.call("subscribe", query)).error?.code, -32600);
  assertEquals((await client.call("unsubscribe_all")).result, {});
  assertEquals((await other.call("unsubscribe", query)).result, {});
  await node.called("unsubscribe", 1);
  assertEquals(node.methods, ["subscribe", "unsubscribe"]);
});
