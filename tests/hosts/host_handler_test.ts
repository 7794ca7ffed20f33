import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createPathRouter, createRelay, type RelayConfig } from "../../mod.ts";
import { hostHandlerOf } from "../../src/hosts/host_handler.ts";
import { withHostProbes } from "../../src/hosts/probes.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { headerOf, TestRequest, textOf } from "../support/host_request.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { answering, hanging, type NodeScript, scriptedNodes } from "../support/scripted_node.ts";

const CALL = '{"jsonrpc":"2.0","id":"x7","method":"eth_chainId"}';

function start(node: NodeScript, options: Partial<RelayConfig> = {}) {
  const usage = new MemorySink();
  const clock = new FakeClock();
  const { fetch } = scriptedNodes({ a: node });
  const providers = [{ name: "a", nodeUrls: [{ url: "http://a" }] }];
  const relay = createRelay({ chainId: "ETH1", providers, ...options, usage, clock, fetch });
  return { relay, handler: hostHandlerOf(relay)!, usage, clock, events: usage.events };
}

Deno.test("a host of its own gets the answer that fetch gives", async () => {
  const { relay, handler, events } = start(answering());
  const request = new TestRequest(CALL, { "project-id": "acme" });
  const answer = await handler.handle(request);
  const { headers, method } = { headers: request.headers, method: "POST" };
  const same = await relay.fetch(new Request("http://relay.example/", { method, headers, body: CALL }));
  assertEquals([answer.status, textOf(answer)], [same.status, await same.text()]);
  for (const [name, value] of same.headers) {
    if (name !== "lava-guid") assertEquals(headerOf(answer, name), value, name);
  }
  assertEquals(answer.fields.flat().length, [...same.headers].length);
  assertEquals(events.map(({ project }) => project), ["acme", "acme"]);
  assert(request.isSignalEnded);
});

Deno.test("a body that comes later is waited for, within its limits", async () => {
  const { handler, clock } = start(answering(), { maxBodyBytes: 100, bodyTimeoutMs: 1_000 });
  const bytes = new TextEncoder().encode(CALL);
  assertEquals((await handler.handle(new TestRequest(Promise.resolve(bytes)))).status, 200);
  assertEquals((await handler.handle(new TestRequest("x".repeat(101)))).status, 413);

  const longer = new TestRequest(Promise.resolve(undefined));
  assertEquals((await handler.handle(longer)).status, 413);
  assert(longer.isCancelled, "no more is read of it");
  const announced = new TestRequest(Promise.reject(new Error("nobody reads it")), { "content-length": "101" });
  announced.body.read(0).catch(() => {});
  assertEquals((await handler.handle(announced)).status, 413);
  assert(announced.isCancelled, "nothing is read of it");

  const slow = new TestRequest(new Promise(() => {}));
  const refused = handler.handle(slow);
  await clock.advance(1_000);
  assertEquals((await refused).status, 408);
  assert(slow.isCancelled, "no more is read of it");
  const left = await handler.handle(new TestRequest(Promise.reject(new Error("connection reset"))));
  assertStringIncludes(textOf(left), "client_closed");
});

Deno.test("a client that goes away ends its relay, which is recorded", async () => {
  const { handler, events } = start(hanging());
  const request = new TestRequest(CALL);
  const answer = handler.handle(request);
  await new Promise((resolve) => setTimeout(resolve, 0));
  request.abort();
  assertStringIncludes(textOf(await answer), "client_closed");
  assertEquals(events.map(({ success }) => success), [false]);
});

Deno.test("paths lead to relays, and probes are answered before them", async () => {
  const { relay } = start(answering());
  const router = hostHandlerOf(createPathRouter({ "/eth1/jsonrpc": relay }))!;
  const handler = withHostProbes(router, () => ["it is starting"]);
  const statusOf = async (path: string, verb = "GET") => {
    const request = new TestRequest(CALL);
    request.verb = verb;
    request.path = path;
    return (await handler.handle(request)).status;
  };
  assertEquals(await statusOf("/eth1/jsonrpc", "POST"), 200);
  assertEquals(await statusOf("/ETH1/jsonrpc/lava/health"), 200);
  assertEquals(await statusOf("/eth1", "POST"), 404);
  assertEquals(await statusOf("/eth1/jsonrpc/livez"), 405);
  assertEquals([await statusOf("/livez"), await statusOf("/readyz")], [200, 503]);
  assertEquals(await statusOf("/readyz", "POST"), 404);
});

Deno.test("a WebSocket is taken, or refused with a response", () => {
  const { relay } = start(answering(), { corsOrigin: "https://app.example" });
  const handler = hostHandlerOf(relay)!;
  const refused = handler.accept(new TestRequest("", { origin: "https://other.example" }));
  assert(typeof refused !== "function");
  assertEquals(refused.status, 403);
  const elsewhere = hostHandlerOf(createPathRouter({ "/eth1": relay }))!.accept(new TestRequest(""));
  assertEquals(typeof elsewhere !== "function" && elsewhere.status, 404);
});
