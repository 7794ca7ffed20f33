import { assert, assertEquals, assertThrows } from "@std/assert";
import { createPathRouter, createRelay } from "../../mod.ts";
import { INTERFACE_SPECS } from "../support/interface_specs.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { scriptedNodes } from "../support/scripted_node.ts";

function start() {
  const usage = new MemorySink();
  const reply = () => Response.json({ jsonrpc: "2.0", id: 1, result: "0x1" });
  const { fetch, calls } = scriptedNodes({ a: reply });
  const providers = [{ name: "a", nodeUrls: [{ url: "http://a" }] }];
  const shared = { providers, specs: INTERFACE_SPECS, usage, fetch };
  const router = createPathRouter({
    "/ava/jsonrpc": createRelay({ ...shared, chainId: "AVA" }),
    "/cosmos/rest/": createRelay({ ...shared, chainId: "COSMOS", apiInterface: "rest" }),
    "cosmos/tendermintrpc": createRelay({ ...shared, chainId: "COSMOS", apiInterface: "tendermintrpc" }),
    "/short": createRelay({ ...shared, chainId: "LTC" }),
  });
  return { router, calls, events: usage.events };
}

function post(path: string, method: string): Request {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ jsonrpc: "2.0", id: 5, method });
  return new Request(`http://relay${path}`, { method: "POST", headers, body });
}

/** A request, and what the node is asked for which chain. */
const ROUTES: readonly (readonly [Request, path: string, chain: string, apiMethod: string])[] = [
  [post("/ava/jsonrpc", "eth_chainId"), "/C/rpc", "AVA", "eth_chainId"],
  [post("/AVA/JsonRpc/ext/P?x=1", "platform_getHeight"), "/P", "AVA", "platform_getHeight"],
  [
    new Request("http://relay/cosmos/rest/cosmos/bank/v1beta1/balances/x?a=b"),
    "/cosmos/bank/v1beta1/balances/x?a=b",
    "COSMOS",
    "/cosmos/bank/v1beta1/balances/{address}",
  ],
  [new Request("http://relay/cosmos/tendermintrpc/status?"), "/status", "COSMOS", "status"],
  [post("/short/", "getblockcount"), "/", "LTC", "getblockcount"],
];

for (const [request, path, chain, apiMethod] of ROUTES) {
  Deno.test(`${new URL(request.url).pathname} leads to ${chain}, whose node is asked for ${path}`, async () => {
    const { router, calls, events } = start();
    const response = await router.fetch(request.clone());
    assertEquals(response.status, 200, await response.text());
    assertEquals(calls.map(({ url }) => url), [`http://a${path}`]);
    assertEquals(events.map((event) => [event.chain, event.apiMethod]), [[chain, apiMethod]]);
  });
}

for (const path of ["/", "/ava", "/ava/jsonrpcx", "//ava/jsonrpc", "/x/short", "/favicon.ico", "/lava/health"]) {
  Deno.test(`nothing is at ${path}`, async () => {
    const { router, calls, events } = start();
    const request = new Request(`http://relay${path}`, { method: "POST", body: "{}" });
    const response = await router.fetch(request);
    assertEquals([response.status, (await response.json()).error], [404, "not_found"]);
    const decision = router.upgrade(new Request(`http://relay${path}`, { headers: { upgrade: "websocket" } }));
    assert(decision instanceof Response && decision.status === 404);
    assertEquals([calls.length, events.length], [0, 0]);
  });
}

Deno.test("each relay says its own health", async () => {
  const { router } = start();
  for (const prefix of ["/ava/jsonrpc", "/cosmos/rest", "/short"]) {
    const response = await router.fetch(new Request(`http://relay${prefix}/lava/health`));
    assertEquals([response.status, await response.text()], [200, "Health status OK"]);
  }
});

Deno.test("the path that a host tells is what counts", async () => {
  const { router } = start();
  const path = "/short/lava/health";
  assertEquals((await router.fetch(new Request("http://relay/"), { path })).status, 200);
  const wanted = new Request("http://relay/", { headers: { upgrade: "websocket" } });
  assert(!(router.upgrade(wanted, { path: "/short" }) instanceof Response));
});

Deno.test("a path that is none, or that is given twice, is refused at once", () => {
  const relay = createRelay({ chainId: "ETH1", providers: [{ name: "a", nodeUrls: [{ url: "http://a" }] }] });
  for (const prefix of ["", "/", "/a//b", "/a?b", "/a b"]) {
    const error = assertThrows(() => createPathRouter({ [prefix]: relay }));
    assertEquals(String(error), `TypeError: "${prefix}" is no path such as /eth1/jsonrpc`);
  }
  const error = assertThrows(() => createPathRouter({ "/eth1": relay, "ETH1/": relay }));
  assertEquals(String(error), "TypeError: the path /eth1 is given twice");
});
