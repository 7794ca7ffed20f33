import { assert, assertEquals } from "@std/assert";
import { WebSocketProvider } from "ethers";
import { createPublicClient, webSocket } from "viem";
import { foundry } from "viem/chains";
import { startAnvil } from "../../examples/demo/anvil.ts";
import { finalLedger, tally } from "../support/bill.ts";
import { startReceiver } from "../support/receiver.ts";
import { startRelay } from "../support/relay_process.ts";
import { SOCKET_HOSTS } from "../support/socket_stage.ts";

for (const host of SOCKET_HOSTS) {
  Deno.test(`viem and ethers, unchanged, over WebSockets of --http-server ${host}: calls and new heads, each message on the bill once`, async () => {
    await using anvil = await startAnvil(["--block-time", "1"]);
    await using receiver = startReceiver();
    await using relay = await startRelay([
      "127.0.0.1:0",
      "ETH1",
      "jsonrpc",
      `--http-server=${host}`,
      `--upstream=${anvil.url}`,
      `--upstream=${anvil.url.replace("http", "ws")}`,
      "--usage-otel-enabled",
      `--usage-otel-endpoint=${receiver.url}`,
      "--usage-otel-flush-interval=20ms",
    ]);
    const url = relay.urls[0]!.replace("http", "ws");

    const viem = createPublicClient({
      chain: foundry,
      transport: webSocket(url, { reconnect: false, keepAlive: false }),
    });
    assertEquals(await viem.getChainId(), foundry.id);
    const heads: bigint[] = [];
    const { promise: seen, resolve } = Promise.withResolvers<void>();
    const stop = viem.watchBlocks({
      onBlock: ({ number }) => {
        heads.push(number);
        if (heads.length === 2) resolve();
      },
    });

    const ethers = new WebSocketProvider(url);
    const blocks: number[] = [];
    const { promise: alsoSeen, resolve: resolveAlso } = Promise.withResolvers<void>();
    await ethers.on("block", (number: number) => {
      blocks.push(number);
      if (blocks.length === 2) resolveAlso();
    });
    await Promise.all([seen, alsoSeen]);
    assert(heads[0]! < heads[1]! && blocks[0]! < blocks[1]!);

    stop();
    (await viem.transport.getRpcClient()).close();
    await ethers.destroy();
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
    const ledger = finalLedger(relay.log);
    const methods = tally(receiver.records.map(({ attributes }) => String(attributes["api_method"])));
    assertEquals(ledger["exported"], receiver.records.length);
    assert(methods["eth_subscribe"]! >= 2 && methods["subscription_delivery"]! >= 4, JSON.stringify(methods));
    assert(methods["eth_chainId"]! >= 1);
  });
}
