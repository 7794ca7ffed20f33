import { assert, assertEquals } from "@std/assert";
import { NO_STEERING } from "../../../src/domain/steering.ts";
import { createJsonRpcCodec } from "../../../src/protocols/jsonrpc/codec.ts";
import { NodeHealth } from "../../../src/providers/node_health.ts";
import type { Candidate } from "../../../src/providers/selector.ts";
import { Meter } from "../../../src/relay/meter.ts";
import { SharedSubscription } from "../../../src/relay/subscriptions/shared_subscription.ts";
import type { OpenResult, UpstreamListener } from "../../../src/relay/subscriptions/upstream_connection.ts";
import { apiFacts } from "../../support/engine.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { MemorySink } from "../../support/memory_sink.ts";
import { wireRequest } from "../../support/wire.ts";

const CANDIDATE: Candidate = {
  provider: { name: "node", isBackup: false, nodeUrls: [], socketUrls: [] },
  nodeUrl: {
    target: "ws://node.example/",
    internalPath: "",
    headers: [],
    extraTimeoutMs: 0,
    addOns: new Set(),
    methods: undefined,
    forwardsAddress: false,
    health: new NodeHealth(),
  },
};

const DOWN: OpenResult = { kind: "failure", error: { code: "upstream_unreachable", message: "down" } };

/** One subscriber, and a node that is there as long as it is said to be. */
async function scene(random: () => number) {
  const clock = new FakeClock();
  const attemptsAtMs: number[] = [];
  const node = { isUp: true, listener: undefined as UpstreamListener | undefined };
  const decoded = createJsonRpcCodec({ maxBatchSize: 1 }).decode(
    wireRequest('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["logs"]}'),
  );
  if (decoded.kind !== "call") throw new Error("not a call");
  const request = {
    caller: { project: "acme", origin: "", address: "" },
    steering: NO_STEERING,
    chain: "ETH1",
    apiInterface: "jsonrpc" as const,
    call: decoded.call,
    api: apiFacts(),
    nodeRequest: decoded.call.nodeRequest,
    arrivedAtUnixMs: 0,
    arrivedAtMs: 0,
    signal: new AbortController().signal,
  };
  let reopened = 0;
  const shared = new SharedSubscription({
    pool: {
      open(_candidate, _call, listener) {
        attemptsAtMs.push(clock.monotonic());
        if (!node.isUp) return Promise.resolve(DOWN);
        node.listener = listener;
        return Promise.resolve({ kind: "open", subscription: '"0x1"', latencyMs: 1, close() {} });
      },
    },
    sockets: { select: (_request, tried) => tried.size === 0 ? CANDIDATE : undefined, report() {} },
    meter: new Meter(new MemorySink(), clock),
    clock,
    random,
    onEmpty() {},
    onReopened: () => void reopened++,
  }, request);
  const started = await shared.start(request.signal);
  assertEquals(started.kind, "open");
  const delivered: string[] = [];
  const subscriber = { answer() {}, deliver: (text: string) => delivered.push(text) > 0 };
  shared.add({ request, subscriber, clientId: '"mine"' });
  attemptsAtMs.length = 0;
  /** Breaks the connection; comes back with the waits before the tries that follow within `ms`. */
  const waits = async (ms: number) => {
    let last = clock.monotonic();
    const from = attemptsAtMs.length;
    node.listener!.lost();
    await clock.advance(ms);
    return attemptsAtMs.slice(from).map((atMs) => {
      const waitMs = atMs - last;
      last = atMs;
      return waitMs;
    });
  };
  return { clock, node, shared, delivered, waits, reopened: () => reopened };
}

Deno.test("a connection that stays away is tried again after 100 ms, then twice as long each time, and 30 s at the most", async () => {
  const { clock, node, shared, waits, reopened } = await scene(() => 0.5);
  await clock.advance(60_000);
  node.isUp = false;
  const expected = [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000];
  assertEquals(await waits(expected.reduce((sum, ms) => sum + ms, 0)), expected);
  node.isUp = true;
  await clock.advance(30_000);
  assertEquals(reopened(), 1);
  // Once it has lasted, the next break starts from the beginning; before that, from where the last has ended.
  node.listener!.lost();
  await clock.advance(29_999);
  assertEquals(reopened(), 1);
  await clock.advance(1);
  assertEquals(reopened(), 2);
  await clock.advance(10_000);
  assertEquals(await waits(100), [100]);
  assertEquals(reopened(), 3);
  shared.close();
  assertEquals(clock.pending, 0);
});

Deno.test("each wait is up to 30 % shorter or longer, by chance", async () => {
  for (const [chance, factor] of [[0, 0.7], [0.25, 0.85], [0.999, 1.2994]] as const) {
    const { node, shared, waits } = await scene(() => chance);
    node.isUp = false;
    const [first, second] = await waits(1_000);
    assert(Math.abs(first! - 100 * factor) < 1e-6 && Math.abs(second! - 200 * factor) < 1e-6, `${first} ${second}`);
    shared.close();
  }
});

Deno.test("nobody tries again for those who have gone, or after the end", async () => {
  const { clock, node, shared, waits } = await scene(() => 0.5);
  node.isUp = false;
  assertEquals(await waits(300), [100, 200]);
  shared.close();
  assertEquals(await waits(100_000), []);
  assertEquals(clock.pending, 0);
});

Deno.test("what was delivered comes again only soon after a new connection, and once", async () => {
  const { clock, node, delivered } = await scene(() => 0.5);
  const say = (text: string) => node.listener!.notify("<", `>${text}`);
  const texts = () => delivered.map((text) => text.slice('<"mine">'.length));
  say("a");
  say("a");
  say("b");
  node.listener!.lost();
  await clock.advance(100);
  for (const text of ["a", "b", "a", "c"]) say(text);
  assertEquals(texts(), ["a", "a", "b", "a", "c"], "while a connection lasts, nothing is a repeat");
  node.listener!.lost();
  await clock.advance(10_000);
  await settle();
  await clock.advance(120_001);
  say("c");
  assertEquals(texts().at(-1), "c", "that long after, the same message is another one");
});
