import { assert, assertEquals } from "@std/assert";
import { Comet38Client, WebsocketClient } from "@cosmjs/tendermint-rpc";
import { finalLedger, tally } from "../support/bill.ts";
import { startCometbft } from "../support/chain_nodes.ts";
import { disconnected } from "../support/cosmjs.ts";
import { startReceiver } from "../support/receiver.ts";
import { startRelay } from "../support/relay_process.ts";
import { startTcpProxy } from "../support/tcp_proxy.ts";

Deno.test("@cosmjs/tendermint-rpc, unchanged, has CometBFT's new blocks through a connection that is cut, each once and billed once", async () => {
  await using node = await startCometbft();
  if (node === undefined) return;
  await using left = startTcpProxy(node.url);
  await using right = startTcpProxy(node.url);
  await using receiver = startReceiver();
  await using relay = await startRelay([
    "127.0.0.1:0",
    "TENDERMINT",
    "tendermintrpc",
    ...[left, right].flatMap(({ url }) => [
      `--upstream=${url}`,
      `--upstream=${url.replace("http", "ws")}/websocket`,
    ]),
    "--usage-otel-enabled",
    `--usage-otel-endpoint=${receiver.url}`,
    "--usage-otel-flush-interval=20ms",
  ]);
  const socket = new WebsocketClient(relay.urls[0]!.replace("http", "ws"));
  const client = Comet38Client.create(socket);
  const heights: number[] = [];
  const failed = Promise.withResolvers<void>();
  let onBlock = () => {};
  const subscription = client.subscribeNewBlock().subscribe({
    next: ({ header: { height } }) => {
      heights.push(height);
      onBlock();
    },
    error: (error) => failed.reject(error),
  });
  const blocks = async (count: number) => {
    while (heights.length < count) {
      await Promise.race([new Promise<void>((resolve) => onBlock = resolve), failed.promise]);
    }
  };
  await blocks(2);
  for (let round = 0; round < 3; round++) {
    const [active, other] = left.connections > right.connections ? [left, right] : [right, left];
    other.resume();
    active.break();
    await blocks(heights.length + 2);
  }
  assertEquals(new Set(heights).size, heights.length, "each block once");
  assertEquals(heights, heights.toSorted((a, b) => a - b));
  subscription.unsubscribe();
  await disconnected(client, socket);
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  assertEquals(finalLedger(relay.log)["exported"], receiver.records.length);
  const methods = tally(receiver.records.map(({ attributes }) => String(attributes["api_method"])));
  const delivered = methods["subscription_delivery"]!;
  // What was on its way when the client left may be on the bill, and not more.
  assert(delivered === heights.length || delivered === heights.length + 1, `${delivered} of ${heights.length}`);
  assertEquals(methods["subscribe"], 1);
});
