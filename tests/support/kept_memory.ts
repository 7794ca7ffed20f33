/** Makes relays side by side, and prints how many bytes of each are still held beyond the quick collections. */
import { getHeapSpaceStatistics } from "node:v8";
import { createMetrics, createRelay, NoopUsageSink, systemClock } from "../../mod.ts";
import { createCoarseClock } from "../../src/domain/coarse_clock.ts";

const RELAYS = 15_000;
const BODY = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId","params":[]}';
const ANSWER = '{"jsonrpc":"2.0","id":1,"result":"0x1"}';

const usage = new NoopUsageSink();
const relay = createRelay({
  chainId: "ETH1",
  providers: [{ name: "a", nodeUrls: [{ url: "https://node.example" }] }],
  usage,
  metrics: createMetrics({ version: "0", usage: () => usage.stats() }),
  clock: createCoarseClock(systemClock),
  fetch: async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return new Response(ANSWER, { headers: { "content-length": String(ANSWER.length) } });
  },
});

async function relayAll(): Promise<void> {
  let left = RELAYS;
  const client = async () => {
    while (left-- > 0) {
      const headers = { "content-type": "application/json", "content-length": String(BODY.length) };
      const response = await relay.fetch(new Request("http://relay.example/", { method: "POST", headers, body: BODY }));
      await response.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: 32 }, client));
}

function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space")!.space_used_size;
}

await relayAll();
const before = oldBytes();
await relayAll();
await Deno.stdout.write(new TextEncoder().encode(String(Math.round((oldBytes() - before) / RELAYS))));
await relay.close();
