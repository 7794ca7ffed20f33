import { assert, assertEquals } from "@std/assert";
import { until } from "../support/prometheus.ts";
import { startRelay } from "../support/relay_process.ts";

interface ChainNode extends AsyncDisposable {
  readonly url: string;
  /** Methods that it was asked. */
  readonly methods: string[];
}

/** A node of Ethereum as far as the relay asks about it, at a block that stays. */
function startChainNode(head: number, answers: Readonly<Record<string, unknown>> = {}): ChainNode {
  const methods: string[] = [];
  const known: Readonly<Record<string, unknown>> = {
    eth_chainId: "0x1",
    eth_blockNumber: `0x${head.toString(16)}`,
    eth_getBlockByNumber: { number: "0x0" },
    eth_getCode: "0x60",
    ...answers,
  };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { id, method } = await request.json();
    methods.push(method);
    return Response.json({ jsonrpc: "2.0", id, result: known[method] ?? "0x2a" });
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    methods,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

Deno.test("a node of another chain is not asked, one that is behind is told, and scores are served", async () => {
  await using good = startChainNode(20_000_000);
  await using behind = startChainNode(19_999_990);
  await using other = startChainNode(20_000_000, { eth_chainId: "0x89" });
  const provider = (name: string, url: string) => ({
    "name": name,
    "chain-id": "ETH1",
    "api-interface": "jsonrpc",
    "stake": 7,
    "node-urls": [{ url, "skip-verifications": ["trustless-rpc"] }],
  });
  const path = await Deno.makeTempFile({ suffix: ".yml" });
  const content = {
    "endpoints": [{ "chain-id": "ETH1", "api-interface": "jsonrpc", "network-address": "127.0.0.1:0" }],
    "static-providers": [provider("good", good.url), provider("behind", behind.url), provider("other", other.url)],
  };
  await Deno.writeTextFile(path, JSON.stringify(content));
  const flags = ["--metrics-listen-address=127.0.0.1:0", "--optimizer-qos-listen", "--geolocation=3"];
  const fast = ["--optimizer-qos-sampling-interval=100ms", "--relays-health-enable"];
  try {
    await using relay = await startRelay([path, ...flags, ...fast]);
    const metrics = `http://${relay.log.find(({ message }) => message === "metrics are listening")!["address"]}`;
    const isToldOf = (name: string) =>
      relay.log.some(({ message, provider }) => provider === name && String(message).includes("failed a verification"));
    await until(() => Promise.resolve(isToldOf("other")));

    const providers = new Set<string | null>();
    const heads = new Map<string | null, string | null>();
    const body = '{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x0","latest"]}';
    const ask = async () => {
      const headers = { "content-type": "application/json" };
      const response = await fetch(relay.urls[0]!, { method: "POST", headers, body });
      assertEquals((await response.json()).result, "0x2a");
      const name = response.headers.get("lava-provider-address");
      providers.add(name);
      heads.set(name, response.headers.get("provider-latest-block"));
    };
    await until(async () => {
      await ask();
      return heads.get("good") === "20000000" && heads.get("behind") === "19999990";
    });
    for (let i = 0; i < 50; i++) await ask();
    assertEquals([...providers].sort(), ["behind", "good"]);
    assert(!other.methods.includes("eth_getBalance"));

    const scores = async () => await (await fetch(`${metrics}/provider_optimizer_metrics`)).json();
    await until(async () => (await scores()).length === 3);
    const [first, second, third] = await scores();
    assertEquals([first, second, third].map(({ provider }) => provider), ["good", "behind", "other"]);
    assertEquals([first.chain_id, first.geo_location, first.provider_stake, first.entry_index], ["ETH1", 3, 7, 0]);
    assert(first.selection_sync > second.selection_sync, JSON.stringify([first, second]));
    assert(/^smart-router-[0-9a-f]+$/.test(first.consumer_pub_address));

    const page = await (await fetch(`${metrics}/metrics`)).text();
    const series = 'lava_rpc_optimizer_selection_score{spec="ETH1",endpoint_id="good",score_type="composite"}';
    assert(page.includes(series), page);
    assert(/latest_block\{[^}]*\} 20000000/.test(page), page);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("a relay whose nodes all fail their verification starts, and its health says so", async () => {
  await using node = startChainNode(20_000_000, { eth_chainId: "0x89" });
  const path = await Deno.makeTempFile({ suffix: ".yml" });
  await Deno.writeTextFile(
    path,
    JSON.stringify({
      "endpoints": [{ "chain-id": "ETH1", "api-interface": "jsonrpc", "network-address": "127.0.0.1:0" }],
      "static-providers": [{
        "name": "a",
        "chain-id": "ETH1",
        "api-interface": "jsonrpc",
        "node-urls": [{ url: node.url }],
      }],
    }),
  );
  try {
    await using relay = await startRelay([path, "--relays-health-enable"]);
    const health = async () => {
      const response = await fetch(`${relay.urls[0]}/lava/health`);
      await response.body?.cancel();
      return response.status;
    };
    await until(async () => await health() === 503);
    const headers = { "content-type": "application/json" };
    const body = '{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x0","latest"]}';
    const response = await fetch(relay.urls[0]!, { method: "POST", headers, body });
    assertEquals(response.status, 502);
    assert((await response.text()).includes("error"));
    assert(!node.methods.includes("eth_getBalance"));
  } finally {
    await Deno.remove(path);
  }
});
