import { assert, assertEquals } from "@std/assert";
import { Comet38Client, HttpBatchClient, HttpClient, WebsocketClient } from "@cosmjs/tendermint-rpc";
import { Web3 } from "web3";
import { startAnvil } from "../../examples/demo/anvil.ts";
import { startCometbft, startLitecoind } from "../support/chain_nodes.ts";
import { disconnected } from "../support/cosmjs.ts";
import { startEtcd } from "../support/grpc/peers.ts";
import { type ReceivedRecord, startReceiver } from "../support/receiver.ts";
import { startRelay } from "../support/relay_process.ts";

/** A node that stands behind one interface of the relay. */
interface Peer {
  readonly provider: string;
  readonly chain: string;
  readonly apiInterface: string;
  /** Where a caller without the relay asks it. */
  readonly url: string;
  /** As the configuration has it. */
  readonly nodeUrls: readonly Readonly<Record<string, unknown>>[];
  /** What a caller without the relay sends along. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** REST of etcd's gateway: one API that reads, one that writes, one for a whole folder of names. */
const GATEWAY_SPEC = {
  proposal: {
    specs: [{
      index: "GATEWAY",
      name: "etcd's gateway",
      enabled: true,
      api_collections: [["POST", "/v3/kv/range", 3, 0], ["GET", "/version", 1, 0]].map(([type, name, units]) => ({
        enabled: true,
        collection_data: { api_interface: "rest", internal_path: "", type, add_on: "" },
        apis: [
          { name, enabled: true, compute_units: units, block_parsing: { parser_func: "DEFAULT" } },
          ...(type === "POST"
            ? [{ name: "/v3/kv/put", enabled: true, compute_units: 7, category: { stateful: 1 } }]
            : [{ name: "/metrics/{name}", enabled: true, compute_units: 2 }]),
        ],
      })),
    }],
  },
};

/** Whatever of the four peers can be had here, each behind its own listener of one relay. */
async function startAll(stack: AsyncDisposableStack) {
  const [litecoind, cometbft, etcd, anvil] = await Promise.all([
    startLitecoind(),
    startCometbft(),
    startEtcd(),
    startAnvil().catch((error: Error) => {
      // deno-lint-ignore no-console -- who runs the tests is to know what they did not test
      console.log(`skipped: anvil, because ${error.message}`);
    }),
  ]);
  for (const node of [litecoind, cometbft, etcd, anvil]) if (node) stack.use(node);
  const skipped = { "skip-verifications": ["*"] };
  const peers: Peer[] = [];
  if (litecoind) {
    const url = litecoind.url.replace("http://", "http://u:p@");
    const headers = { authorization: litecoind.authorization };
    const common = { chain: "LTC", apiInterface: "jsonrpc", url: litecoind.url, headers };
    peers.push({ ...common, provider: "litecoind", nodeUrls: [{ url, ...skipped }] });
  }
  if (cometbft) {
    const nodeUrls = [{ url: cometbft.url, ...skipped }, {
      url: `${cometbft.url.replace("http", "ws")}/websocket`,
      ...skipped,
    }];
    const common = { chain: "COSMOSHUB", apiInterface: "tendermintrpc", url: cometbft.url };
    peers.push({ ...common, provider: "cometbft", nodeUrls });
  }
  if (etcd) {
    const url = `http://127.0.0.1:${etcd.port}`;
    const common = { chain: "GATEWAY", apiInterface: "rest", url };
    peers.push({ ...common, provider: "etcd", nodeUrls: [{ url, ...skipped }] });
  }
  if (anvil) {
    const common = { chain: "ETH1", apiInterface: "jsonrpc", url: anvil.url };
    peers.push({ ...common, provider: "anvil", nodeUrls: [{ url: anvil.url, ...skipped }] });
  }

  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.writeTextFile(`${folder}/gateway.json`, JSON.stringify(GATEWAY_SPEC));
  const interfaceOf = ({ chain, apiInterface }: Peer) => ({ "chain-id": chain, "api-interface": apiInterface });
  await Deno.writeTextFile(
    `${folder}/relay.yml`,
    JSON.stringify({
      "endpoints": peers.map((peer) => ({ ...interfaceOf(peer), "network-address": "127.0.0.1:0" })),
      "static-providers": peers.map((peer) => ({
        ...interfaceOf(peer),
        "name": peer.provider,
        "node-urls": peer.nodeUrls,
      })),
    }),
  );
  const receiver = stack.use(startReceiver());
  const args = [`${folder}/relay.yml`, `--use-static-spec=${folder}/gateway.json`, "--usage-otel-enabled"];
  args.push(`--usage-otel-endpoint=${receiver.url}`, "--usage-otel-flush-interval=20ms");
  const relay = stack.use(await startRelay(args, { listeners: peers.length }));
  const find = (provider: string) => {
    const index = peers.findIndex((peer) => peer.provider === provider);
    return index === -1 ? undefined : { peer: peers[index]!, url: relay.urls[index]! };
  };
  return { receiver, relay, find };
}

/** Answers of a moving chain without what moves between two askings. */
function comparable(text: string): unknown {
  const still = text.replace(/blockchain height \d+/g, "").replace(/"(?:revision|raft_term)":"\d+"/g, '"":""').trim();
  try {
    return JSON.parse(still);
  } catch {
    return still;
  }
}

async function ask(url: string, init: RequestInit) {
  const response = await fetch(url, init);
  return { status: response.status, answer: comparable(await response.text()) };
}

/** The fields of an event that depend on the call. */
function factsOf({ attributes }: ReceivedRecord): readonly unknown[] {
  const names = ["chain", "api_interface", "api_method", "cu", "success", "is_write", "is_batch", "provider"];
  return names.map((name) => attributes[name]);
}

type Call = readonly [
  request: string,
  event: readonly [method: string, units: number, success: boolean, kind?: "write" | "batch"],
];

const LITECOIN: readonly Call[] = [
  ['{"jsonrpc":"1.0","id":"curl","method":"getblockcount","params":[]}', ["getblockcount", 10, true]],
  ['{"id":9007199254740991,"method":"getblockhash","params":[0]}', ["getblockhash", 10, true]],
  ['{"id":1,"method":"getblockhash","params":[999]}', ["getblockhash", 10, false]],
  ['{"id":"x","method":"nothing"}', ["Default-nothing", 20, false]],
  ['{"id":2,"method":"sendrawtransaction","params":["00"]}', ["sendrawtransaction", 10, false, "write"]],
];

const COMET: readonly Call[] = [
  ["/block?height=1", ["block", 10, true]],
  ["/block?height=%221%22", ["block", 10, true]],
  ["/block?height=999999", ["block", 10, false]],
  ["/abci_query?path=%22/key%22&data=0x6b&prove=false&height=1", ["abci_query", 10, true]],
  ["/nothing_like_it", ["Default-nothing_like_it", 20, false]],
  ['{"jsonrpc":"2.0","id":123456789012,"method":"block","params":{"height":"1"}}', ["block", 10, true]],
  ['{"jsonrpc":"2.0","id":-1,"method":"nothing"}', ["Default-nothing", 20, false]],
  [
    '[{"jsonrpc":"2.0","id":1,"method":"genesis"},{"jsonrpc":"2.0","id":2,"method":"block","params":["1"]}]',
    ["genesis&block", 20, true, "batch"],
  ],
];

const GATEWAY: readonly Call[] = [
  ['/v3/kv/put {"key":"cmVsYXk=","value":"b25l"}', ["/v3/kv/put", 7, true, "write"]],
  ['/v3/kv/range {"key":"cmVsYXk="}', ["/v3/kv/range", 3, true]],
  ["/v3/kv/range {broken", ["/v3/kv/range", 3, false]],
  ["/version", ["/version", 1, true]],
  ["/metrics/none", ["/metrics/{name}", 2, false]],
  ["/health?serializable=true", ["Default-/health", 20, true]],
];

const EVM: readonly Call[] = [
  ['{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}', ["eth_chainId", 10, true]],
  ['{"jsonrpc":"2.0","id":"a","method":"eth_call","params":[{}, "0x99"]}', ["eth_call", 20, false]],
  [
    '{"jsonrpc":"2.0","id":2,"method":"eth_sendRawTransaction","params":["0x00"]}',
    ["eth_sendRawTransaction", 10, false, "write"],
  ],
  [
    '[{"jsonrpc":"2.0","id":1,"method":"eth_chainId"},{"jsonrpc":"2.0","id":2,"method":"eth_blockNumber"}]',
    ["eth_chainId&eth_blockNumber", 20, true, "batch"],
  ],
];

/** A call as a request: a body alone, a path alone, or a path and a body. */
function requestOf(request: string, peer?: Peer): readonly [path: string, init: RequestInit] {
  const [, path = "", body = ""] = /^(\/\S*)? ?([^]*)$/.exec(request)!;
  if (body === "") return [path, {}];
  return [path, { method: "POST", body, headers: { "content-type": "application/json", ...peer?.headers } }];
}

Deno.test("every interface before a real node: answers as direct, and for each call its one event", async () => {
  await using stack = new AsyncDisposableStack();
  const { receiver, relay, find } = await startAll(stack);
  const tables = { litecoind: LITECOIN, cometbft: COMET, etcd: GATEWAY, anvil: EVM };
  const expected: unknown[] = [];
  for (const [provider, calls] of Object.entries(tables)) {
    const found = find(provider);
    if (found === undefined) continue;
    const { peer, url } = found;
    for (const [request, [method, units, success, kind]] of calls) {
      const [path, init] = requestOf(request);
      const relayed = await ask(url + path, init);
      const direct = await ask(peer.url + path, requestOf(request, peer)[1]);
      assertEquals(relayed.answer, direct.answer, `${provider}: ${request}`);
      // JSON-RPC has its errors in the body, whatever the node's status; other answers have the status of the node.
      const isJsonRpc = peer.apiInterface !== "rest" && init.body !== undefined;
      const status = isJsonRpc ? 200 : direct.status;
      assertEquals(relayed.status, status, request);
      const flags = [kind === "write", kind === "batch"];
      expected.push([peer.chain, peer.apiInterface, method, units, success, ...flags, provider]);
    }
  }
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  assertEquals(receiver.records.map(factsOf), expected);
});

Deno.test("cosmjs and web3, unchanged: over HTTP, in batches, and new blocks over a WebSocket", async () => {
  await using stack = new AsyncDisposableStack();
  const { receiver, relay, find } = await startAll(stack);
  const comet = find("cometbft");
  if (comet !== undefined) {
    const useComet = async (url: string) => {
      const answers: unknown[] = [];
      const options = { batchSizeLimit: 10, dispatchInterval: 5 };
      const socket = new WebsocketClient(url.replace("http", "ws"), (error) => {
        throw error;
      });
      // The socket first: on Deno this client waits forever for one to a host that it keeps HTTP connections to.
      for (const rpc of [socket, new HttpClient(url), new HttpBatchClient(url, options)]) {
        const client = Comet38Client.create(rpc);
        const [genesis, block] = await Promise.all([client.genesis(), client.block(1)]);
        const failure = await client.block(999_999).then(() => "", (error: Error) => comparable(error.message));
        answers.push([genesis.chainId, block.blockId.hash, failure]);
        if (rpc === socket) answers.push(await untilTwoBlocks(client));
        if (rpc === socket) await disconnected(client, socket);
        else client.disconnect();
      }
      return answers;
    };
    assertEquals(await useComet(comet.url), await useComet(comet.peer.url));
  }
  const evm = find("anvil");
  if (evm !== undefined) {
    const useWeb3 = async (url: string) => {
      const { eth } = new Web3(url);
      const [account = ""] = await eth.getAccounts();
      return [await eth.getChainId(), await eth.getBalance(account), (await eth.getBlock(0)).hash];
    };
    assertEquals(await useWeb3(evm.url), await useWeb3(evm.peer.url));
  }
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  const methods = receiver.records.map(({ attributes }) => String(attributes["api_method"]));
  const count = (name: string) => methods.filter((method) => method === name).length;
  if (comet !== undefined) {
    assertEquals(count("subscribe"), 1);
    assert(count("subscription_delivery") >= 2, methods.join(" "));
  }
  if (evm !== undefined) assert(count("eth_chainId") >= 1 && count("eth_getBalance") === 1, methods.join(" "));
});

/** Comes back when two blocks in a row have been heard of. */
function untilTwoBlocks(client: Comet38Client): Promise<string> {
  const heights: number[] = [];
  return new Promise((resolve, reject) => {
    const subscription = client.subscribeNewBlock().subscribe({
      next({ header }) {
        heights.push(header.height);
        if (heights.length < 2) return;
        subscription.unsubscribe();
        resolve(`then ${heights[1]! - heights[0]!}`);
      },
      error: reject,
    });
  });
}
