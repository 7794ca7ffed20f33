import { assert, assertEquals } from "@std/assert";
import { liveRelayOf, liveRelayOfRow, liveScoreOf, liveScoreOfRow } from "../../src/ui/live_event.ts";
import { LiveFeed, type LiveHello, type LiveTick } from "../../src/ui/live_feed.ts";
import { Second } from "../../src/ui/second.ts";
import { WatchedSink } from "../../src/ui/watched_sink.ts";
import { rowOfEvent } from "../../src/usage/usage_row.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { qosEvent, relayEvent } from "../support/usage.ts";

function recorder() {
  const hellos: LiveHello[] = [];
  const ticks: LiveTick[] = [];
  return {
    hellos,
    ticks,
    hello: (hello: LiveHello) => void hellos.push(hello),
    tick: (tick: LiveTick) => void ticks.push(tick),
  };
}

Deno.test("an event of this process and its row show the same", () => {
  const relay = relayEvent({ apiMethod: "x".repeat(500), cacheHit: true, success: false, computeUnits: 65 });
  assertEquals(liveRelayOfRow(rowOfEvent(relay, "a/b/1")), liveRelayOf(relay));
  assertEquals(liveRelayOf(relay).method.length, 120);
  assertEquals(liveScoreOfRow(rowOfEvent(qosEvent(), "")), liveScoreOf(qosEvent()));
  assertEquals([liveRelayOfRow(rowOfEvent(qosEvent(), "")), liveScoreOfRow(rowOfEvent(relay, ""))], [
    undefined,
    undefined,
  ]);
});

Deno.test("a second adds up by project and chain, and by method; names that clients choose are bounded", () => {
  const second = new Second();
  for (const method of ["eth_call", "eth_subscribe", "subscription_delivery", "subscription_delivery"]) {
    second.addRelay(liveRelayOf(relayEvent({ apiMethod: method })));
  }
  second.addRelay(liveRelayOf(relayEvent({ success: false, cacheHit: true })));
  const read = second.read(5_000);
  const { requests, failed, cacheHits, units, deliveries, subscribes } = read.projects[0]!;
  assertEquals(
    [read.projects.length, requests, failed, cacheHits, units, deliveries, subscribes],
    [1, 5, 1, 1, 50, 2, 1],
  );
  assertEquals(read.methods.map(({ method, requests }) => [method, requests]), [
    ["eth_call", 1],
    ["eth_subscribe", 1],
    ["subscription_delivery", 2],
    ["eth_blockNumber", 1],
  ]);
  for (let i = 0; i < 1_000; i++) {
    second.addRelay(liveRelayOf(relayEvent({ project: `p${i}`, apiMethod: `m${i}` })));
    second.addScore(liveScoreOf(qosEvent({ provider: `n${i}` })));
  }
  const { projects, methods, scores, relays } = second.read(6_000);
  assertEquals([projects.length, scores.length, relays.length], [201, 200, 50]);
  // A method beyond the bound is one of the others of its project.
  assert(methods.length <= 2 * 200 + 1, `${methods.length} methods`);
  assertEquals(projects.reduce((sum, { requests }) => sum + requests, 0), 1_005);
  assertEquals(relays[0]!.project, "p999");
});

Deno.test("a feed tells every second, and holds nothing and has no timer while nobody looks", async () => {
  const clock = new FakeClock();
  const inner = new MemorySink();
  const feed = new LiveFeed({ clock, ledger: () => inner.stats() });
  const sink = new WatchedSink(inner, feed);
  sink.emit(relayEvent());
  assertEquals([clock.pending, feed.isWatched], [0, false]);

  const [first, second] = [recorder(), recorder()];
  const unwatchFirst = feed.watch(first);
  assertEquals(first.hellos, [{ nowUnixMs: clock.now(), past: [], hasLedger: true }]);
  sink.emit(relayEvent({ project: "globex" }));
  sink.emitOptimizerQos(qosEvent());
  await clock.advance(1_000);
  const unwatchSecond = feed.watch(second);
  sink.emit(relayEvent({ project: "globex" }));
  await clock.advance(1_000);
  assertEquals(first.ticks.map(({ projects }) => projects.map(({ project }) => project)), [["globex"], ["globex"]]);
  assertEquals([first.ticks[0]!.scores.length, second.ticks.length], [1, 1]);
  assertEquals(first.ticks[1]!.ledger, inner.stats().relay_usage);

  unwatchFirst();
  assertEquals(clock.pending, 1);
  unwatchSecond();
  unwatchSecond();
  assertEquals([clock.pending, feed.isWatched], [0, false]);
  assertEquals(inner.events.length, 3, "all events went on");
});

Deno.test("a page that is opened is told the past, second by second", () => {
  const clock = new FakeClock();
  const at = (ms: number) => liveRelayOf(relayEvent({ timeUnixMs: clock.now() - ms }));
  const score = liveScoreOf(qosEvent({ timeUnixMs: clock.now() - 2_000 }));
  const feed = new LiveFeed({ clock, past: () => ({ relays: [at(2_500), at(2_100), at(500)], scores: [score] }) });
  const page = recorder();
  feed.watch(page)();
  assertEquals(
    page.hellos[0]!.past.map(({ timeUnixMs, relays, scores }) => [timeUnixMs, relays.length, scores.length]),
    [
      [clock.now() - 2_000, 2, 0],
      [clock.now() - 1_000, 0, 1],
      [clock.now(), 1, 0],
    ],
  );
});
