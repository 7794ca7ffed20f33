import { assert, assertEquals } from "@std/assert";
import { createOtelUsageSink, type OtelUsageOptions, type UsageSink } from "../../mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { accept, answer, type FetchStep, hang, refuse, scriptedFetch } from "../support/scripted_fetch.ts";
import { countsOf, relayEvent } from "../support/usage.ts";

async function setUp(script: readonly FetchStep[], options: OtelUsageOptions = {}) {
  const clock = new FakeClock();
  const { fetch, requests } = scriptedFetch(clock, ...script);
  const usage = await createOtelUsageSink({
    fetch,
    clock,
    batchSize: 10,
    exportTimeoutMs: 10_000,
    retryBudgetMs: 300_000,
    random: () => 0.5,
    ...options,
  });
  return { clock, requests, usage };
}

function emit(usage: UsageSink, count: number, apiMethod = "eth_call"): void {
  for (let i = 0; i < count; i++) usage.emit(relayEvent({ apiMethod }));
}

const counts = (usage: UsageSink) => countsOf(usage.stats().relay_usage);

for (const [name, failing] of Object.entries({ "answers 503": answer(503), "is not there": refuse })) {
  Deno.test(`a collector that ${name} is asked again, at intervals that grow to a few seconds`, async () => {
    const { clock, requests, usage } = await setUp([failing]);
    emit(usage, 10);
    await clock.advance(100_000);
    const waits = requests.slice(1).map(({ atMs }, index) => atMs - requests[index]!.atMs);
    assert(waits.length >= 10, `${waits.length} retries in 100 s`);
    assert(waits[0]! <= 2_000, "the first is soon");
    assert(waits.every((wait, index) => wait >= (waits[index - 1] ?? 1)), `they grow: ${waits}`);
    assert(waits.at(-1)! > waits[0]! && waits.at(-1)! <= 30_000, `the last: ${waits.at(-1)}`);
    assertEquals(counts(usage), { accepted: 10, inFlight: 10 }, "nothing is lost");
  });
}

Deno.test("retries have a jitter, so that many relays do not come at once", async () => {
  const times: number[] = [];
  for (const random of [0, 0.5, 0.999]) {
    const { clock, requests, usage } = await setUp([answer(503)], { random: () => random });
    emit(usage, 10);
    await clock.advance(60_000);
    times.push(requests[4]!.atMs);
  }
  assertEquals(new Set(times).size, 3, `${times}`);
});

const dateIn = (ms: number) => new Date(new FakeClock().now() + ms).toUTCString();

/** `Retry-After`, and from when until when the next request has to come. */
const WAITS: readonly (readonly [retryAfter: string, fromMs: number, toMs: number])[] = [
  ["7", 7_000, 9_000],
  [" 7 ", 7_000, 9_000],
  ["30", 30_000, 36_000],
  [dateIn(9_000), 9_000, 11_000],
  [dateIn(45_000), 45_000, 54_000],
  // Absurd: as long as the budget allows, so that the batch is not lost.
  ["86400", 10_000, 290_000],
  ["999999999999999999999999999999", 10_000, 290_000],
  [dateIn(365 * 86_400_000), 10_000, 290_000],
  // Nothing to go by: as if it were not there.
  ["0", 1, 2_000],
  ["-5", 1, 2_000],
  ["", 1, 2_000],
  ["a while", 1, 2_000],
  ["NaN", 1, 2_000],
  ["Infinity", 1, 2_000],
  ["7 seconds", 1, 9_000],
  [dateIn(-3_600_000), 1, 2_000],
];

for (const [retryAfter, fromMs, toMs] of WAITS) {
  Deno.test(`Retry-After: "${retryAfter}" makes the next request come after ${fromMs} to ${toMs} ms`, async () => {
    const { clock, requests, usage } = await setUp([answer(429, retryAfter), accept]);
    emit(usage, 10);
    await clock.advance(toMs + 100);
    assertEquals(requests.length, 2);
    const waitMs = requests[1]!.atMs - requests[0]!.atMs;
    assert(waitMs >= fromMs && waitMs <= toMs, `${waitMs} ms`);
    assertEquals(counts(usage), { accepted: 10, exported: 10 });
  });
}

Deno.test("a wall clock that steps back does not stretch a wait until a date", async () => {
  const { clock, requests, usage } = await setUp([answer(503, dateIn(5_000)), accept]);
  emit(usage, 10);
  await clock.advance(1_000);
  clock.stepWallClock(-3_600_000);
  await clock.advance(6_000);
  assertEquals([requests.length, counts(usage)], [2, { accepted: 10, exported: 10 }]);
});

Deno.test("an outage longer than the request timeout costs nothing, one longer than the budget costs the batch", async () => {
  const options = { exportTimeoutMs: 1_000, retryBudgetMs: 60_000 };
  const { clock, requests, usage } = await setUp([answer(503)], options);
  emit(usage, 10);
  await clock.advance(50_000);
  assertEquals(counts(usage), { accepted: 10, inFlight: 10 });
  await clock.advance(12_000);
  assertEquals(counts(usage), { accepted: 10, retry_exhausted: 10 });
  const asked = requests.length;
  await clock.advance(60_000);
  assertEquals(requests.length, asked, "what was given up is not sent any more");
});

Deno.test("a wait longer than what is left of the budget does not lose the batch at once", async () => {
  let isWell = false;
  const collector: FetchStep = () => isWell ? accept() : answer(429, "86400")();
  const { clock, usage } = await setUp([collector], { retryBudgetMs: 30_000 });
  emit(usage, 10);
  await clock.advance(10_000);
  assertEquals(counts(usage), { accepted: 10, inFlight: 10 });
  isWell = true;
  await clock.advance(25_000);
  assertEquals(counts(usage), { accepted: 10, exported: 10 });
});

Deno.test("a request that gets no answer is given up after its timeout, and made again", async () => {
  const { clock, requests, usage } = await setUp([hang, accept], { exportTimeoutMs: 3_000 });
  emit(usage, 10);
  await clock.advance(2_999);
  assertEquals([requests.length, requests[0]!.signal.aborted], [1, false]);
  await clock.advance(1);
  assert(requests[0]!.signal.aborted);
  await clock.advance(2_000);
  assertEquals([requests.length, counts(usage)], [2, { accepted: 10, exported: 10 }]);
  assertEquals(clock.pending, 0);
});

Deno.test("headers are asked for each time, and can't say what the body is", async () => {
  let token = 0;
  const headers = () => ({ authorization: `Bearer ${++token}`, "Content-Type": "text/plain" });
  const { clock, requests, usage } = await setUp([answer(503), accept], { headers });
  emit(usage, 10);
  await clock.advance(10_000);
  assertEquals(requests.map((request) => request.headers.get("authorization")), ["Bearer 1", "Bearer 2"]);
  assertEquals(requests.map((request) => request.headers.get("content-type")), [
    "application/x-protobuf",
    "application/x-protobuf",
  ]);
});

Deno.test("headers that can't be had now are asked for later", async () => {
  let isReady = false;
  const headers = () => {
    if (!isReady) throw new Error("no token yet");
    return {};
  };
  const { clock, usage } = await setUp([accept], { headers });
  emit(usage, 10);
  await clock.advance(3_000);
  assertEquals(counts(usage), { accepted: 10, inFlight: 10 });
  isReady = true;
  await clock.advance(10_000);
  assertEquals(counts(usage), { accepted: 10, exported: 10 });
});

Deno.test("close does not wait as long as a collector asked: it tries once more within the drain", async () => {
  const { clock, requests, usage } = await setUp([answer(429, "3600"), accept]);
  emit(usage, 10);
  await clock.advance(1_000);
  const closing = usage.close();
  await clock.advance(2_000);
  assertEquals([requests.length, countsOf((await closing).relay_usage)], [2, { accepted: 10, exported: 10 }]);
});

const LONG = "x".repeat(65_536);

/** Ways to give up a batch of several requests; what is on the ledger as dropped must not be sent after that. */
for (const how of ["its budget is over", "the sink is closed"]) {
  Deno.test(`a batch of many requests sends none of them when ${how}`, async () => {
    const options = { batchSize: 400, exportTimeoutMs: 1_000, retryBudgetMs: 5_000 };
    const { clock, requests, usage } = await setUp([hang], options);
    emit(usage, 400, LONG);
    await clock.advance(0);
    await clock.advance(100);
    const closing = how === "the sink is closed" ? usage.close() : undefined;
    for (let ms = 0; ms < 20_000 && counts(usage)["inFlight"] !== undefined; ms += 100) await clock.advance(100);
    await closing;
    const { inFlight, exported } = counts(usage);
    assertEquals([inFlight, exported], [undefined, undefined]);
    await settle();
    const asked = requests.length;
    await clock.advance(60_000);
    assertEquals(requests.length - asked, 0, "requests after the ledger has given up");
    assertEquals(requests.filter(({ signal }) => !signal.aborted).length, 0);
    assertEquals(clock.pending, 0);
  });
}

Deno.test("a batch of many requests that each take long is booked as the collector took it", async () => {
  const clock = new FakeClock();
  const slow: FetchStep = () => {
    const { promise, resolve } = Promise.withResolvers<Response>();
    clock.schedule(900, () => resolve(new Response(null)));
    return promise;
  };
  const { fetch, requests } = scriptedFetch(clock, slow);
  const usage = await createOtelUsageSink({ fetch, clock, batchSize: 400, exportTimeoutMs: 1_000, retryBudgetMs: 0 });
  emit(usage, 400, LONG);
  for (let ms = 0; ms < 20_000; ms += 100) await clock.advance(100);
  assert(requests.length >= 6, `${requests.length}`);
  assertEquals(counts(usage), { accepted: 400, exported: 400 });
});

Deno.test("of an answer that does not end, 1 MiB is read at most, and the rest is cancelled", async () => {
  let read = 0;
  let isCancelled = false;
  const endless = () =>
    new Response(
      new ReadableStream<Uint8Array>({
        pull(controller) {
          read += 16_384;
          // Without an end as far as the exporter can tell; the test has one.
          if (read > 4 * 1024 * 1024) return controller.close();
          controller.enqueue(new Uint8Array(16_384));
        },
        cancel() {
          isCancelled = true;
        },
      }),
    );
  const { usage, clock } = await setUp([endless]);
  emit(usage, 10);
  await clock.advance(0);
  for (let turns = 0; turns < 100 && counts(usage)["exported"] === undefined; turns++) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  assertEquals(counts(usage), { accepted: 10, exported: 10 });
  assert(read <= 1024 * 1024, `${read}`);
  assert(isCancelled);
});
