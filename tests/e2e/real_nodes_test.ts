import { assert, assertEquals } from "@std/assert";
import { Web3 } from "web3";
import { startAnvil } from "../../examples/demo/anvil.ts";
import { Comet38Client, HttpBatchClient } from "@cosmjs/tendermint-rpc";
import { type ApiInterface, createRelay, type NodeUrlConfig, type RelayUsageEvent } from "../../mod.ts";
import { listen } from "../../src/hosts/deno.ts";
import { startCometbft, startLitecoind } from "../support/chain_nodes.ts";
import { startEtcd } from "../support/grpc/peers.ts";
import { INTERFACE_SPECS } from "../support/interface_specs.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { upstreamTransport } from "../support/upstream_transport.ts";

/** A relay on a socket before one node. */
function startRelay(chainId: string, apiInterface: ApiInterface, nodeUrl: NodeUrlConfig) {
  const usage = new MemorySink();
  const providers = [{ name: "node", nodeUrls: [nodeUrl] }];
  const relay = createRelay({
    chainId,
    apiInterface,
    providers,
    usage,
    specs: INTERFACE_SPECS,
    ...upstreamTransport(),
  });
  const listener = listen({ hostname: "127.0.0.1", port: 0 }, relay.fetch);
  return {
    url: `http://127.0.0.1:${listener.port}`,
    events: usage.events,
    async [Symbol.asyncDispose]() {
      await listener.shutdown();
      await relay.close();
    },
  };
}

const JSON_TYPE = { "content-type": "application/json" };

async function ask(
  url: string,
  init: RequestInit = {},
): Promise<{ status: number; type: string | null; text: string }> {
  const response = await fetch(url, init);
  return { status: response.status, type: response.headers.get("content-type"), text: await response.text() };
}

function factsOf(events: readonly RelayUsageEvent[]): unknown[] {
  return events.map(({ apiMethod, computeUnits, success, isBatch }) => [apiMethod, computeUnits, success, isBatch]);
}

Deno.test("litecoind: answers in its own shape byte for byte, errors under 404 and 500 too, with Basic auth", async () => {
  await using node = await startLitecoind();
  if (node === undefined) return;
  const authHeaders = { authorization: node.authorization };
  await using relay = startRelay("LTC", "jsonrpc", { url: node.url, authHeaders });
  const calls: readonly (readonly [body: string, event: unknown])[] = [
    ['{"jsonrpc":"1.0","id":"curl","method":"getblockcount","params":[]}', ["getblockcount", 10, true, false]],
    ['{"id":9007199254740991,"method":"getblockhash","params":[0]}', ["getblockhash", 11, true, false]],
    ['{"id":1,"method":"getblockhash","params":[999]}', ["getblockhash", 11, false, false]],
    ['{"id":1,"method":"getblockhash","params":{"height":0}}', ["getblockhash", 11, true, false]],
    ['{"id":"x","method":"nothing"}', ["Default-nothing", 20, false, false]],
    [
      '[{"id":"a","method":"getblockcount"},{"id":"b","method":"getblockhash","params":[0]}]',
      ["getblockcount&getblockhash", 21, true, true],
    ],
  ];
  for (const [body] of calls) {
    const direct = await ask(node.url, { method: "POST", headers: authHeaders, body });
    const relayed = await ask(relay.url, { method: "POST", headers: JSON_TYPE, body });
    assertEquals(relayed.text.trim(), direct.text.trim(), body);
    assertEquals(relayed.status, 200);
  }
  assertEquals(factsOf(relay.events), calls.map(([, event]) => event));

  await using keyless = startRelay("LTC", "jsonrpc", { url: node.url });
  const refused = await ask(keyless.url, { method: "POST", headers: JSON_TYPE, body: calls[0]![0] });
  const { result, error, id } = JSON.parse(refused.text);
  assertEquals([refused.status, result, id, error.data.code], [502, null, "curl", "upstream_http_error"]);
});

Deno.test("etcd's gateway: REST answers with status, type and body as direct", async () => {
  await using node = await startEtcd();
  if (node === undefined) return;
  const url = `http://127.0.0.1:${node.port}`;
  await using relay = startRelay("COSMOS", "rest", { url });
  const key = btoa("relay");
  const requests: readonly (readonly [verb: string, path: string, body?: string])[] = [
    ["POST", "/v3/kv/put", JSON.stringify({ key, value: btoa("one") })],
    ["POST", "/v3/kv/deleterange", JSON.stringify({ key: btoa("none") })],
    ["POST", "/v3/kv/range", "{broken"],
    ["POST", "/v3/kv/range", JSON.stringify({ key: "" })],
    ["GET", "/version"],
    ["GET", "/health?serializable=true"],
    ["GET", "/v3/nothing/like/it"],
  ];
  // Every change moves the revision, so that it is left out of what is compared.
  const comparable = (text: string) => text.replace(/"(?:revision|raft_term)":"\d+"/g, "");
  for (const [method, path, body] of requests) {
    const init = { method, ...(body !== undefined && { body, headers: JSON_TYPE }) };
    const [direct, relayed] = [await ask(url + path, init), await ask(relay.url + path, init)];
    assertEquals({ ...relayed, text: comparable(relayed.text) }, { ...direct, text: comparable(direct.text) }, path);
  }
  const head = await ask(`${relay.url}/version`, { method: "HEAD" });
  assertEquals([head.status, head.text], [200, ""]);
  assertEquals(
    factsOf(relay.events),
    [
      ["Default-/v3/kv/put", true],
      ["Default-/v3/kv/deleterange", true],
      ["Default-/v3/kv/range", false],
      ["Default-/v3/kv/range", false],
      ["Default-/version", true],
      ["Default-/health", true],
      ["Default-/v3/nothing/like/it", false],
      ["Default-/version", true],
    ].map(([method, success]) => [method, 20, success, false]),
  );
});

Deno.test("CometBFT: URI calls, POST and batches as direct, and cosmjs unchanged", async () => {
  await using node = await startCometbft();
  if (node === undefined) return;
  await using relay = startRelay("COSMOS", "tendermintrpc", { url: node.url });
  const uris: readonly (readonly [path: string, event: unknown])[] = [
    ["/block?height=1", ["block", 12, true, false]],
    ["/block?height=%221%22", ["block", 12, true, false]],
    ["/block?height=999999", ["block", 12, false, false]],
    ["/block?height=one", ["block", 12, false, false]],
    ["/genesis", ["Default-genesis", 20, true, false]],
    ["/abci_query?path=%22/key%22&data=0x6b&prove=false&height=1", ["abci_query", 15, true, false]],
    ["/nothing_like_it", ["Default-nothing_like_it", 20, false, false]],
  ];
  const posts: readonly (readonly [body: string, event: unknown])[] = [
    ['{"jsonrpc":"2.0","id":123456789012,"method":"block","params":{"height":"1"}}', ["block", 12, true, false]],
    ['{"jsonrpc":"2.0","id":"x","method":"block","params":{"height":"999999"}}', ["block", 12, false, false]],
    ['{"jsonrpc":"2.0","id":-1,"method":"nothing"}', ["Default-nothing", 20, false, false]],
    [
      '[{"jsonrpc":"2.0","id":1,"method":"genesis"},{"jsonrpc":"2.0","id":2,"method":"block","params":["1"]}]',
      ["Default-genesis&block", 32, true, true],
    ],
  ];
  // A height of the future names the newest one, and so does a query: it moves.
  const comparable = (text: string) => text.replace(/blockchain height \d+|"height":"\d+","codespace"/g, "").trim();
  for (const [path] of uris) {
    const [direct, relayed] = [await ask(node.url + path), await ask(relay.url + path)];
    assertEquals({ ...relayed, text: comparable(relayed.text) }, { ...direct, text: comparable(direct.text) }, path);
  }
  for (const [body] of posts) {
    const init = { method: "POST", headers: JSON_TYPE, body };
    const [direct, relayed] = [await ask(node.url, init), await ask(relay.url, init)];
    assertEquals(JSON.parse(comparable(relayed.text)), JSON.parse(comparable(direct.text)), body);
  }
  assertEquals(factsOf(relay.events), [...uris, ...posts].map(([, event]) => event));

  const useClient = async (url: string) => {
    const client = await Comet38Client.create(new HttpBatchClient(url, { batchSizeLimit: 10, dispatchInterval: 5 }));
    const [genesis, block, query] = await Promise.all([
      client.genesis(),
      client.block(1),
      client.abciQuery({ path: "/key", data: new TextEncoder().encode("none"), height: 1 }),
    ]);
    const failure = await client.block(999_999).then(() => "", (error: Error) => comparable(error.message));
    client.disconnect();
    return [genesis.chainId, block.blockId.hash, query.code, failure];
  };
  const before = relay.events.length;
  assertEquals(await useClient(relay.url), await useClient(node.url));
  const batches = relay.events.slice(before).filter(({ isBatch }) => isBatch);
  assert(batches.length > 0 && batches.some(({ apiMethod }) => apiMethod.includes("&")), "cosmjs has sent batches");
});

Deno.test("anvil: web3, unchanged, the same answers as direct", async () => {
  await using node = await startAnvil();
  await using relay = startRelay("ETH1", "jsonrpc", { url: node.url });
  const use = async (url: string) => {
    const { eth } = new Web3(url);
    const [account = ""] = await eth.getAccounts();
    return [
      await eth.getChainId(),
      await eth.getBalance(account),
      (await eth.getBlock(0)).hash,
      await eth.getCode(account),
      await eth.call({ from: account, to: account, value: "0x1" }),
      await eth.getTransactionReceipt(`0x${"00".repeat(32)}`).then(() => "", (error: Error) => error.message),
    ];
  };
  assertEquals(await use(relay.url), await use(node.url));
  const names = relay.events.map(({ apiMethod }) => apiMethod);
  for (
    const name of ["eth_accounts", "eth_chainId", "eth_getBalance", "eth_getBlockByNumber", "eth_getCode", "eth_call"]
  ) {
    assert(names.includes(name), `${name} is not among ${names}`);
  }
  assert(relay.events.every(({ success, computeUnits }) => success && computeUnits > 0));
});
