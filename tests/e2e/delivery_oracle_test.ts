/**
 * What clients were delivered, held against the bill, where the clients are the trouble.
 *
 * A delivery is on the bill once the client's socket has taken it. So for whoever reads to the end of its connection, or
 * has had the answer to its unsubscribe, both numbers are the same: also for a client that was too slow, was cut, and
 * reads on. Who goes away without reading pays for what was on its way: then there may be more events than messages, and
 * never fewer.
 */
import { assert, assertEquals } from "@std/assert";
import { startAnvil } from "../../examples/demo/anvil.ts";
import { finalLedger, tally } from "../support/bill.ts";
import { RawSubscriber } from "../support/raw_subscriber.ts";
import { type ReceivedRecord, startReceiver } from "../support/receiver.ts";
import { billedDeliveries } from "../support/recording_subscriber.ts";
import { startRelay } from "../support/relay_process.ts";
import { SOCKET_HOSTS } from "../support/socket_stage.ts";

/** Subscriptions of the client that is slow: enough for the system's own buffers to be full soon. */
const MANY = 200;

for (const host of SOCKET_HOSTS) {
  Deno.test(`--http-server ${host}: deliveries are billed as they were received, whoever is killed, cut or told to stop`, async () => {
    await using anvil = await startAnvil(["--no-mining"]);
    await using receiver = startReceiver();
    await using relay = await startRelay([
      "127.0.0.1:0",
      "ETH1",
      "jsonrpc",
      `--upstream=${anvil.url}`,
      `--upstream=${anvil.url.replace("http", "ws")}`,
      `--http-server=${host}`,
      `--websocket-max-subscriptions-per-client=${MANY}`,
      `--websocket-max-parallel-requests=${MANY}`,
      "--websocket-subscribes-per-minute=0",
      "--websocket-max-buffered-bytes=1000000",
      "--metrics-listen-address=127.0.0.1:0",
      "--usage-otel-enabled",
      `--usage-otel-endpoint=${receiver.url}`,
      "--usage-otel-flush-interval=20ms",
    ]);
    const metrics = await relay.logged(({ message }) => message === "metrics are listening");
    const open = async (project: string, subscriptions: number) => {
      const client = await RawSubscriber.open(relay.urls[0]!, project);
      await client.send("eth_subscribe", ["newHeads"], subscriptions);
      return client;
    };
    const [leaving, closing, staying] = [await open("leaving", 3), await open("closing", 3), await open("staying", 3)];
    const readers = [leaving, closing, staying];
    const ends = readers.map((client) => client.read());
    const killed = await Promise.all([1, 2, 3, 4].map(() => open("killed", 3)));
    const reads = killed.slice(0, 2).map((client) => client.read());
    const slow = await open("slow", MANY);
    const caller = await RawSubscriber.open(relay.urls[0]!, "caller");
    const callerEnd = caller.read();
    await Promise.all(readers.map((client) => client.until(({ results }) => results === 3)));

    let isOver = false;
    const mining = (async () => {
      for (; !isOver; await new Promise((resolve) => setTimeout(resolve, 20))) await mine(anvil.url);
    })();
    const calling = (async () => {
      for (let calls = 1; !caller.isOver; calls++) {
        await caller.send("eth_blockNumber", []);
        await caller.until(({ results, errors }) => results + errors === calls).catch(() => {});
      }
    })();
    await Promise.all(readers.map((client) => client.until(({ deliveries }) => deliveries >= 30)));

    // In order: the answers to the unsubscribes are the last that comes.
    const answered = leaving.results;
    await leaving.send("eth_unsubscribe", ["0xnothing"]);
    await leaving.until(({ errors }) => errors === 1);
    await leaving.close();
    await closing.close();
    assertEquals(await Promise.all(ends.slice(0, 2)), [1000, 1000]);
    assertEquals(leaving.results, answered);
    for (const client of killed) client.kill();
    await Promise.all(reads);

    // The one that does not read is cut; what its socket had taken is all there, and the reason behind it.
    while (!/^lava_rpcsmartrouter_ws_slow_clients_total\{.*\} 1$/m.test(await page(String(metrics["address"])))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assertEquals(await slow.read(), 1013);

    const before = staying.deliveries;
    await staying.until(({ deliveries }) => deliveries >= before + 9);
    relay.kill("SIGTERM");
    assertEquals([await ends[2], await callerEnd], [1001, 1001]);
    isOver = true;
    await Promise.all([mining, calling]);
    assertEquals(await relay.exited, 0);

    assertEquals(finalLedger(relay.log)["exported"], receiver.records.length);
    const { killed: billedToKilled = 0, ...billed } = billedDeliveries(receiver.records);
    const exact = [...readers, slow];
    assertEquals(billed, Object.fromEntries(exact.map(({ project, deliveries }) => [project, deliveries])));
    const received = killed.reduce((sum, { deliveries }) => sum + deliveries, 0);
    assert(billedToKilled >= received && received > 0, `${billedToKilled} on the bill, ${received} received`);
    assertEquals(callsBilled(receiver.records), { caller: caller.results });
    assert(
      slow.deliveries > MANY && caller.results > 10,
      `${slow.deliveries} to the slow one, ${caller.results} calls`,
    );
  });
}

/** Calls that are on the bill, by project. */
function callsBilled(records: readonly ReceivedRecord[]) {
  const calls = records.filter(({ attributes }) => attributes["api_method"] === "eth_blockNumber");
  return tally(calls.map(({ attributes }) => String(attributes["project"])));
}

async function mine(url: string): Promise<void> {
  const body = '{"jsonrpc":"2.0","id":1,"method":"evm_mine","params":[]}';
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  await response.body?.cancel();
}

async function page(address: string): Promise<string> {
  return await (await fetch(`http://${address}/metrics`)).text();
}
