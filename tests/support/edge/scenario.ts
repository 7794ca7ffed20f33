/** What a relay on another runtime has to do, whichever it is: nodes, a collector, a client, and the bill. */
import { assertEquals } from "@std/assert";
import { type ReceivedRecord, type Receiver, startReceiver } from "../receiver.ts";
import { connectSocket } from "../socket_client.ts";
import { type SocketNode, startSocketNode } from "../socket_node.ts";

/** Everyone whom the relay talks to. */
export interface EdgeStage extends AsyncDisposable {
  readonly ethereum: SocketNode;
  readonly collector: Receiver;
  /** What the examples read, by its names. */
  readonly settings: Readonly<Record<"ETHEREUM_NODES" | "COSMOS_NODE" | "COLLECTOR_URL", string>>;
}

/** Starts nodes and a collector. */
export function startEdgeStage(): EdgeStage {
  const ethereum = startSocketNode();
  const cosmos = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => Response.json({ path: new URL(request.url).pathname }),
  );
  const collector = startReceiver();
  return {
    ethereum,
    collector,
    settings: {
      ETHEREUM_NODES: `${ethereum.httpUrl} ${ethereum.wsUrl}`,
      COSMOS_NODE: `http://127.0.0.1:${cosmos.addr.port}`,
      COLLECTOR_URL: collector.url,
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([
        ethereum[Symbol.asyncDispose](),
        cosmos.shutdown(),
        collector[Symbol.asyncDispose](),
      ]);
    },
  };
}

/** Goes through everything that the examples serve, and holds what arrived at the collector against it. */
export async function playEdgeScenario(url: string, { ethereum, collector }: EdgeStage): Promise<void> {
  const health = await fetch(`${url}/eth/lava/health`);
  assertEquals([health.status, await health.text()], [200, "Health status OK"]);
  const call = await post(`${url}/eth`, '{"jsonrpc":"2.0","id":9007199254740993,"method":"eth_chainId"}');
  assertEquals(call, [200, '{"jsonrpc":"2.0","id":9007199254740993,"result":"eth_chainId of a node"}']);
  assertEquals((await post(`${url}/eth`, "{broken"))[0], 400);
  const block = "/cosmos/base/tendermint/v1beta1/blocks/latest";
  const rest = await fetch(`${url}/cosmos${block}`, { headers: { "project-id": "acme" } });
  assertEquals([rest.status, await rest.json()], [200, { path: block }]);

  const client = await connectSocket(`${url}/eth`, { "project-id": "acme" });
  assertEquals((await client.call("eth_gasPrice")).result, "eth_gasPrice of a node");
  const { result: subscription } = await client.call("eth_subscribe", ["newHeads"]);
  assertEquals(ethereum.notify({ number: "0x1" }) + ethereum.notify({ number: "0x2" }), 2);
  await client.notified(2);
  assertEquals(client.notifications.map(({ params }) => params?.subscription), [subscription, subscription]);
  await client[Symbol.asyncDispose]();

  await collector.waitFor(6);
  assertEquals(
    collector.records.map(lineOf).sort(),
    [
      "acme ETH1 eth_gasPrice 20 ethereum",
      "acme ETH1 eth_subscribe 1000 ethereum",
      "acme ETH1 subscription_delivery 10 ethereum",
      "acme ETH1 subscription_delivery 10 ethereum",
      `acme COSMOSHUB ${block} 10 cosmos`,
      "acme ETH1 eth_chainId 10 ethereum",
    ].sort(),
  );
}

async function post(url: string, body: string): Promise<[status: number, text: string]> {
  const headers = { "content-type": "application/json", "project-id": "acme" };
  const response = await fetch(url, { method: "POST", headers, body });
  return [response.status, await response.text()];
}

function lineOf({ attributes }: ReceivedRecord): string {
  return ["project", "chain", "api_method", "cu", "provider"].map((name) => attributes[name]).join(" ");
}
