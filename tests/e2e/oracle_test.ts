import { assert, assertEquals } from "@std/assert";
import { createOtelUsageSink, createRelay } from "../../mod.ts";
import { checkBill, type Counts, deliveredOnce, finalLedger, tally } from "../support/bill.ts";
import { type Behaviour, Collector } from "../support/collector.ts";
import { writeConfig } from "../support/config.ts";
import { startCountingNode } from "../support/counting_node.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { type Load, startLoad } from "../support/load.ts";
import { type RelayProcess, startRelay } from "../support/relay_process.ts";
import { answering, scriptedNodes } from "../support/scripted_node.ts";
import { countsOf, relayEvent } from "../support/usage.ts";

const PROJECTS = ["acme", "globex", "initech"];
const CLIENTS = 9;
const FLAGS = [
  "--usage-otel-enabled",
  "--usage-otel-extended",
  "--usage-otel-flush-interval=20ms",
  "--usage-otel-batch-size=20",
  "--usage-otel-export-timeout=1s",
  "--usage-otel-retry-budget=1m",
];

interface Scene {
  readonly collector: Collector;
  readonly relay: RelayProcess;
  readonly load: Load;
  /** Whether the collector has an event for each call that the node has seen. */
  readonly isAllDelivered: () => boolean;
}

/**
 * A relay process under load towards a collector; `play` is the scenario, after which the relay is asked to end. Comes
 * back with the ledger, once the bill of every project has been checked.
 */
async function settleBill(collector: Collector, flags: readonly string[], play: (scene: Scene) => Promise<void>) {
  await using node = startCountingNode();
  await using config = await writeConfig([{ name: "node", url: node.url }]);
  await using relay = await startRelay([config.path, ...FLAGS, ...flags, `--usage-otel-endpoint=${collector.url}`]);
  const load = startLoad(relay.urls[0]!, CLIENTS, { projects: PROJECTS, paramsOf: (project) => [project] });
  const isAllDelivered = () => {
    const delivered = deliveredOnce(collector);
    return [...node.calls].every(([project, count]) => delivered[project] === count);
  };
  try {
    await play({ collector, relay, load, isAllDelivered });
  } finally {
    relay.kill("SIGTERM");
    await load.stop();
  }
  assertEquals(await relay.exited, 0);
  const done: Counts = Object.fromEntries(node.calls);
  const answered = tally(load.answered.filter(({ status }) => status === 200).map(({ project }) => project));
  const broken = tally(load.broken);
  for (const project of PROJECTS) {
    const [work, atLeast] = [done[project] ?? 0, answered[project] ?? 0];
    // A client that was cut off before its answer may have been served.
    assert(
      atLeast <= work && work <= atLeast + (broken[project] ?? 0),
      `${project}: ${atLeast} answers, ${work} calls`,
    );
  }
  const ledger = finalLedger(relay.log);
  checkBill(collector, done, ledger);
  return { ledger, answered, done, broken };
}

/** Every second request, or what the list says in turn, for as long as the load lasts. */
function nowAndThen(...behaviours: readonly Behaviour[]): Behaviour[] {
  return Array.from({ length: 1_000 }, () => behaviours.flatMap((bad): Behaviour[] => [bad, { kind: "accept" }]))
    .flat();
}

const status = (code: number): Behaviour => ({ kind: "status", status: code });
const waiting = (retryAfter: string | (() => string)): Behaviour => ({ kind: "status", status: 429, retryAfter });

/** What a collector does to every second request, and why events may be lost by it; without a reason none may. */
const SCENARIOS: Readonly<Record<string, readonly [script: readonly Behaviour[], reason?: string]>> = {
  "accepts": [[]],
  "is slow": [nowAndThen({ kind: "slow", delayMs: 100 })],
  "does not answer": [[{ kind: "hang" }, { kind: "hang" }, { kind: "accept" }, { kind: "hang" }]],
  "cuts connections": [
    nowAndThen({ kind: "cut", at: "head" }, { kind: "cut", at: "body" }, { kind: "cut", at: "answer" }),
  ],
  "has no time": [nowAndThen(status(429), status(502), status(503), status(504))],
  "asks to wait": [
    nowAndThen(waiting("1"), waiting(() => new Date(Date.now() + 1_000).toUTCString()), waiting("soon")),
  ],
  "answers strangely": [nowAndThen(
    { kind: "body", body: "<html>" },
    { kind: "endless", bytes: 0 },
    { kind: "endless", bytes: 4_000_000 },
  )],
  "refuses requests": [
    nowAndThen(status(400), status(401), status(413), status(500), { kind: "redirect" }),
    "rejected",
  ],
  "refuses records": [nowAndThen({ kind: "partial", rejected: 3 }, { kind: "partial", rejected: 1_000 }), "rejected"],
};

for (const [name, [script, reason]] of Object.entries(SCENARIOS)) {
  Deno.test(`the bill is right when the collector ${name}`, async () => {
    await using collector = new Collector(...script);
    const { ledger, answered, done, broken } = await settleBill(collector, [], async ({ load, isAllDelivered }) => {
      await load.untilAnswered(1_000);
      await load.stop();
      collector.recover();
      if (reason === undefined) await collector.until(isAllDelivered, 15_000);
    });
    assertEquals(broken, {});
    assertEquals(answered, done, "every answer is a relay and every relay an answer");
    const { accepted, exported, ...lost } = ledger;
    if (reason === undefined) return assertEquals([exported, lost], [accepted, {}]);
    assertEquals(Object.keys(lost), [`dropped_${reason}`]);
  });
}

Deno.test("the bill is right when the collector wants a day and the relay is asked to end", async () => {
  await using collector = new Collector();
  collector.otherwise = waiting("86400");
  const { ledger } = await settleBill(collector, [], async ({ load }) => {
    await load.untilAnswered(500);
    await load.stop();
    collector.recover();
  });
  assertEquals(ledger["exported"], ledger["accepted"]);
});

Deno.test("the bill is right when the collector never answers: all is on the ledger, and the end comes in time", async () => {
  await using collector = new Collector();
  collector.otherwise = { kind: "hang" };
  let askedMs = 0;
  const { ledger } = await settleBill(collector, [], async ({ load }) => {
    await load.untilAnswered(1_000);
    await load.stop();
    askedMs = performance.now();
  });
  const tookMs = performance.now() - askedMs;
  assert(tookMs < 6_000, `${Math.round(tookMs)} ms for a drain of 1 s`);
  assertEquals(ledger["dropped_timeout"], ledger["accepted"]);
});

Deno.test("the bill is right when the queue is too small for an outage", async () => {
  await using collector = new Collector();
  collector.goAway();
  const { ledger } = await settleBill(collector, ["--usage-otel-queue-size=200"], async ({ load, isAllDelivered }) => {
    await load.untilAnswered(2_000);
    await load.stop();
    assert(!isAllDelivered());
    collector.comeBack();
  });
  const { accepted, exported, dropped_queue_full, dropped_timeout = 0, ...others } = ledger;
  assert(dropped_queue_full! > 1_000, `${dropped_queue_full}`);
  assertEquals([exported! + dropped_queue_full! + dropped_timeout, others], [accepted, {}]);
});

Deno.test("a collector that is away for seconds and comes back on the same port costs no event", async () => {
  await using collector = new Collector();
  const { ledger } = await settleBill(collector, [], async ({ load, isAllDelivered }) => {
    await load.untilAnswered(500);
    collector.goAway();
    const answered = load.answered.length;
    const outage = new Promise((resolve) => setTimeout(resolve, 3_000));
    await load.untilAnswered(answered + 1_000);
    await load.stop();
    await outage;
    collector.comeBack();
    await collector.until(isAllDelivered, 20_000);
  });
  assertEquals(ledger, { accepted: ledger["accepted"]!, exported: ledger["accepted"]! });
});

for (const kind of ["accept", "slow"] as const) {
  Deno.test(`SIGTERM in mid-load, with a collector that is ${kind === "slow" ? "slow" : "well"}`, async () => {
    await using collector = new Collector();
    if (kind === "slow") collector.otherwise = { kind, delayMs: 50 };
    const { ledger } = await settleBill(collector, ["--usage-otel-export-timeout=10s"], ({ load }) => {
      return load.untilAnswered(1_000);
    });
    assertEquals(ledger, { accepted: ledger["accepted"]!, exported: ledger["accepted"]! });
  });
}

Deno.test("a burst of 100,000 events into a queue of 1,000 loses what it says it loses", async () => {
  await using collector = new Collector();
  const usage = await createOtelUsageSink({ url: collector.url, extended: true, queueSize: 1_000, batchSize: 100 });
  const done: Record<string, number> = {};
  for (let i = 0; i < 100_000; i++) {
    const project = PROJECTS[i % PROJECTS.length]!;
    done[project] = (done[project] ?? 0) + 1;
    usage.emit(relayEvent({ project }));
  }
  const { queue_full, ...others } = countsOf((await usage.close()).relay_usage);
  checkBill(collector, done, { ...others, dropped_queue_full: queue_full! });
  assertEquals(others, { accepted: 100_000, exported: 1_000 });
});

Deno.test("a wall clock that steps back an hour changes no bill, and makes no latency negative", async () => {
  await using collector = new Collector();
  const clock = new FakeClock();
  const usage = await createOtelUsageSink({ url: collector.url, extended: true, clock });
  const { fetch } = scriptedNodes({
    node: async (call, signal) => {
      clock.stepWallClock(-3_600_000);
      await clock.advance(5);
      return await answering()(call, signal);
    },
  });
  const providers = [{ name: "node", nodeUrls: [{ url: "https://node/" }] }];
  const relay = createRelay({ chainId: "ETH1", providers, usage, fetch, clock });
  const arrivals: bigint[] = [];
  for (let i = 0; i < 30; i++) {
    arrivals.push(BigInt(clock.now()) * 1_000_000n);
    const response = await relay.fetch(
      new Request("http://relay.example/", {
        method: "POST",
        headers: { "content-type": "application/json", "project-id": PROJECTS[i % 3]! },
        body: '{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}',
      }),
    );
    assertEquals([response.status, (await response.json()).result], [200, "0x1"]);
  }
  await relay.close();
  checkBill(collector, { acme: 10, globex: 10, initech: 10 }, countsOf((await usage.close()).relay_usage));
  assertEquals(collector.records.map(({ timeUnixNano }) => timeUnixNano), arrivals);
  assertEquals(tally(collector.records.map(({ attributes }) => String(attributes["latency_ms"]))), { "int,5": 30 });
});
