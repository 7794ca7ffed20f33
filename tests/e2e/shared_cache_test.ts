import { assertEquals } from "@std/assert";
import { startReceiver } from "../support/receiver.ts";
import { writeConfig } from "../support/config.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { until } from "../support/prometheus.ts";
import { startRedis } from "../support/redis.ts";
import { runCli, startRelay } from "../support/relay_process.ts";

Deno.test("two relays share their cache in Redis: one call, and an event for each client", async () => {
  await using redis = await startRedis();
  if (redis === undefined) return;
  await using receiver = startReceiver();
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  const usage = ["--usage-otel-enabled", "--usage-otel-flush-interval=20ms", `--usage-otel-endpoint=${receiver.url}`];
  const args = [config.path, ...usage, "--cache", `--cache-redis-url=${redis.url}`];
  await using one = await startRelay(args);
  await using other = await startRelay(args);
  const ask = async (url: string, id: unknown, project: string) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id, method: "eth_getBalance", params: [project, "latest"] });
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    assertEquals(await response.json(), { jsonrpc: "2.0", id, result: "0x1" });
  };
  // The connections to Redis are made while the relays are up already.
  let tries = 0;
  await until(async () => {
    const project = `p${tries++}`;
    await ask(one.urls[0]!, 1, project);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await ask(other.urls[0]!, "x", project);
    return node.calls.get(project) === 1;
  });
  await receiver.waitFor(2 * tries);
  const last = receiver.records.slice(-2).map((
    { attributes: { cache_hit, provider, cu } },
  ) => [cache_hit, provider, cu]);
  assertEquals(last.sort(), [[false, "node", 20], [true, "", 20]]);
});

Deno.test("flags of the cache that make no sense are refused, and no password is shown", async () => {
  const upstream = ["rpcsmartrouter", "127.0.0.1:0", "ETH1", "jsonrpc", "--upstream=http://127.0.0.1:1"];
  const without = await runCli(...upstream, "--cache-redis-url=redis://127.0.0.1:1");
  assertEquals([without.code, /needs --cache/.test(without.err)], [2, true]);
  const wrong = await runCli(...upstream, "--cache", "--cache-redis-url=http://:s3cret@127.0.0.1:1");
  assertEquals([wrong.code, /redis:\/\/host:port/.test(wrong.err), wrong.err.includes("s3cret")], [2, true, false]);
});
