import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createMetrics, createMetricsHandler, NoopUsageSink } from "../../../mod.ts";
import { assemble } from "../../../src/config/assemble.ts";
import { systemClock } from "../../../src/domain/clock.ts";
import { silentLog } from "../../../src/domain/log.ts";
import { MemorySink } from "../../support/memory_sink.ts";
import { accept, type SocketNode, type SocketScript, startSocketNode } from "../../support/socket_node.ts";
import { providersOf, type StageOptions, stageSockets } from "../../support/subscription_stage.ts";

const SOCKET_METRICS = [
  "ws_subscriptions_active",
  "ws_upstream_connections_active",
  "ws_upstream_subscriptions_active",
  "ws_upstream_reconnects_total",
  "ws_gap_heads_total",
  "ws_gaps_given_up_total",
];

/** The nodes of a configuration that takes another's place. */
function nodesOf(nodes: readonly SocketNode[], firstNumber = 1) {
  const providers = providersOf(nodes).map((provider, i) => ({ ...provider, name: `node-${firstNumber + i}` }));
  const surroundings = { usage: new MemorySink(), fetch: globalThis.fetch, clock: systemClock, log: silentLog };
  return assemble({ chainId: "ETH1", providers }, surroundings).sockets!.nodes;
}

Deno.test("with other nodes, subscriptions of those that are gone go on with those that are there", async () => {
  await using gone = startSocketNode();
  await using there = startSocketNode();
  await using at = stageSockets([gone]);
  const client = at.join();
  const { result } = await client.call("eth_subscribe", ["newHeads"]);
  gone.notify("before");
  await client.notified(1);
  at.sockets.replaceNodes(nodesOf([there], 2));
  await there.called("eth_subscribe", 1);
  there.notify("after");
  await client.notified(2);
  assertEquals(client.delivered, ["before", "after"]);
  assertEquals(client.messages.at(-1)!["params"], { subscription: result, result: "after" });
  assertEquals(at.usage.events.at(-1)!.provider, "node-2");
  // And new ones go nowhere else.
  await client.call("eth_subscribe", ["logs"]);
  assertEquals([gone.methods.length, there.methods.length], [1, 2]);
});

Deno.test("with the same node under another configuration, subscriptions do not notice", async () => {
  await using node = startSocketNode();
  await using other = startSocketNode();
  await using at = stageSockets([node]);
  const client = at.join();
  await client.call("eth_subscribe", ["newHeads"]);
  at.sockets.replaceNodes(nodesOf([node, other]));
  node.notify("x");
  await client.notified(1);
  assertEquals(node.methods, ["eth_subscribe"]);
  // Its failures count where choices are made now.
  const now = at.sockets.nodes.providers[0]!.socketUrls[0]!;
  node.breakAll();
  await other.called("eth_subscribe", 1);
  assert(!now.health.isAvailable(performance.now()));
});

Deno.test("heads that are missing are asked of nodes that are configured now, and scores, counts and metrics go on", async () => {
  const head = (height: number) => ({
    number: `0x${height.toString(16)}`,
    hash: `0x${height}`,
    parentHash: `0x${height - 1}`,
  });
  const script: SocketScript = (message, connection) => {
    if (message.method !== "eth_getBlockByNumber") return accept(message, connection);
    return { jsonrpc: "2.0", id: message.id, result: head(Number(message.params![0])) };
  };
  await using node = startSocketNode(script);
  const metrics = createMetrics({ version: "1.0.0", usage: () => new NoopUsageSink().stats() });
  await using at = stageSockets([node], { sockets: { gapFill: true }, metrics });
  const client = at.join();
  await client.call("eth_subscribe", ["newHeads"]);
  node.notify(head(1));
  await client.notified(1);
  at.sockets.replaceNodes(nodesOf([node]));
  node.breakAll();
  await node.called("eth_subscribe", 2);
  node.notify(head(4));
  await client.notified(4);
  assertEquals(client.delivered, [1, 2, 3, 4].map(head));
  const page = await (await createMetricsHandler(metrics)(new Request("http://relay.example/metrics"))).text();
  const valueOf = (name: string) => new RegExp(`^lava_rpcsmartrouter_${name}{[^}]*} (\\S+)$`, "m").exec(page)?.[1];
  assertEquals(
    Object.fromEntries(SOCKET_METRICS.map((name) => [name, valueOf(name)])),
    {
      ws_subscriptions_active: "1",
      ws_upstream_connections_active: "1",
      ws_upstream_subscriptions_active: "1",
      ws_upstream_reconnects_total: "1",
      ws_gap_heads_total: "2",
      ws_gaps_given_up_total: "0",
    },
  );
});

Deno.test("a node that is left out while it is connected to is not subscribed with", async () => {
  await using slow = startSocketNode();
  await using there = startSocketNode();
  await using at = stageSockets([slow]);
  const client = at.join();
  const subscribing = client.call("eth_subscribe", ["newHeads"]);
  at.sockets.replaceNodes(nodesOf([there], 2));
  assertEquals(typeof (await subscribing).result, "string");
  assertEquals([slow.methods.length, there.methods.length], [0, 1]);
});

Deno.test("whoever does better is subscribed with more often, backups and those that fail last", async () => {
  await using good = startSocketNode();
  await using bad = startSocketNode();
  await using spare = startSocketNode();
  const [first, second, third] = providersOf([good, bad, spare]);
  let last = 0;
  const options: StageOptions = {
    // Evenly spread, so that 60 choices fall as the scores say.
    random: () => (last += 0.6180339887) % 1,
    providers: [first!, second!],
    backupProviders: [third!],
    sockets: { maxSubscribesPerMinute: 0, maxSubscriptionsPerClient: 0 },
  };
  await using at = stageSockets([], options);
  const { selector, providers } = at.sockets.nodes;
  const [good1, bad1] = providers;
  for (let i = 0; i < 200; i++) {
    const api = { computeUnits: 10 };
    selector.report({ provider: good1!, nodeUrl: good1!.nodeUrls[0]! }, { kind: "answered", latencyMs: 10 }, api);
    selector.report({ provider: bad1!, nodeUrl: bad1!.nodeUrls[0]! }, { kind: "failed" }, api);
  }
  const client = at.join();
  for (let i = 0; i < 60; i++) await client.call("eth_subscribe", ["logs", { i }]);
  const count = ({ methods }: SocketNode) => methods.filter((method) => method === "eth_subscribe").length;
  assertEquals([count(good) + count(bad), count(spare)], [60, 0]);
  assert(count(good) > count(bad), `${count(good)} and ${count(bad)}: calls that fail count for sockets`);
  good.breakAll();
  bad.breakAll();
  await Promise.all([good, bad].map((node) => node[Symbol.asyncDispose]()));
  // Both are down now: the backup serves, although it is nobody's first choice.
  assertEquals(typeof (await client.call("eth_subscribe", ["logs", "new"])).result, "string");
  assert(count(spare) > 0);
});

Deno.test("a connection that breaks counts once against its node, however many subscriptions were on it", async () => {
  await using node = startSocketNode();
  await using other = startSocketNode();
  await using at = stageSockets([node], { sockets: { maxSubscriptionsPerClient: 0, maxSubscribesPerMinute: 0 } });
  const client = at.join();
  for (let i = 0; i < 50; i++) await client.call("eth_subscribe", ["logs", { i }]);
  let failures = 0;
  const nodes = nodesOf([node, other]);
  at.sockets.replaceNodes({
    ...nodes,
    selector: {
      select: (selection) => nodes.selector.select(selection),
      report(candidate, sample, api) {
        if (sample.kind === "failed") failures++;
        nodes.selector.report(candidate, sample, api);
      },
    },
  });
  node.breakAll();
  await other.called("eth_subscribe", 50);
  assertEquals(failures, 1);
});

Deno.test("a node that is full is passed by, without a fault of its own", async () => {
  await using node = startSocketNode();
  await using at = stageSockets([node], { sockets: { maxUpstreamConnections: 2, maxUpstreamSubscriptions: 2 } });
  const client = at.join();
  const answers = await Promise.all([1, 2, 3, 4].map((i) => client.call("eth_subscribe", ["logs", { i }])));
  assertEquals(answers.map(({ result }) => typeof result), ["string", "string", "string", "string"]);
  assertEquals(node.connections.size, 2);
  const { error } = await client.call("eth_subscribe", ["logs", { i: 5 }]);
  assertStringIncludes(JSON.stringify(error), "full of subscriptions");
  assert(at.sockets.nodes.providers[0]!.socketUrls[0]!.health.isAvailable(performance.now()));
});
