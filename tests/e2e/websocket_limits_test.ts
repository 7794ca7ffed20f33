/** The limits on WebSockets as the command line sets them, and what a relay process is left with after hostile clients. */
import { assert, assertEquals } from "@std/assert";
import { tally } from "../support/bill.ts";
import { frame, RawSocket } from "../support/raw_socket.ts";
import { startReceiver } from "../support/receiver.ts";
import { type RelayProcess, startRelay } from "../support/relay_process.ts";
import { connectSocket } from "../support/socket_client.ts";
import { startSocketNode } from "../support/socket_node.ts";
import { SOCKET_HOSTS } from "../support/socket_stage.ts";

const SUBSCRIBE = '{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}';

for (const host of SOCKET_HOSTS) {
  Deno.test(`--http-server ${host}: every limit of the command line holds, is told, and is on no bill`, async () => {
    await using node = startSocketNode();
    await using receiver = startReceiver();
    await using relay = await startRelay([
      "127.0.0.1:0",
      "ETH1",
      "jsonrpc",
      `--upstream=${node.httpUrl}`,
      `--upstream=${node.wsUrl}`,
      `--http-server=${host}`,
      "--limit-parallel-websocket-connections-per-ip=3",
      "--limit-websocket-connection-idle-time=1s",
      "--rate-limit-websocket-requests-per-connection=20",
      "--ban-duration-for-websocket-rate-limit-exceeded=1h",
      "--websocket-max-message-bytes=2000",
      "--websocket-max-subscriptions-per-client=2",
      "--websocket-max-subscriptions=3",
      "--websocket-subscribes-per-minute=4",
      "--websocket-unsubscribes-per-minute=1",
      "--usage-otel-enabled",
      `--usage-otel-endpoint=${receiver.url}`,
      "--usage-otel-flush-interval=20ms",
    ]);
    const url = relay.urls[0]!;
    {
      await using first = await connectSocket(url);
      await using second = await connectSocket(url);
      await using third = await connectSocket(url);
      using fourth = await RawSocket.open(url);
      assertEquals(fourth.status, 429);

      const codes: (number | undefined)[] = [];
      const subscribe = async (client: typeof first) => {
        const { result, error } = await client.call("eth_subscribe", ["newHeads"]);
        codes.push(error?.code);
        return result;
      };
      const ids = [await subscribe(first), await subscribe(first)];
      // More than one may have, and then more than all together may.
      await subscribe(first);
      await subscribe(second);
      await subscribe(second);
      assertEquals(codes, [undefined, undefined, 429, undefined, 429]);
      const ended = [await first.call("eth_unsubscribe", [ids[0]]), await first.call("eth_unsubscribe", [ids[1]])];
      assertEquals(ended.map(({ error }) => error?.code), [undefined, 429]);
      // The fourth in a minute, and the fifth.
      await subscribe(first);
      await subscribe(first);
      assertEquals(codes.slice(5), [undefined, 429]);

      const answers = await Promise.all(Array.from({ length: 40 }, () => third.call("eth_chainId")));
      assert(answers.filter(({ error }) => error?.code === 429).length >= 15, "over the rate");
      assertEquals((await third.call("eth_chainId")).error?.code, 429, "and banned");
      second.send("x".repeat(2_001));
      assertEquals((await second.closed).code, 1009);
      assertEquals(await third.closed, { code: 1000, reason: "idle for too long" });
    }
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
    const bill = tally(receiver.records.map(({ attributes }) => String(attributes["api_method"])));
    assertEquals(bill["eth_subscribe"], 4);
    assert(bill["eth_chainId"]! >= 20 && bill["eth_chainId"]! <= 25 && Object.keys(bill).length === 2);
  });

  Deno.test(`--http-server ${host}: clients that never read cost a bounded part of the memory, and nobody else`, async () => {
    if (Deno.build.os !== "linux") return skip("the memory of a process is read from /proc");
    await using node = startSocketNode();
    const boundBytes = 50_000_000;
    await using relay = await startRelay([
      "127.0.0.1:0",
      "ETH1",
      "jsonrpc",
      `--upstream=${node.httpUrl}`,
      `--upstream=${node.wsUrl}`,
      `--http-server=${host}`,
      `--websocket-max-buffered-bytes-in-all=${boundBytes}`,
      "--metrics-listen-address=127.0.0.1:0",
    ]);
    await using reader = await connectSocket(relay.urls[0]!);
    await reader.call("eth_subscribe", ["newHeads"]);
    const silent: RawSocket[] = [];
    for (let i = 0; i < SILENT; i++) {
      const socket = await RawSocket.open(relay.urls[0]!);
      silent.push(socket);
      await socket.send(frame(SUBSCRIBE));
      await socket.json();
    }
    const large = "x".repeat(LARGE_BYTES);
    const before = residentBytes(relay);
    let sent = 0;
    let most = 0;
    for (; await sheds(relay) < SILENT && sent < 400; await reader.notified(sent)) {
      node.notify(large);
      sent++;
      most = Math.max(most, residentBytes(relay));
    }
    assertEquals(await sheds(relay), SILENT);
    assertEquals(reader.notifications.length, sent);
    // Each might have had 4 MiB: what the bound leaves, what is below it for each, and some for the work itself.
    assert(SILENT * 4_194_304 > 2 * boundBytes);
    const grown = most - before;
    assert(grown < boundBytes + SILENT * (65_536 + LARGE_BYTES) + 60_000_000, `grown by ${Math.round(grown / 1e6)} MB`);
    // Not even the end of the relay waits for them.
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
    for (const socket of silent) socket.close();
  });
}

/** Clients that never read, and the size of what they are sent. */
const SILENT = 60;
const LARGE_BYTES = 200_000;

function skip(why: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`skipped: the memory of a relay, because ${why}\n`));
}

function residentBytes({ pid }: RelayProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]) * 1_024;
}

/** Clients that were cut as they did not read. */
async function sheds(relay: RelayProcess): Promise<number> {
  const { address } = await relay.logged(({ message }) => message === "metrics are listening");
  const page = await (await fetch(`http://${address}/metrics`)).text();
  return Number(/^lava_rpcsmartrouter_ws_slow_clients_total\{.*\} (\d+)$/m.exec(page)![1]);
}
