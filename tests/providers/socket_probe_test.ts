import { assert, assertEquals } from "@std/assert";
import { checkRelayConfig } from "../../src/config/resolve_config.ts";
import { silentLog } from "../../src/domain/log.ts";
import { accept, type SocketNode, type SocketScript, startSocketNode } from "../support/socket_node.ts";
import { type SocketStage, type StageOptions, stageSockets } from "../support/subscription_stage.ts";

/** Answers as a node of ETH1 at block 1,000 does, but for what `others` say. */
function answering(others: Readonly<Record<string, unknown>> = {}): SocketScript {
  return (message, connection) => {
    const { id, method, params } = message;
    const results: Readonly<Record<string, unknown>> = {
      eth_chainId: "0x1",
      eth_blockNumber: "0x3e8",
      eth_getBlockByNumber: { number: params?.[0] === "earliest" ? "0x0" : params?.[0], hash: "0xabc" },
      eth_getCode: "0x1",
      ...others,
    };
    if (results[method] instanceof Error) {
      return { jsonrpc: "2.0", id, error: { code: -32601, message: results[method].message } };
    }
    return method in results ? { jsonrpc: "2.0", id, result: results[method] } : accept(message, connection);
  };
}

/** One provider that is called over HTTP, and one with nothing but a WebSocket. */
function socketOnly(http: SocketNode, socket: SocketNode, options: StageOptions = {}): SocketStage {
  const providers = [
    { name: "sockets", nodeUrls: [{ url: socket.wsUrl }] },
    { name: "calls", nodeUrls: [{ url: http.httpUrl, skipVerifications: ["*"] }] },
  ];
  return stageSockets([], { probes: {}, providers, ...options });
}

/** Resolves when a line is logged of a provider. */
function loggedOf(provider: string, text: string) {
  const { promise: logged, resolve } = Promise.withResolvers<Readonly<Record<string, unknown>>>();
  const look = (message: string, fields: Readonly<Record<string, string | number | boolean>> = {}) => {
    if (message.startsWith(text) && fields["provider"] === provider) resolve(fields);
  };
  return { logged, log: { ...silentLog, info: look, warn: look } };
}

/** Comes back once a provider's WebSocket is left out, which follows the log line after the last of its checks. */
async function leftOut(stage: SocketStage, name: string): Promise<void> {
  const provider = stage.sockets.nodes.providers.find((each) => each.name === name)!;
  for (let i = 0; i < 1_000 && !provider.socketUrls[0]!.health.isRefuted; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("a provider with nothing but a WebSocket is polled and verified over it, on one connection, and subscribed with", async () => {
  await using http = startSocketNode();
  await using node = startSocketNode(answering());
  await using stage = socketOnly(http, node);
  await node.called("eth_chainId", 1);
  await node.called("eth_blockNumber", 2);
  const client = stage.join();
  assertEquals(typeof (await client.call("eth_subscribe", ["newHeads"])).result, "string");
  assertEquals(stage.headOf("sockets"), 1_000);
  assertEquals(node.connections.size, 1);
  assertEquals(stage.usage.events.map(({ apiMethod, provider }) => [apiMethod, provider]), [
    ["eth_subscribe", "sockets"],
  ]);
});

Deno.test("a WebSocket of another chain is not subscribed with, and said so", async () => {
  await using http = startSocketNode();
  await using node = startSocketNode(answering({ eth_chainId: "0x5" }));
  const { log, logged } = loggedOf("sockets", "provider failed a verification");
  await using stage = socketOnly(http, node, { log });
  const { verification, reason } = await logged;
  assertEquals([verification, reason], ["chain-id", "it says 0x5 instead of 0x1"]);
  await leftOut(stage, "sockets");
  const { error } = await stage.join().call("eth_subscribe", ["newHeads"]);
  assert(error !== undefined);
  assert(!node.methods.includes("eth_subscribe"));
});

Deno.test("so is that of a provider whose other URLs are right, which are called all the same", async () => {
  await using node = startSocketNode(answering({ eth_chainId: "0x5" }));
  const { log, logged } = loggedOf("mixed", "provider failed a verification");
  const nodeUrls = [{ url: node.httpUrl, skipVerifications: ["*"] }, { url: node.wsUrl }];
  await using stage = stageSockets([], { probes: {}, providers: [{ name: "mixed", nodeUrls }], log });
  await logged;
  await leftOut(stage, "mixed");
  const client = stage.join();
  assert((await client.call("eth_subscribe", ["newHeads"])).error !== undefined);
  assertEquals((await client.call("eth_gasPrice")).result, "eth_gasPrice of a node");
});

Deno.test("a node that takes nothing but subscriptions over its WebSocket is not left out", async () => {
  await using http = startSocketNode();
  const none = new Error("Method not found");
  const refusing = { eth_chainId: none, eth_blockNumber: none, eth_getBlockByNumber: none, eth_getCode: none };
  await using node = startSocketNode(answering(refusing));
  const { log, logged } = loggedOf("sockets", "provider could not be verified");
  await using stage = socketOnly(http, node, { log });
  await logged;
  assertEquals(typeof (await stage.join().call("eth_subscribe", ["newHeads"])).result, "string");
});

Deno.test("a WebSocket URL that is down is tried again, and nothing else stops", async () => {
  await using http = startSocketNode();
  const node = startSocketNode();
  await node[Symbol.asyncDispose]();
  const { log, logged } = loggedOf("sockets", "provider could not be verified");
  await using stage = socketOnly(http, node, { log });
  assertEquals(String((await logged)["reason"]).includes("127.0.0.1"), false);
  assertEquals((await stage.join().call("eth_gasPrice")).result, "eth_gasPrice of a node");
});

Deno.test("without anyone to call, a configuration is refused", () => {
  const providers = [{ name: "a", nodeUrls: [{ url: "wss://node.example" }] }];
  assertEquals(checkRelayConfig({ chainId: "ETH1", providers }), [
    { path: ["providers", 0, "nodeUrls"], message: "has no http(s) URL; calls need at least one" },
  ]);
});
