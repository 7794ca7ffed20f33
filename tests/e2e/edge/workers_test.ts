/** The relay in workerd, as the example has it. */
import { assert, assertEquals } from "@std/assert";
import { bundle, type EdgeProgram, startProgram } from "../../support/edge/program.ts";
import { type EdgeStage, playEdgeScenario, startEdgeStage } from "../../support/edge/scenario.ts";
import { installTool } from "../../support/npm_tool.ts";
import { connectSocket } from "../../support/socket_client.ts";

/** Runs the example in workerd, where that can be had. */
async function inWorkerd(
  settings: (stage: EdgeStage) => EdgeStage["settings"],
  play: (worker: EdgeProgram, stage: EdgeStage) => Promise<void>,
): Promise<void> {
  const miniflare = await installTool("miniflare", "4.20260730.0");
  if (miniflare === undefined) return;
  const worker = await bundle("examples/edge/worker/worker.ts");
  try {
    await using stage = startEdgeStage();
    const runner = new URL("../../support/edge/miniflare.cjs", import.meta.url).pathname;
    await using program = await startProgram("node", [runner, miniflare, worker, JSON.stringify(settings(stage))]);
    await play(program, stage);
  } finally {
    await Deno.remove(worker);
  }
}

Deno.test("in workerd calls, REST, WebSockets and subscriptions are relayed, and are on the bill", () =>
  inWorkerd(({ settings }) => settings, (worker, stage) => playEdgeScenario(worker.url, stage)));

Deno.test("in workerd the events of a WebSocket leave while it is open", () =>
  inWorkerd(({ settings }) => settings, async ({ url }, { collector }) => {
    await using client = await connectSocket(`${url}/eth`);
    assertEquals((await client.call("eth_chainId")).result, "eth_chainId of a node");
    await collector.waitFor(1);
    await client.call("eth_gasPrice");
    await collector.waitFor(2);
  }));

Deno.test("in workerd nobody waits for a collector that is slow, and what it answers late is taken", async () => {
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  await using slow = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    assert((await request.text()).includes("eth_chainId"));
    arrive();
    await released;
    return Response.json({});
  });
  const collectorUrl = `http://127.0.0.1:${slow.addr.port}/v1/logs`;
  await inWorkerd(({ settings }) => ({ ...settings, COLLECTOR_URL: collectorUrl }), async ({ url }) => {
    const call = () =>
      fetch(`${url}/eth`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}',
      }).then((response) => response.text());
    const answer = '{"jsonrpc":"2.0","id":1,"result":"eth_chainId of a node"}';
    assertEquals(await call(), answer);
    await arrived;
    assertEquals(await call(), answer, "while the first event is on its way");
    release();
  });
  release();
});

Deno.test("in workerd a call whose client leaves ends, and is on the bill", async () => {
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const hung = new AbortController();
  await using node = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async () => {
    ask();
    await new Promise((resolve) => hung.signal.addEventListener("abort", resolve));
    return Response.json({});
  });
  const nodes = { ETHEREUM_NODES: `http://127.0.0.1:${node.addr.port}` };
  try {
    await inWorkerd(({ settings }) => ({ ...settings, ...nodes }), async ({ url }, { collector }) => {
      const leaving = new AbortController();
      const call = fetch(`${url}/eth`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}',
        signal: leaving.signal,
      });
      await asked;
      leaving.abort();
      await call.catch(() => {});
      await collector.waitFor(1);
      const { api_method: method, success } = collector.records[0]!.attributes;
      assertEquals([method, success], ["eth_chainId", false]);
    });
  } finally {
    hung.abort();
  }
});
