import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createRelay, type RelayConfig, type RelayHandle } from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { answering, hanging, type NodeScript, scriptedNodes, unreachable } from "../support/scripted_node.ts";

const CALL = '{"jsonrpc":"2.0","id":"x7","method":"eth_chainId"}';

function start(nodes: Readonly<Record<string, NodeScript>>, options: Partial<RelayConfig> = {}) {
  const usage = new MemorySink();
  const clock = new FakeClock();
  const { fetch, calls } = scriptedNodes(nodes);
  const providers = Object.keys(nodes).map((name) => ({ name, nodeUrls: [{ url: `http://${name}` }] }));
  const relay = createRelay({ chainId: "ETH1", providers, random: () => 0, ...options, usage, clock, fetch });
  return { relay, usage, clock, calls, events: usage.events };
}

function post(body: BodyInit = CALL, headers: Readonly<Record<string, string>> = {}, signal?: AbortSignal): Request {
  const all = { "content-type": "application/json", ...headers };
  return new Request("http://relay.example/", { method: "POST", headers: all, body, ...(signal && { signal }) });
}

function get(path: string, method = "GET"): Request {
  return new Request(`http://relay.example${path}`, { method });
}

/** The header as a host hands over the bytes of its UTF-8: one character for each byte. */
function bytesOf(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

async function errorOf(response: Response): Promise<{ id: unknown; code: string }> {
  const { jsonrpc, id, error } = await response.json();
  assertEquals(jsonrpc, "2.0");
  assert(Number.isInteger(error.code) && typeof error.message === "string", JSON.stringify(error));
  return { id, code: error.data.code };
}

Deno.test("a browser may ask for any header on any path, and nothing is metered", async () => {
  const { relay, calls, events } = start({ a: answering() });
  const headers = { "origin": "https://app.example", "access-control-request-headers": "content-type,project-id" };
  const response = await relay.fetch(new Request("http://relay.example/any/path", { method: "OPTIONS", headers }));
  assertEquals(response.status, 204);
  assertEquals(response.headers.get("access-control-allow-origin"), "*");
  assertEquals(response.headers.get("access-control-allow-headers"), "content-type,project-id");
  assertStringIncludes(response.headers.get("access-control-allow-methods") ?? "", "POST");
  assertEquals(await response.text(), "");
  assertEquals([calls.length, events.length], [0, 0]);
});

Deno.test("every answer can be read by any page", async () => {
  const { relay } = start({ a: answering() });
  const down = start({ a: unreachable() }).relay;
  const closed = start({ a: answering() }).relay;
  await closed.close();
  const cases: readonly (readonly [RelayHandle, Request, number])[] = [
    [relay, post(), 200],
    [relay, post('{"jsonrpc":"2.0","method":"eth_chainId"}'), 204],
    [relay, post("{"), 400],
    [relay, post(CALL, { "project-id": "x".repeat(300) }), 400],
    [relay, post(CALL, { "content-type": "text/plain" }), 415],
    [relay, get("/"), 405],
    [relay, get("/lava/health"), 200],
    [down, post(), 502],
    [closed, post(), 503],
    [closed, get("/lava/health"), 503],
  ];
  for (const [handle, request, status] of cases) {
    request.headers.set("origin", "https://page.example");
    const response = await handle.fetch(request);
    await response.body?.cancel();
    assertEquals(response.status, status);
    assertEquals(response.headers.get("access-control-allow-origin"), "*", `status ${status}`);
    assertStringIncludes(response.headers.get("access-control-expose-headers") ?? "", "lava-provider-address");
  }
});

Deno.test("health is told at its path only, to GET and HEAD, and is not metered", async () => {
  const { relay, events } = start({ a: answering() }, { healthCheckPath: "/up" });
  const response = await relay.fetch(get("/up?now=1"));
  assertEquals([response.status, await response.text()], [200, "Health status OK"]);
  assertEquals((await relay.fetch(get("/up", "HEAD"))).status, 200);
  assertEquals((await relay.fetch(get("/lava/health"))).status, 405);
  assertEquals((await relay.fetch(get("/up/"))).status, 405);
  assertEquals(events, []);
});

Deno.test("health is 503 while no provider can be expected to answer, and 200 again after", async () => {
  let isUp = false;
  const { relay, clock } = start({ a: (call, signal) => (isUp ? answering() : unreachable())(call, signal) });
  assertEquals((await relay.fetch(post())).status, 502);
  assertEquals((await relay.fetch(get("/lava/health"))).status, 503);
  isUp = true;
  await clock.advance(60_000);
  assertEquals((await relay.fetch(post())).status, 200);
  assertEquals((await relay.fetch(get("/lava/health"))).status, 200);
});

Deno.test("an answer names its provider, and says how often others were asked before", async () => {
  const first = start({ a: answering() });
  const answer = await first.relay.fetch(post());
  assertEquals(answer.headers.get("lava-provider-address"), "a");
  assertEquals(answer.headers.get("lava-retries"), null);

  const second = start({ a: unreachable(), b: answering() });
  const retried = await second.relay.fetch(post());
  assertEquals(retried.headers.get("lava-provider-address"), "b");
  assertEquals(retried.headers.get("lava-retries"), "1");
  assertEquals(second.events.map(({ provider }) => provider), ["b"]);
});

Deno.test("a failure names all providers that were asked, and keeps the caller's id", async () => {
  const { relay, events } = start({ a: unreachable(), b: unreachable() });
  const response = await relay.fetch(post());
  assertEquals(response.headers.get("lava-provider-address"), "a,b");
  assertEquals(response.headers.get("lava-retries"), "1");
  assertEquals(await errorOf(response), { id: "x7", code: "upstream_unreachable" });
  const [event] = events;
  assertEquals([event?.success, event?.computeUnits, event?.provider], [false, 0, "b"]);
});

/** Headers of a request, and who is charged. */
const PROJECTS: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
  ["no project-id", {}, "DefaultDappID"],
  ["an empty project-id", { "project-id": "" }, "DefaultDappID"],
  ["an older name", { "dapp-id": "acme" }, "DefaultDappID"],
  ["a project-id", { "project-id": "acme" }, "acme"],
  ["a project-id in capitals", { "PROJECT-ID": "Acme" }, "Acme"],
  ["a project-id in UTF-8", { "project-id": bytesOf("проект 東京 🗼") }, "проект 東京 🗼"],
  ["a project-id of 256 bytes", { "project-id": "x".repeat(256) }, "x".repeat(256)],
  ["a project-id of 256 bytes of UTF-8", { "project-id": bytesOf("é".repeat(128)) }, "é".repeat(128)],
];

for (const [what, headers, project] of PROJECTS) {
  Deno.test(`${what} charges ${project.slice(0, 20)}`, async () => {
    const { relay, events } = start({ a: answering() });
    assertEquals((await relay.fetch(post(CALL, headers))).status, 200);
    assertEquals(events.map((event) => event.project), [project]);
  });
}

/** Project ids that can't be. */
const BAD_PROJECTS: readonly (readonly [string, string])[] = [
  ["257 bytes", "x".repeat(257)],
  ["257 bytes of UTF-8", bytesOf(`${"é".repeat(128)}x`)],
  ["a tab", "a\tb"],
  ["an escape character", "a\u001bb"],
  ["a C1 control character", bytesOf("a\u0085b")],
  ["invalid UTF-8", "a\u00ff\u00fe"],
  ["half a character", "a\u00c3"],
  ["a surrogate", "\u00ed\u00a0\u0080"],
];

for (const [what, project] of BAD_PROJECTS) {
  Deno.test(`a project-id of ${what} is refused under the caller's id, and nobody is charged`, async () => {
    const { relay, calls, events } = start({ a: answering() });
    const response = await relay.fetch(post(CALL, { "project-id": project }));
    assertEquals(response.status, 400);
    assertEquals(await errorOf(response), { id: "x7", code: "invalid_header" });
    assertEquals([calls.length, events.length], [0, 0]);
  });
}

Deno.test("the origins of a request are in its event", async () => {
  const { relay, events } = start({ a: answering() });
  await relay.fetch(post());
  const request = post(CALL, { origin: "https://a.example" });
  request.headers.append("origin", "https://b.example");
  await relay.fetch(request);
  assertEquals(events.map(({ origin }) => origin), ["", "https://a.example, https://b.example"]);
});

Deno.test("what identifies or steers stays here; the peer's address goes only where it is wanted", async () => {
  const nodeUrls = (name: string, ipForwarding: boolean) => [{ url: `http://${name}`, ipForwarding }];
  const providers = [{ name: "a", nodeUrls: nodeUrls("a", true) }, { name: "b", nodeUrls: nodeUrls("b", false) }];
  const { relay, calls } = start({ a: answering(), b: answering() }, { providers });
  const headers = {
    ...{ "project-id": "p", "lava-relay-timeout": "5s", "origin": "https://o.example", "cookie": "c=1" },
    ...{ "authorization": "Bearer x", "x-forwarded-for": "203.0.113.9" },
  };
  for (const { name } of providers) {
    await relay.fetch(post(CALL, { ...headers, "lava-select-provider": name }), { clientAddress: "192.0.2.1" });
  }
  const own = new Set(["content-type", "accept-encoding"]);
  assertEquals(calls.map((call) => [...call.headers].filter(([name]) => !own.has(name))), [
    [["x-forwarded-for", "192.0.2.1"]],
    [],
  ]);
});

Deno.test("a client that leaves while a node is asked is metered as failed, and the node is let go", async () => {
  // Before anybody looks for it, and after.
  for (const leavesAfterMs of [0, 150]) {
    const { relay, events, clock, calls } = start({ a: hanging() });
    const client = new AbortController();
    const answer = relay.fetch(post(CALL, {}, client.signal));
    while (calls.length === 0) await new Promise((resolve) => setTimeout(resolve));
    await clock.advance(leavesAfterMs);
    client.abort();
    await clock.advance(100 - Math.min(leavesAfterMs, 100));
    await (await answer).body?.cancel();
    assertEquals(events.map(({ success, computeUnits, provider }) => [success, computeUnits, provider]), [[
      false,
      0,
      "a",
    ]]);
    assertEquals(clock.pending, 0);
  }
});

Deno.test("header fields of one name are put together, and what is only for pages is not sent to others", async () => {
  const { relay } = start({ a: answering() }, { corsOrigin: "https://page.example", responseCompressionMinBytes: 1 });
  const response = await relay.fetch(post(CALL, { "accept-encoding": "gzip" }));
  await response.body?.cancel();
  assertEquals(response.headers.get("vary"), "origin, accept-encoding");
  assertEquals(response.headers.get("access-control-allow-origin"), null);

  const open = start({ a: answering() });
  const answer = await open.relay.fetch(post(CALL));
  await answer.body?.cancel();
  assertEquals(answer.headers.get("access-control-allow-origin"), "*");
  assertEquals(answer.headers.get("access-control-expose-headers"), null);
});
