import { assert, assertEquals } from "@std/assert";
import { startAnvil } from "../../examples/demo/anvil.ts";
import { mineBlock } from "../support/anvil_blocks.ts";
import { finalLedger } from "../support/bill.ts";
import { startReceiver } from "../support/receiver.ts";
import { billedDeliveries, deliveriesByProject, startRecording } from "../support/recording_subscriber.ts";
import { startRelay } from "../support/relay_process.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";

Deno.test("with --subscription-gap-fill a subscriber has every head as the node itself sends it, whatever breaks between", async () => {
  await using anvil = await startAnvil(["--no-mining"]);
  await using left = startTcpProxy(anvil.url);
  await using right = startTcpProxy(anvil.url);
  await using receiver = startReceiver();
  await using relay = await startRelay([
    "127.0.0.1:0",
    "ETH1",
    "jsonrpc",
    ...[left, right].flatMap(({ url }) => [`--upstream=${url}`, `--upstream=${url.replace("http", "ws")}`]),
    "--subscription-gap-fill",
    "--usage-otel-enabled",
    `--usage-otel-endpoint=${receiver.url}`,
    "--usage-otel-flush-interval=20ms",
  ]);
  // Whoever is subscribed with the node itself shows what there is.
  await using witness = await startRecording(anvil.url, "witness");
  const clients = await Promise.all(["acme", "globex"].map((project) => startRecording(relay.urls[0]!, project)));
  for (const client of [witness, ...clients]) await client.subscribe(["newHeads"]);
  const numberOf = (result: unknown) => Number((result as { number: string }).number);
  const mine = async (blocks: number) => {
    for (let i = 0; i < blocks; i++) await mineBlock(anvil.url);
  };
  let height = 0;
  for (let round = 0; round < 4; round++) {
    await mine(2);
    height += 2;
    await Promise.all(clients.map((client) => client.until(({ result }) => numberOf(result) === height)));
    const [active, other] = left.connections > right.connections ? [left, right] : [right, left];
    other.resume();
    active.break();
    await mine(3 + round);
    height += 3 + round;
    // The gap shows with the first head on the new connection.
    while (other.connections === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    let isSeen = false;
    const seen = Promise.all(clients.map((client) => client.until(({ result }) => numberOf(result) > height)))
      .then(() => isSeen = true);
    let extra = 0;
    while (!isSeen) {
      await mine(1);
      extra++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await seen;
    height += extra;
  }
  await Promise.all([witness, ...clients].map((client) => client.until(({ result }) => numberOf(result) === height)));
  for (const { deliveries } of clients) {
    assertEquals(deliveries.map(({ result }) => result), witness.deliveries.map(({ result }) => result));
  }
  assertEquals(witness.deliveries.length, height);
  assert(relay.log.some(({ message }) => message === "blocks that came without a connection are sent to subscribers"));
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  await Promise.all(clients.map(({ closed }) => closed));
  assertEquals(finalLedger(relay.log)["exported"], receiver.records.length);
  assertEquals(billedDeliveries(receiver.records), deliveriesByProject(clients));
  const methods = new Set(receiver.records.map(({ attributes }) => attributes["api_method"]));
  assertEquals(methods, new Set(["eth_subscribe", "subscription_delivery"]), "what was fetched is on nobody's bill");
});
