import { assert, assertEquals } from "@std/assert";
import { startAnvil } from "../../examples/demo/anvil.ts";
import { mineBlock } from "../support/anvil_blocks.ts";
import { finalLedger } from "../support/bill.ts";
import { startReceiver } from "../support/receiver.ts";
import { billedDeliveries, deliveriesByProject, startRecording } from "../support/recording_subscriber.ts";
import { startRelay } from "../support/relay_process.ts";

Deno.test("what clients were delivered is what their projects pay for, through nodes that are killed", async () => {
  await using first = await startAnvil(["--no-mining"]);
  await using second = await startAnvil(["--no-mining", "--number", "1000"]);
  await using receiver = startReceiver();
  await using relay = await startRelay([
    "127.0.0.1:0",
    "ETH1",
    "jsonrpc",
    ...[first, second].flatMap(({ url }) => [`--upstream=${url}`, `--upstream=${url.replace("http", "ws")}`]),
    "--usage-otel-enabled",
    `--usage-otel-endpoint=${receiver.url}`,
    "--usage-otel-flush-interval=20ms",
  ]);
  const clients = await Promise.all(
    ["acme", "acme", "globex", "initech"].map((project) => startRecording(relay.urls[0]!, project)),
  );
  for (const client of clients) await client.subscribe(["newHeads"]);
  await clients[0]!.subscribe(["newHeads"]);
  await Promise.all([first, second].map(({ url }) => mineBlock(url)));
  await Promise.all(clients.map((client) => client.until(() => true)));
  const isOfFirst = (number: string) => Number(number) < 1000;
  const { number } = clients[0]!.deliveries[0]!.result as { number: string };
  const [killed, left] = isOfFirst(number) ? [first, second] : [second, first];
  killed.kill("SIGKILL");
  // The relay needs a moment to notice, and blocks are not asked for again.
  let isOver = false;
  const mining = (async () => {
    while (!isOver) {
      await mineBlock(left.url);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  await Promise.all(
    clients.map((client) =>
      client.until(({ result }) => isOfFirst((result as { number: string }).number) !== isOfFirst(number))
    ),
  );
  isOver = true;
  await mining;
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  await Promise.all(clients.map(({ closed }) => closed));
  assertEquals(finalLedger(relay.log)["exported"], receiver.records.length);
  assertEquals(billedDeliveries(receiver.records), deliveriesByProject(clients));
  assert(clients.every(({ deliveries }) => deliveries.length >= 2));
});
