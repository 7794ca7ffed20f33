import { assert, assertEquals } from "@std/assert";
import { type Anvil, startAnvil } from "../../examples/demo/anvil.ts";
import { mineBlock, sendTransaction } from "../support/anvil_blocks.ts";
import { finalLedger } from "../support/bill.ts";
import { startReceiver } from "../support/receiver.ts";
import {
  billedDeliveries,
  deliveriesByProject,
  type Delivery,
  type RecordingSubscriber,
  startRecording,
} from "../support/recording_subscriber.ts";
import { startRelay } from "../support/relay_process.ts";

/** A node, and how to tell what comes from it. */
interface Source {
  readonly anvil: Anvil;
  /** The account whose transactions it has. */
  readonly account: number;
  readonly transactions: Set<string>;
  isOwn(delivery: Delivery): boolean;
}

async function startSource(account: number): Promise<Source> {
  // Heights tell whose block it is.
  const firstHeight = account * 1_000_000;
  const anvil = await startAnvil(["--no-mining", "--number", String(firstHeight)]);
  const transactions = new Set<string>();
  return {
    anvil,
    account,
    transactions,
    isOwn({ result }) {
      if (typeof result === "string") return transactions.has(result);
      return Math.floor(Number((result as { number: string }).number) / 1_000_000) === account;
    },
  };
}

/** Adds blocks and transactions until `isOver`. */
async function keepBusy({ anvil: { url }, account, transactions }: Source, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    transactions.add(await sendTransaction(url, account));
    await mineBlock(url);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

/** Resolves when a client has a head and a transaction of a source that it did not have before. */
async function served(client: RecordingSubscriber, { isOwn }: Source): Promise<void> {
  const known = new Set(client.deliveries);
  const isHead = ({ result }: Delivery) => typeof result === "object";
  const isNew = (delivery: Delivery) => !known.has(delivery) && isOwn(delivery);
  await Promise.all([
    client.until((delivery) => isNew(delivery) && isHead(delivery)),
    client.until((delivery) => isNew(delivery) && !isHead(delivery)),
  ]);
}

Deno.test("what clients were delivered is what their projects pay for, through nodes that hang, come back and are killed", async () => {
  const sources = await Promise.all([startSource(1), startSource(2)]);
  await using _first = sources[0]!.anvil;
  await using _second = sources[1]!.anvil;
  await using receiver = startReceiver();
  await using relay = await startRelay([
    "127.0.0.1:0",
    "ETH1",
    "jsonrpc",
    ...sources.flatMap(({ anvil: { url } }) => [`--upstream=${url}`, `--upstream=${url.replace("http", "ws")}`]),
    "--upstream-websocket-silence=200ms",
    "--upstream-websocket-timeout=300ms",
    "--usage-otel-enabled",
    `--usage-otel-endpoint=${receiver.url}`,
    "--usage-otel-flush-interval=20ms",
  ]);
  const clients = await Promise.all(
    ["acme", "acme", "globex", "initech"].map((project) => startRecording(relay.urls[0]!, project)),
  );
  for (const client of clients) {
    await client.subscribe(["newHeads"]);
    await client.subscribe(["newPendingTransactions"]);
  }
  // One of them has the same twice, and pays twice.
  await clients[0]!.subscribe(["newHeads"]);

  const faults: readonly [Source, Deno.Signal][] = [
    [sources[0]!, "SIGSTOP"],
    [sources[1]!, "SIGSTOP"],
    [sources[0]!, "SIGSTOP"],
    [sources[1]!, "SIGKILL"],
  ];
  for (const [faulty, signal] of faults) {
    const other = sources.find((source) => source !== faulty)!;
    faulty.anvil.kill(signal);
    let isOver = false;
    const busy = keepBusy(other, () => isOver);
    await Promise.all(clients.map((client) => served(client, other)));
    isOver = true;
    await busy;
    if (signal === "SIGSTOP") faulty.anvil.kill("SIGCONT");
  }
  relay.kill("SIGTERM");
  assertEquals(await relay.exited, 0);
  await Promise.all(clients.map(({ closed }) => closed));
  assertEquals(finalLedger(relay.log)["exported"], receiver.records.length);
  assertEquals(billedDeliveries(receiver.records), deliveriesByProject(clients));
  for (const { deliveries } of clients) {
    const texts = deliveries.map(({ subscription, result }) => `${subscription} ${JSON.stringify(result)}`);
    assertEquals(new Set(texts).size, texts.length, "nothing was delivered twice");
  }
  const reopened = relay.log.filter(({ message }) => message === "a WebSocket connection to a provider has failed");
  assert(reopened.length >= 3, `${reopened.length} connections have failed`);
});
