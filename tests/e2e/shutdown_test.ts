import { assertEquals } from "@std/assert";
import { startHeldNode } from "../support/held_node.ts";
import { startReceiver } from "../support/receiver.ts";
import { startRelay } from "../support/relay_process.ts";

const TRIPLE = ["127.0.0.1:0", "ETH1", "jsonrpc"];

function call(url: string): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}' });
}

async function probe(url: string, path: string): Promise<readonly [number, unknown]> {
  const response = await fetch(`${url}${path}`);
  return [response.status, await response.json()];
}

async function metricsUrl(relay: { logged: Awaited<ReturnType<typeof startRelay>>["logged"] }): Promise<string> {
  return `http://${(await relay.logged(({ message }) => message === "metrics are listening"))["address"]}`;
}

const LIVE = [200, { status: "live" }] as const;
const READY = [200, { status: "ready" }] as const;
const LEAVING = [503, { status: "not ready", reasons: ["it is shutting down"] }] as const;

for (const server of ["own", "deno", "node"]) {
  Deno.test(`/livez and /readyz are answered on every listener of --http-server ${server}, and are on no bill`, async () => {
    await using node = startHeldNode();
    await using receiver = startReceiver();
    const usage = ["--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`];
    const listeners = [`--http-server=${server}`, "--metrics-listen-address=127.0.0.1:0"];
    await using relay = await startRelay([...TRIPLE, "--upstream", node.url, ...listeners, ...usage]);
    const [url = ""] = relay.urls;
    for (const each of [url, await metricsUrl(relay)]) {
      assertEquals([await probe(each, "/livez"), await probe(each, "/readyz")], [LIVE, READY]);
      const head = await fetch(`${each}/readyz`, { method: "HEAD" });
      assertEquals([head.status, await head.text()], [200, ""]);
    }
    // A call is a call at whatever path.
    assertEquals((await (await call(`${url}/readyz`)).json()).id, 7);
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
    assertEquals(receiver.records.length, 1);
  });
}

Deno.test("a relay whose nodes are away is live, and not ready", async () => {
  const args = [...TRIPLE, "--upstream", "http://127.0.0.1:1", "--metrics-listen-address=127.0.0.1:0"];
  await using relay = await startRelay(args);
  const [url = ""] = relay.urls;
  await (await call(url)).body?.cancel();
  const away = { status: "not ready", reasons: ["no provider of ETH1 jsonrpc can be expected to answer"] };
  for (const each of [url, await metricsUrl(relay)]) {
    assertEquals([await probe(each, "/livez"), await probe(each, "/readyz")], [LIVE, [503, away]]);
  }
});

Deno.test("SIGTERM: not ready at once, calls are taken for the delay, those under way are answered, and it ends with 0", async () => {
  await using node = startHeldNode();
  await using receiver = startReceiver();
  const usage = ["--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`, "--usage-otel-flush-interval=1h"];
  const flags = ["--metrics-listen-address=127.0.0.1:0", "--shutdown-delay=1500ms"];
  await using relay = await startRelay([...TRIPLE, "--upstream", node.url, ...flags, ...usage]);
  const [url = ""] = relay.urls;
  const metrics = await metricsUrl(relay);
  await (await call(url)).body?.cancel();
  node.hold();
  const held = call(url);
  await node.untilAsked(2);

  relay.kill("SIGTERM");
  await relay.logged(({ message }) => message === "stopping");
  assertEquals([await probe(url, "/readyz"), await probe(metrics, "/readyz")], [LEAVING, LEAVING]);
  assertEquals(await probe(url, "/livez"), LIVE);
  const health = await fetch(`${url}/lava/health`);
  assertEquals([health.status, await health.text()], [503, "Health status not OK"]);
  const late = call(url);
  await node.untilAsked(3);

  await relay.logged(({ message }) => message === "no new requests are taken");
  assertEquals(await fetch(url).then(() => "answered", () => "refused"), "refused");
  assertEquals(await probe(metrics, "/readyz"), LEAVING);
  node.release();
  assertEquals([(await (await held).json()).id, (await (await late).json()).id], [7, 7]);
  assertEquals(await relay.exited, 0);
  assertEquals(receiver.records.length, 3);
  assertEquals([relay.log.at(-1)?.["message"], relay.log.at(-1)?.["relay_usage_exported"]], [
    "stopped; final ledger",
    3,
  ]);
});

Deno.test("a second signal ends it at once with 1, and says what is lost", async () => {
  await using node = startHeldNode();
  const usage = ["--usage-otel-enabled", "--usage-otel-endpoint=127.0.0.1:1", "--usage-otel-flush-interval=1h"];
  await using relay = await startRelay([...TRIPLE, "--upstream", node.url, "--shutdown-grace=1h", ...usage]);
  const [url = ""] = relay.urls;
  await (await call(url)).body?.cancel();
  node.hold();
  const held = call(url).then(() => "answered", () => "broken");
  await node.untilAsked(2);
  relay.kill("SIGTERM");
  await relay.logged(({ message }) => message === "stopping");
  relay.kill("SIGINT");
  assertEquals(await relay.exited, 1);
  assertEquals(await held, "broken");
  const { message, signal, requests_lost: requests, usage_events_lost: events } = relay.log.at(-1)!;
  assertEquals([message, signal, requests, events], [
    "stopped at once; what is queued or in flight is lost",
    "SIGINT",
    1,
    1,
  ]);
});

Deno.test("calls that outlast the grace are ended, answered with an error, and on the bill", async () => {
  await using node = startHeldNode();
  await using receiver = startReceiver();
  const usage = ["--usage-otel-enabled", `--usage-otel-endpoint=${receiver.url}`];
  await using relay = await startRelay([...TRIPLE, "--upstream", node.url, "--shutdown-grace=200ms", ...usage]);
  const [url = ""] = relay.urls;
  node.hold();
  const held = call(url);
  await node.untilAsked(1);
  relay.kill("SIGTERM");
  const { error, id } = await (await held).json();
  assertEquals([id, typeof error.message], [7, "string"]);
  assertEquals(await relay.exited, 0);
  assertEquals(receiver.records.map(({ attributes }) => attributes["success"]), [false]);
});
