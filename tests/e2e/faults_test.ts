import { assert, assertEquals } from "@std/assert";
import { startAnvil } from "../../examples/demo/anvil.ts";
import { startReceiver } from "../support/receiver.ts";
import { writeConfig } from "../support/config.ts";
import { startLoad } from "../support/load.ts";
import { startRelay } from "../support/relay_process.ts";

const USAGE = ["--usage-otel-enabled", "--usage-otel-flush-interval=20ms"];

async function call(url: string, method: string, headers: Record<string, string> = {}) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: "my-id", method, params: [] });
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
  return { status: response.status, headers: response.headers, message: await response.json() };
}

Deno.test("killing the only node gives 502 in JSON-RPC shape, and events that cost nothing", async () => {
  await using receiver = startReceiver();
  await using anvil = await startAnvil();
  await using config = await writeConfig([{ name: "only", url: anvil.url }]);
  await using relay = await startRelay([config.path, ...USAGE, `--usage-otel-endpoint=${receiver.url}`]);
  const url = relay.urls[0]!;
  assertEquals((await call(url, "eth_chainId")).status, 200);

  anvil.kill("SIGKILL");
  await anvil[Symbol.asyncDispose]();
  const { status, headers, message } = await call(url, "eth_chainId");
  assertEquals(status, 502);
  assertEquals([message.jsonrpc, message.id, message.error.code], ["2.0", "my-id", -32603]);
  // The request may come before the word that the kept connection has ended: which of the two comes first is chance.
  assert(["upstream_unreachable", "upstream_disconnected"].includes(message.error.data.code), message.error.data.code);
  assert(!JSON.stringify(message).includes(new URL(anvil.url).port), "no URL of a node in an error");
  assertEquals(headers.get("lava-provider-address"), "only");
  const health = await fetch(`${url}/lava/health`);
  assertEquals([health.status, await health.text()], [503, "Health status not OK"]);

  await receiver.waitFor(2);
  const events = receiver.records.map(({ attributes: { success, cu, provider } }) => [success, cu, provider]);
  assertEquals(events, [[true, 10, "only"], [false, 0, "only"]]);
});

Deno.test("a node that stops answering gives 504 within the timeout that the caller asked for", async () => {
  await using receiver = startReceiver();
  await using anvil = await startAnvil();
  await using config = await writeConfig([{ name: "stuck", url: anvil.url }]);
  await using relay = await startRelay([config.path, ...USAGE, `--usage-otel-endpoint=${receiver.url}`]);
  anvil.kill("SIGSTOP");
  const { status, message } = await call(relay.urls[0]!, "eth_chainId", { "lava-relay-timeout": "150ms" });
  assertEquals([status, message.id, message.error.data.code], [504, "my-id", "upstream_timeout"]);
  await receiver.waitFor(1);
  const { success, cu, latency_ms } = receiver.records[0]!.attributes;
  assertEquals([success, cu], [false, 0]);
  assert(Number(latency_ms) >= 150, "the time that the caller waited is on the bill");
});

Deno.test("a dead primary is failed over: to the other primary first, and to the backup when both are dead", async () => {
  await using receiver = startReceiver();
  await using first = await startAnvil();
  await using second = await startAnvil();
  await using backup = await startAnvil();
  await using config = await writeConfig(
    [{ name: "first", url: first.url }, { name: "second", url: second.url }],
    [{ name: "backup", url: backup.url }],
  );
  await using relay = await startRelay([config.path, ...USAGE, `--usage-otel-endpoint=${receiver.url}`]);
  const url = relay.urls[0]!;
  const providers = async (count: number) => {
    const names = new Set<string | null>();
    for (let i = 0; i < count; i++) {
      const { status, headers } = await call(url, "eth_chainId");
      assertEquals(status, 200);
      names.add(headers.get("lava-provider-address"));
    }
    return [...names].sort();
  };
  assertEquals(await providers(6), ["first", "second"], "both primaries have their share, the backup has none");
  await first[Symbol.asyncDispose]();
  assertEquals(await providers(6), ["second"]);
  await second[Symbol.asyncDispose]();
  assertEquals(await providers(6), ["backup"]);
  await receiver.waitFor(18);
  assertEquals(receiver.records.every(({ attributes }) => attributes["success"] === true), true);
});

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`${signal} under load: every answered call has its event, and the exit code is 0`, async () => {
    await using receiver = startReceiver();
    await using anvil = await startAnvil();
    await using config = await writeConfig([{ name: "node", url: anvil.url }]);
    // Long intervals, so that most events are still held when the signal comes.
    const flags = ["--usage-otel-enabled", "--usage-otel-flush-interval=1h", "--usage-otel-batch-size=100000"];
    await using relay = await startRelay([config.path, ...flags, `--usage-otel-endpoint=${receiver.url}`]);
    const load = startLoad(relay.urls[0]!, 16);
    await load.untilAnswered(500);
    relay.kill(signal);
    assertEquals(await relay.exited, 0);
    await load.stop();

    const relayed = load.answered.filter(({ status }) => status === 200).length;
    assert(relayed >= 500);
    assertEquals(load.answered.filter(({ status }) => status !== 200 && status !== 503), []);
    const ledger = relay.log.find(({ message }) => message === "stopped; final ledger")!;
    assertEquals(ledger["relay_usage_exported"], receiver.records.length);
    assertEquals(ledger["relay_usage_accepted"], receiver.records.length);
    // A client that the signal cut off before it had read its answer has an event as well.
    assert(receiver.records.length >= relayed, `${relayed} answered, ${receiver.records.length} events`);
    assert(receiver.records.length <= relayed + 16, "no event is delivered twice");
  });
}

Deno.test("a second signal ends the relay at once, with what is lost counted", async () => {
  await using anvil = await startAnvil();
  await using config = await writeConfig([{ name: "node", url: anvil.url }]);
  const hole = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const endpoint = `127.0.0.1:${hole.addr.port}`;
  await using relay = await startRelay([config.path, ...USAGE, `--usage-otel-endpoint=${endpoint}`]);
  assertEquals((await call(relay.urls[0]!, "eth_chainId")).status, 200);
  relay.kill("SIGTERM");
  while (!relay.log.some(({ message }) => String(message).startsWith("stopping"))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 1);
  hole.close();
  const ledger = relay.log.at(-1)!;
  assertEquals(ledger["message"], "stopped at once; what is queued or in flight is lost");
  assertEquals(Number(ledger["relay_usage_queued"]) + Number(ledger["relay_usage_in_flight"]), 1);
});
