import { assert, assertEquals } from "@std/assert";
import { createRelay, type RelayHandle } from "../../mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { type NodeScript, scriptedNodes } from "../support/scripted_node.ts";

/** A node of ETH1 that says which block and chain it has, and what becomes of any other call. */
function nodeOf(state: { block: number; chainId?: string; isDown?: boolean }, asked: string[] = []): NodeScript {
  return ({ text }) => {
    if (state.isDown) throw new TypeError("client error (Connect): tcp connect error: Connection refused");
    const { id, method, params } = JSON.parse(text);
    asked.push(method);
    const results: Record<string, unknown> = {
      eth_blockNumber: `0x${state.block.toString(16)}`,
      eth_chainId: state.chainId ?? "0x1",
      eth_getBlockByNumber: { number: params?.[0] === "earliest" ? "0x0" : params?.[0], hash: "0xabc" },
    };
    return Response.json({ jsonrpc: "2.0", id, result: results[method] ?? "0x" });
  };
}

interface Stage {
  readonly relay: RelayHandle;
  readonly clock: FakeClock;
  readonly usage: MemorySink;
  ask(headers?: Record<string, string>): Promise<Response>;
}

function stage(scripts: Readonly<Record<string, NodeScript>>, skip: readonly string[] = []): Stage {
  const clock = new FakeClock();
  const usage = new MemorySink();
  const { fetch } = scriptedNodes(scripts);
  const providers = Object.keys(scripts).map((name) => ({
    name,
    nodeUrls: [{ url: `https://${name}/`, skipVerifications: skip }],
  }));
  const relay = createRelay({ chainId: "ETH1", providers, usage, fetch, clock, probes: {} });
  const ask = (headers: Record<string, string> = {}) =>
    relay.fetch(
      new Request("http://relay.example/", {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: '{"jsonrpc":"2.0","id":1,"method":"eth_gasPrice","params":[]}',
      }),
    );
  return { relay, clock, usage, ask };
}

/** Moves on by seconds, so that what is due happens. */
async function pass(clock: FakeClock, seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    await clock.advance(1_000);
    await settle();
  }
}

Deno.test("providers are asked for their block, spread over the block time, and answers say how far they are", async () => {
  const state = { block: 100 };
  const asked: string[] = [];
  const { relay, clock, ask } = stage({ a: nodeOf(state, asked), b: nodeOf({ block: 90 }) });
  await pass(clock, 14);
  const heads = new Set<string | null>();
  for (const name of ["a", "b"]) {
    heads.add((await ask({ "lava-select-provider": name })).headers.get("provider-latest-block"));
  }
  assertEquals(heads, new Set(["100", "90"]));
  const polls = asked.filter((method) => method === "eth_blockNumber").length;
  assert(polls >= 1 && polls <= 3, `${polls} questions in 14 s`);
  state.block = 103;
  await pass(clock, 14);
  assertEquals((await ask({ "lava-select-provider": "a" })).headers.get("provider-latest-block"), "103");
  await relay.close();
});

Deno.test("a node of another chain is left out and health says so; it is asked again, and comes back", async () => {
  const state = { block: 100, chainId: "0x5" };
  const { relay, clock, ask } = stage({ wrong: nodeOf(state) });
  assertEquals((await ask()).status, 200, "until it is known");
  await pass(clock, 2);
  assertEquals((await ask()).status, 502);
  assertEquals((await relay.fetch(new Request("http://relay.example/lava/health"))).status, 503);
  state.chainId = "0x1";
  await pass(clock, 181);
  assertEquals((await ask()).status, 200);
  await relay.close();
});

Deno.test("skip-verifications spares a node", async () => {
  for (const skip of ["chain-id", "*"]) {
    const { relay, clock, ask } = stage({ wrong: nodeOf({ block: 100, chainId: "0x5" }) }, [skip]);
    await pass(clock, 2);
    assertEquals((await ask()).status, 200, skip);
    await relay.close();
  }
});

Deno.test("a node that can't be asked fails its verification, and the relay goes on with the others", async () => {
  const state = { block: 100, isDown: true };
  const { relay, clock, ask, usage } = stage({ down: nodeOf(state), up: nodeOf({ block: 100 }) });
  await pass(clock, 10);
  for (let i = 0; i < 10; i++) assertEquals((await ask()).status, 200);
  assertEquals(new Set(usage.events.map(({ provider }) => provider)), new Set(["up"]));
  await relay.close();
});

Deno.test("a relay that is closed asks nothing more, without a question left under way", async () => {
  const asked: string[] = [];
  const { relay, clock } = stage({ a: nodeOf({ block: 1 }, asked) });
  await pass(clock, 2);
  await relay.close();
  const before = asked.length;
  await pass(clock, 600);
  assertEquals(asked.length, before);
});

Deno.test("a query about an old height in its header is the archive's, at the archive's price", async () => {
  const clock = new FakeClock();
  const usage = new MemorySink();
  const latest = { block: { header: { height: "20000000" } } };
  const node: NodeScript = ({ url }) => Response.json(url.endsWith("/blocks/latest") ? latest : { balances: [] });
  const { fetch, calls } = scriptedNodes({ full: node, old: node });
  const skipVerifications = ["*"];
  const relay = createRelay({
    chainId: "COSMOSHUB",
    apiInterface: "rest",
    providers: [
      { name: "full", nodeUrls: [{ url: "https://full", skipVerifications }] },
      { name: "old", nodeUrls: [{ url: "https://old", skipVerifications, addons: ["archive"] }] },
    ],
    usage,
    fetch,
    clock,
    probes: {},
  });
  await pass(clock, 14);
  calls.length = 0;
  const path = "/cosmos/bank/v1beta1/balances/cosmos1abc";
  const heights: unknown[] = [];
  for (const height of ["19999999", "17", "0"]) {
    const headers = { "x-cosmos-block-height": height, "lava-select-provider": height === "17" ? "old" : "full" };
    assertEquals((await relay.fetch(new Request(`http://relay.example${path}`, { headers }))).status, 200);
    heights.push(calls.at(-1)?.headers.get("x-cosmos-block-height"));
  }
  await relay.close();
  assertEquals(heights, ["19999999", "17", "0"]);
  const events = usage.events.map(({ isArchive, computeUnits }) => [isArchive, computeUnits]);
  assertEquals(events, [[false, 10], [true, 50], [false, 10]]);
});
