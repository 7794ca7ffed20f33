import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Collector } from "../support/collector.ts";
import { runCli } from "../support/relay_process.ts";
import {
  adoptedBy,
  arrivedAt,
  assertAllArrived,
  assertNoHoles,
  countByProject,
  finalLedger,
  startNode,
  startSpooling,
  startTimedLoad,
  until,
} from "../support/spool_e2e.ts";
import { filesIn, segmentBytesIn, tempFolder } from "../support/spool_files.ts";
import { mountTmpfs } from "../support/spool_mount.ts";

/** How much longer than the sync interval a write to disk may take on a busy machine, milliseconds. */
const MARGIN_MS = 300;

Deno.test("a collector that is away until the next life: each answered call's event arrives once, and the ledgers agree", async () => {
  await using directory = await tempFolder();
  await using node = startNode();
  await using collector = new Collector();
  collector.goAway();
  await using first = await startSpooling(directory.path, node, collector);
  const load = startTimedLoad(first.urls[0]!, "a");
  await until("500 answers", () => load.count() >= 500);
  const ofFirst = await finalLedger(first);
  await load.stop();
  assertEquals([ofFirst["spooled"], ofFirst["exported"]], [ofFirst["accepted"], 0]);
  assert(node.calls() >= ofFirst["accepted"]! && ofFirst["accepted"]! >= load.count());

  collector.comeBack();
  await using second = await startSpooling(directory.path, node, collector);
  await until("all to arrive", () => collector.records.length >= ofFirst["spooled"]!);
  const ofSecond = await finalLedger(second);
  assertEquals(
    [adoptedBy(second), ofSecond["accepted"], ofSecond["exported"]],
    Array(3).fill(ofFirst["spooled"]),
  );
  assertEquals(arrivedAt(collector).size, collector.records.length, "each of them once");
  assertEquals(collector.records.length, ofFirst["spooled"]);
  assertAllArrived(collector, load);
  assertNoHoles(collector);
  assertEquals(await filesIn(directory.path), []);
});

Deno.test("a collector that is killed under load and started again on its port has every event", async () => {
  await using directory = await tempFolder();
  await using node = startNode();
  await using collector = new Collector();
  await using relay = await startSpooling(directory.path, node, collector);
  const load = startTimedLoad(relay.urls[0]!, "a");
  await until("events to arrive", () => collector.records.length >= 200);
  collector.goAway();
  const before = load.count();
  const goneMs = performance.now();
  await until("two seconds of load", () => performance.now() > goneMs + 2_000);
  assert(load.count() > before + 100, "the relay goes on answering meanwhile");
  collector.comeBack();
  const during = load.count();
  await until("more load", () => load.count() > during + 200);
  await load.stop();
  const counts = await finalLedger(relay);
  assertEquals([counts["exported"], arrivedAt(collector).size], Array(2).fill(counts["accepted"]));
  assertAllArrived(collector, load);
  assertNoHoles(collector);
  assertEquals(await filesIn(directory.path), []);
});

/** Sync intervals, and whether the collector is there while the relay is killed. */
const KILLS = [[50, true], [50, false], [500, true], [500, false]] as const;

for (const [intervalMs, isThere] of KILLS) {
  Deno.test(`kill -9 with a sync interval of ${intervalMs}ms and a collector that is ${isThere ? "there" : "away"} loses no more than that interval's events`, async () => {
    await using directory = await tempFolder();
    await using node = startNode();
    await using collector = new Collector();
    if (!isThere) collector.goAway();
    // Only time makes it sync.
    const flags = [`--usage-spool-sync-interval=${intervalMs}ms`, "--usage-otel-batch-size=100000"];
    await using first = await startSpooling(directory.path, node, collector, ...flags);
    const load = startTimedLoad(first.urls[0]!, "a");
    const startMs = performance.now();
    await until("a second and a half of load", () => performance.now() > startMs + 1_500 && load.count() > 300);
    const killedMs = performance.now();
    first.kill("SIGKILL");
    await first.exited;
    await load.stop();

    const sentBefore = collector.records.length;
    assertEquals(sentBefore > 0, isThere);
    collector.comeBack();
    await using second = await startSpooling(directory.path, node, collector, ...flags);
    await until("all to arrive", () => collector.records.length >= sentBefore + adoptedBy(second));
    await finalLedger(second);
    const counts = countByProject(arrivedAt(collector));
    const lostMs: number[] = [];
    for (const [project, times] of load.answers) {
      assert((counts.get(project) ?? 0) <= times.length + 1, "duplicates can be told by their ids");
      // A client's calls follow each other, so that the events that are missing are its last ones.
      lostMs.push(...times.slice(counts.get(project) ?? 0));
    }
    const oldestMs = lostMs.reduce((oldest, ms) => Math.max(oldest, killedMs - ms), 0);
    assert(oldestMs <= intervalMs + MARGIN_MS, `lost: ${lostMs.length}, the oldest ${oldestMs} ms before the kill`);
    assert(load.count() - lostMs.length > 200, "most of the load was on disk");
    assertEquals(load.problems, []);
    assertNoHoles(collector);
    assertEquals(await filesIn(directory.path), []);
  });
}

Deno.test("two relays on one directory do not meet, and a third takes over what the one that was killed has left", async () => {
  await using directory = await tempFolder();
  await using node = startNode();
  await using collector = new Collector();
  collector.goAway();
  const [first, second] = await Promise.all([
    startSpooling(directory.path, node, collector),
    startSpooling(directory.path, node, collector),
  ]);
  await using _first = first;
  await using _second = second;
  const loads = [startTimedLoad(first.urls[0]!, "a"), startTimedLoad(second.urls[0]!, "b")] as const;
  await until("load on both", () => loads.every((load) => load.count() >= 200));
  await loads[0].stop();
  // What the first has answered is older than its sync interval when it is killed.
  const stoppedMs = performance.now();
  await until("a sync", () => performance.now() > stoppedMs + 100 + MARGIN_MS);
  first.kill("SIGKILL");
  await first.exited;
  await using third = await startSpooling(directory.path, node, collector);
  assertEquals(adoptedBy(third), loads[0].count(), "all of the killed one, none of the one that lives");
  await loads[1].stop();
  collector.comeBack();
  await until("all to arrive", () => collector.records.length >= loads[0].count() + loads[1].count(), 15_000);
  assertEquals((await finalLedger(second))["exported"], loads[1].count());
  assertEquals((await finalLedger(third))["exported"], loads[0].count());
  assertEquals(arrivedAt(collector).size, collector.records.length, "each of them once");
  assertAllArrived(collector, ...loads);
  assertNoHoles(collector);
  assertEquals(await filesIn(directory.path), []);
});

Deno.test("a full disk: events go out from memory, are counted spool_full without a collector, and go to disk again later", async () => {
  await using mounted = await mountTmpfs("size=2m");
  if (mounted === undefined) return;
  await using node = startNode();
  await using collector = new Collector();
  await using relay = await startSpooling(mounted.path, node, collector, "--usage-otel-retry-budget=200ms");
  const load = startTimedLoad(relay.urls[0]!, "a");
  await until("events by way of the disk", () => collector.records.length >= 100);
  await mounted.fill();
  const full = load.count();
  await until("events from memory", () => collector.records.length >= full + 300);
  assertEquals(relay.log.filter(({ reason }) => reason !== undefined), [], "nothing is lost so far");

  collector.goAway();
  await until("a loss", () => relay.log.some(({ reason }) => reason === "spool_full"));
  const lossy = load.count();
  await until("answers all the same", () => load.count() >= lossy + 300);
  await mounted.empty();
  const bytes = await segmentBytesIn(mounted.path);
  await until("events on disk again", async () => await segmentBytesIn(mounted.path) > bytes + 10_000);
  await load.stop();
  const { accepted, exported, spooled, dropped_spool_full: lost, ...rest } = await finalLedger(relay);
  assertEquals(load.problems, []);
  assert(lost! > 0 && spooled! > 0, JSON.stringify({ lost, spooled }));
  assertEquals(Object.entries(rest).filter(([, count]) => count > 0), []);
  assertEquals([accepted, load.count()], Array(2).fill(exported! + spooled! + lost!));

  collector.comeBack();
  await using next = await startSpooling(mounted.path, node, collector);
  assertEquals(adoptedBy(next), spooled);
  await until("the rest", () => arrivedAt(collector).size >= exported! + spooled!);
  await finalLedger(next);
  // When it went away, the collector may have had a batch that it could not say so of any more.
  const arrived = arrivedAt(collector).size;
  assert(arrived >= exported! + spooled! && arrived <= exported! + spooled! + lost!, String(arrived));
  assertEquals(await filesIn(mounted.path), []);
});

Deno.test("a disk that is full already is no reason not to start", async () => {
  await using mounted = await mountTmpfs("size=256k");
  if (mounted === undefined) return;
  await mounted.fill();
  await using node = startNode();
  await using collector = new Collector();
  await using relay = await startSpooling(mounted.path, node, collector);
  const load = startTimedLoad(relay.urls[0]!, "a", 1);
  await until("events from memory", () => collector.records.length >= 10);
  await load.stop();
  assertEquals((await finalLedger(relay))["exported"], load.count());
});

Deno.test("a spool directory that can't be written to is wrong usage: 2, before anything listens", async () => {
  await using folder = await tempFolder();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  await using mounted = await mountTmpfs("size=64k,ro");
  for (const directory of [`${folder.path}/file`, `${folder.path}/file/below`, mounted?.path ?? "/dev/null/spool"]) {
    const common = ["rpcsmartrouter", "127.0.0.1:0", "ETH1", "jsonrpc", "--upstream", "http://127.0.0.1:1"];
    const { code, err } = await runCli(...common, "--usage-otel-enabled", `--usage-spool-dir=${directory}`);
    assertEquals(code, 2, err);
    assertStringIncludes(err, "--usage-spool-dir");
    assert(!err.includes("relay is listening"), err);
  }
});
