import { assertEquals } from "@std/assert";
import { JsonRpcProvider, parseEther, toBeHex } from "ethers";
import { createPublicClient, createWalletClient, http, parseGwei } from "viem";
import { foundry } from "viem/chains";
import { startAnvil } from "../../examples/demo/anvil.ts";
import { type ReceivedRecord, startReceiver } from "../support/receiver.ts";
import { writeConfig } from "../support/config.ts";
import { type RelayProcess, startRelay } from "../support/relay_process.ts";

const ALICE = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
const BOB = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";
const NO_HASH = `0x${"00".repeat(32)}` as const;

/** Runs a session of calls with both a direct and a relayed client, and compares what they say. */
async function compare(session: Readonly<Record<string, readonly [direct: () => unknown, relayed: () => unknown]>>) {
  for (const [name, [direct, relayed]] of Object.entries(session)) {
    const outcomeOf = async (call: () => unknown) => {
      try {
        return { value: await call() };
      } catch (error) {
        // Messages hold the URL that was called, which is what differs.
        return { failure: (error as { shortMessage?: string }).shortMessage ?? "" };
      }
    };
    assertEquals(await outcomeOf(relayed), await outcomeOf(direct), name);
  }
}

async function startAll(stack: AsyncDisposableStack) {
  const anvil = stack.use(await startAnvil());
  const receiver = stack.use(startReceiver());
  const config = stack.use(await writeConfig([{ name: "anvil", url: anvil.url, addons: ["debug"] }]));
  const relay: RelayProcess = stack.use(
    await startRelay([
      config.path,
      "--usage-otel-enabled",
      `--usage-otel-endpoint=${receiver.url}`,
      "--usage-otel-flush-interval=20ms",
      "--usage-otel-service-instance-id=relay-7",
    ]),
  );
  return { anvil, receiver, relay, url: relay.urls[0]! };
}

function methodsOf(records: readonly ReceivedRecord[]): unknown[] {
  return records.map(({ attributes }) => attributes["api_method"]);
}

Deno.test("viem, unchanged, runs twenty calls through the relay: equal answers, one event for each call", async () => {
  await using stack = new AsyncDisposableStack();
  const { anvil, receiver, url } = await startAll(stack);
  const headers = { "project-id": "viem-project", "origin": "https://dapp.example" };
  const options = { fetchOptions: { headers }, retryCount: 0 };
  const direct = createPublicClient({ chain: foundry, transport: http(anvil.url, { retryCount: 0 }), cacheTime: 0 });
  const relayed = createPublicClient({ chain: foundry, transport: http(url, options), cacheTime: 0 });
  const wallet = createWalletClient({ chain: foundry, transport: http(url, options), account: ALICE });
  const gas = { gas: 21_000n, maxFeePerGas: parseGwei("3"), maxPriorityFeePerGas: parseGwei("1") };
  const hash = await wallet.request({
    method: "eth_sendTransaction",
    params: [{ from: ALICE, to: BOB, value: "0x1", gas: "0x5208" }],
  });

  type Client = typeof direct;
  const both = (call: (client: Client) => Promise<unknown>) => [() => call(direct), () => call(relayed)] as const;
  const expected: Record<string, readonly [string, number, boolean]> = {
    chainId: ["eth_chainId", 10, true],
    blockNumber: ["eth_blockNumber", 10, true],
    balance: ["eth_getBalance", 20, true],
    balanceAtBlock: ["eth_getBalance", 20, true],
    nonce: ["eth_getTransactionCount", 20, true],
    code: ["eth_getCode", 20, true],
    storage: ["eth_getStorageAt", 20, true],
    block: ["eth_getBlockByNumber", 20, true],
    blockWithTransactions: ["eth_getBlockByNumber", 20, true],
    blockCount: ["eth_getBlockTransactionCountByNumber", 20, true],
    gasPrice: ["eth_gasPrice", 20, true],
    priorityFee: ["eth_maxPriorityFeePerGas", 10, true],
    feeHistory: ["eth_feeHistory", 10, true],
    estimate: ["eth_estimateGas", 100, true],
    call: ["eth_call", 20, true],
    logs: ["eth_getLogs", 80, true],
    transaction: ["eth_getTransactionByHash", 20, true],
    receipt: ["eth_getTransactionReceipt", 20, true],
    missingReceipt: ["eth_getTransactionReceipt", 20, true],
    clientVersion: ["web3_clientVersion", 20, true],
    trace: ["debug_traceTransaction", 100, true],
    unknown: ["Default-eth_nothingLikeIt", 20, false],
  };
  await compare({
    chainId: both((client) => client.getChainId()),
    blockNumber: both((client) => client.getBlockNumber()),
    balance: both((client) => client.getBalance({ address: BOB })),
    balanceAtBlock: both((client) => client.getBalance({ address: BOB, blockNumber: 0n })),
    nonce: both((client) => client.getTransactionCount({ address: ALICE })),
    code: both((client) => client.getCode({ address: ALICE })),
    storage: both((client) => client.getStorageAt({ address: ALICE, slot: "0x0" })),
    block: both((client) => client.getBlock({ blockNumber: 1n })),
    blockWithTransactions: both((client) => client.getBlock({ blockNumber: 1n, includeTransactions: true })),
    blockCount: both((client) => client.getBlockTransactionCount({ blockNumber: 1n })),
    gasPrice: both((client) => client.getGasPrice()),
    priorityFee: both((client) => client.request({ method: "eth_maxPriorityFeePerGas" })),
    feeHistory: both((client) => client.getFeeHistory({ blockCount: 1, rewardPercentiles: [50] })),
    estimate: both((client) => client.estimateGas({ account: ALICE, to: BOB, value: 1n, ...gas })),
    call: both((client) => client.call({ account: ALICE, to: BOB, value: 1n })),
    logs: both((client) => client.getLogs({ fromBlock: 0n, toBlock: "latest" })),
    transaction: both((client) => client.getTransaction({ hash })),
    receipt: both((client) => client.getTransactionReceipt({ hash })),
    missingReceipt: both((client) => client.getTransactionReceipt({ hash: NO_HASH })),
    clientVersion: both((client) => client.request({ method: "web3_clientVersion" })),
    trace: both((client) => client.request({ method: "debug_traceTransaction" as never, params: [hash] as never })),
    unknown: both((client) => client.request({ method: "eth_nothingLikeIt" as never })),
  });

  const wanted = [["eth_sendTransaction", 10, true] as const, ...Object.values(expected)];
  await receiver.waitFor(wanted.length);
  assertEquals(receiver.records.length, wanted.length, "one event for each call");
  receiver.records.forEach(({ attributes, resource, event }, index) => {
    const [method, computeUnits, success] = wanted[index]!;
    assertEquals({ ...attributes, latency_ms: 0 }, {
      project: "viem-project",
      chain: "ETH1",
      api_interface: "jsonrpc",
      api_method: method,
      cu: computeUnits,
      latency_ms: 0,
      success,
      cache_hit: false,
      is_write: method === "eth_sendTransaction",
      is_archive: false,
      is_batch: false,
      is_debug_trace: method === "debug_traceTransaction",
      hedge_count: 0,
      provider: "anvil",
      origin: "https://dapp.example",
    });
    assertEquals(event, "relay_usage");
    assertEquals(resource["service.name"], "lava-rpcsmartrouter");
    assertEquals(resource["service.instance.id"], "relay-7");
  });
});

Deno.test("ethers, unchanged, batches through the relay: equal answers, one event for each request", async () => {
  await using stack = new AsyncDisposableStack();
  const { anvil, receiver, url } = await startAll(stack);
  const options = { cacheTimeout: -1, staticNetwork: true, batchStallTime: 5 };
  const direct = stack.adopt(new JsonRpcProvider(anvil.url, 31337, options), (provider) => provider.destroy());
  const relayed = stack.adopt(new JsonRpcProvider(url, 31337, options), (provider) => provider.destroy());
  let requests = 0;
  relayed.on("debug", ({ action }: { action: string }) => {
    if (action === "sendRpcPayload") requests++;
  });
  const signer = await relayed.getSigner(0);
  const sent = await signer.sendTransaction({ to: BOB, value: parseEther("1"), gasLimit: 21_000 });

  type Provider = typeof direct;
  const both = (call: (provider: Provider) => Promise<unknown>) => [() => call(direct), () => call(relayed)] as const;
  await compare({
    many: both((provider) =>
      Promise.all([
        provider.getBlockNumber(),
        provider.getBalance(BOB),
        provider.getTransactionCount(ALICE),
        provider.getCode(ALICE),
        provider.getStorage(ALICE, 0),
        provider.send("eth_gasPrice", []),
        provider.send("net_version", []),
        provider.send("web3_clientVersion", []),
      ])
    ),
    block: both(async (provider) => (await provider.getBlock(1))?.hash),
    feeData: both(async (provider) => (await provider.getFeeData()).toJSON()),
    estimate: both((provider) => provider.estimateGas({ from: ALICE, to: BOB, value: 1n })),
    call: both((provider) => provider.call({ from: ALICE, to: BOB, value: 1n })),
    logs: both((provider) => provider.getLogs({ fromBlock: 0, toBlock: "latest" })),
    receipt: both(async (provider) => (await provider.getTransactionReceipt(sent.hash))?.toJSON()),
    network: both((provider) => provider.send("eth_chainId", [])),
    sync: both((provider) => provider.send("eth_syncing", [])),
    accounts: both((provider) => provider.send("eth_accounts", [])),
    history: both((provider) => provider.send("eth_feeHistory", [toBeHex(1), "latest", []])),
    failure: both((provider) => provider.send("eth_getBalance", ["nonsense", "latest"])),
  });

  await receiver.waitFor(requests);
  assertEquals(receiver.records.length, requests, "one event for each request");
  const batches = receiver.records.filter(({ attributes }) => attributes["is_batch"] === true);
  assertEquals(batches.length > 0, true, "ethers has sent batches");
  for (const { attributes } of batches) {
    const names = String(attributes["api_method"]).split("&");
    assertEquals(names.length > 1, true);
    assertEquals(attributes["success"], true);
  }
  assertEquals(methodsOf(receiver.records).at(-1), "eth_getBalance");
  assertEquals(receiver.records.at(-1)!.attributes["success"], false);
});
