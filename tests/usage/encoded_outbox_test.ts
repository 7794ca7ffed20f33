import { assert, assertEquals } from "@std/assert";
import type { RelayUsageEvent } from "../../mod.ts";
import { PostClient } from "../../src/transports/http1/post_client.ts";
import { denoConnect } from "../../src/transports/http1/deno_connect.ts";
import { openUsageSink } from "../../src/usage/create_usage_sink.ts";
import { postByFetch } from "../../src/usage/post_by_fetch.ts";
import { EncodedOutbox } from "../../src/usage/encoded_outbox.ts";
import type { EncodedExportResult } from "../../src/usage/log_exporter.ts";
import { UsageResource } from "../../src/usage/log_record.ts";
import { jsonEncoding } from "../../src/usage/otlp/encode_json.ts";
import { decodeProtobufRequest } from "../../src/usage/otlp/decode_protobuf.ts";
import { protobufEncoding } from "../../src/usage/otlp/encode_protobuf.ts";
import type { EncodedBatch } from "../../src/usage/spool_port.ts";
import { type Behaviour, Collector } from "../support/collector.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { seededRandom } from "../support/seeded_random.ts";
import { countsOf, fastClock, relayEvent, untilSettled } from "../support/usage.ts";

const RESOURCE = new UsageResource({ "service.name": "test" });

/** An outbox whose batches are kept until they are told how they ended. */
function setUp({ queueSize = 100, batchSize = 10, encoding = protobufEncoding } = {}) {
  const sent: { readonly batch: EncodedBatch; readonly end: (result: EncodedExportResult) => void }[] = [];
  const exporter = {
    exportEncoded(batch: EncodedBatch) {
      const { promise, resolve } = Promise.withResolvers<EncodedExportResult>();
      sent.push({ batch, end: resolve });
      return promise;
    },
  };
  const clock = new FakeClock();
  const deps = { exporter, encoding, resource: RESOURCE, clock, eventIdPrefix: "i/b/" };
  const outbox = new EncodedOutbox(deps, { queueSize, batchSize, retryBudgetMs: 1_000 });
  let sequence = 0;
  return { clock, outbox, sent, put: (event: RelayUsageEvent = relayEvent()) => outbox.put(event, ++sequence) };
}

/** The numbers of a batch's records, as a collector reads them. */
function numbersIn({ records: { bytes } }: EncodedBatch): number[] {
  const request = protobufEncoding.encodeRequest(RESOURCE, bytes);
  return decodeProtobufRequest(request).map(({ attributes }) => Number(String(attributes.get("event_id")).slice(4)));
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

Deno.test("events leave in batches, oldest first, with the time at which they leave", () => {
  const { clock, outbox, sent, put } = setUp();
  for (let i = 0; i < 25; i++) assertEquals(put(), "waits");
  clock.stepWallClock(5_000);
  const counts: number[] = [];
  while (outbox.length > 0) {
    const parcel = outbox.take();
    counts.push(parcel.count);
    parcel.send(() => {});
  }
  assertEquals(counts, [10, 10, 5]);
  assertEquals(sent.flatMap(({ batch }) => numbersIn(batch)), range(1, 25));
  const { ends, bytes } = sent[2]!.batch.records;
  assertEquals([ends.length, ends.at(-1)], [5, bytes.length]);
  const observed = new DataView(bytes.buffer, bytes.byteOffset + ends[0]! - 21).getBigUint64(0, true);
  assertEquals(observed, BigInt(clock.now()) * 1_000_000n);
});

Deno.test("fifty thousand batches of one event leave in their order, and soon", () => {
  const { outbox, sent, put } = setUp({ queueSize: 50_000, batchSize: 1 });
  const startedMs = performance.now();
  for (let number = 1; number <= 50_000; number++) assertEquals(put(), "waits");
  while (outbox.length > 0) outbox.take().send(() => {});
  assert(performance.now() - startedMs < 5_000);
  assertEquals(sent.length, 50_000);
  assertEquals([0, 1, 49_999].map((index) => numbersIn(sent[index]!.batch)), [[1], [2], [50_000]]);
});

Deno.test("as many events wait as there is room for, and what is thrown away leaves room", () => {
  const { outbox, put } = setUp({ queueSize: 15 });
  const results = range(1, 18).map(() => put());
  assertEquals(results.map((result) => result === "waits"), range(1, 18).map((number) => number <= 15));
  assertEquals([outbox.clear(), outbox.length], [15, 0]);
  assertEquals([put(), outbox.length], ["waits", 1]);
});

for (const encoding of [protobufEncoding, jsonEncoding]) {
  Deno.test(`long names fill it by their bytes and not by their number: ${encoding.contentType}`, () => {
    const { outbox, put } = setUp({ queueSize: 40_000, batchSize: 1_000, encoding });
    const apiMethod = "\u0001é".repeat(32_768);
    let taken = 0;
    while (put(relayEvent({ apiMethod })) === "waits") taken++;
    assert(taken >= 100 && taken < 1_000, `${taken}`);
    assertEquals(put(relayEvent({ apiMethod: "x" })), "waits", "a short one finds its place");
    outbox.take();
    assertEquals(put(relayEvent({ apiMethod })), "waits");
  });
}

Deno.test("an event that is none is told of, and leaves no trace", () => {
  const { outbox, sent, put } = setUp();
  const nothing = null as unknown as RelayUsageEvent;
  const hostile = new Proxy(relayEvent(), {
    get() {
      throw new Error("no");
    },
  });
  assertEquals([put(), put(nothing), put(hostile), put(relayEvent({ provider: null as unknown as string })), put()], [
    "waits",
    "unencodable",
    "unencodable",
    "unencodable",
    "waits",
  ]);
  outbox.take().send(() => {});
  assertEquals(numbersIn(sent[0]!.batch), [1, 5]);
});

Deno.test("memory is used again when it is certain that nobody reads it, and not before", async () => {
  const { outbox, sent, put } = setUp({ batchSize: 2 });
  const sendTwo = () => {
    put();
    put();
    outbox.take().send(() => {});
    return sent.at(-1)!;
  };
  const first = sendTwo();
  first.end({ exported: 0, rejected: 2 });
  await Promise.resolve();
  const second = sendTwo();
  second.end({ exported: 2, rejected: 0, isDone: true });
  await new Promise((resolve) => setTimeout(resolve));
  const third = sendTwo();
  assertEquals([first, second, third].map(({ batch }) => numbersIn(batch)), [[1, 2], [5, 6], [5, 6]]);
  assert(second.batch.records.bytes.buffer === third.batch.records.bytes.buffer);
});

/** What a collector may do that takes the whole request, or nothing of it. */
const MOODS: readonly Behaviour[] = [
  { kind: "accept" },
  { kind: "accept" },
  { kind: "status", status: 503 },
  { kind: "hang" },
  { kind: "cut", at: "head" },
  { kind: "slow", delayMs: 3 },
];

for (const protocol of ["http/protobuf", "http/json"] as const) {
  Deno.test(`${protocol}: whatever a collector does, it has each record as it was, and the ledger is right`, async () => {
    const random = seededRandom(7);
    const oneOf = <Value>(values: readonly Value[]) => values[Math.floor(random() * values.length)]!;
    await using collector = new Collector(...range(1, 100).map(() => oneOf(MOODS)));
    const clock = fastClock(50);
    const own = new PostClient({ connect: denoConnect, clock, fallback: postByFetch(fetch) });
    const options = { url: collector.url, protocol, clock, exportTimeoutMs: 15_000, batchSize: 20, extended: true };
    const usage = await openUsageSink({ ...options, resource: { "service.instance.id": "i" } }, own.post);
    const sent = new Map<string, readonly unknown[]>();
    for (let number = 1; number <= 3_000; number++) {
      const [apiMethod, project] = [oneOf(["eth_call", "eth_cell", "é".repeat(900)]), oneOf(["a", "b", "\ud800"])];
      const latencyMs = Math.floor(random() * 300);
      usage.emit(relayEvent({ apiMethod, project, latencyMs, timeUnixMs: 1_767_225_600_000 + number }));
      const time = BigInt(1_767_225_600_000 + number) * 1_000_000n;
      sent.set(String(number), [time, apiMethod, project.toWellFormed(), BigInt(latencyMs)]);
      if (number % 100 === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    const counts = countsOf((await untilSettled(usage)).relay_usage);
    assertEquals(counts, { accepted: 3_000, exported: 3_000 });
    assertEquals(collector.problems, []);
    const seen = new Set<string>();
    for (const { timeUnixNano, attributes: { event_id, api_method, project, latency_ms } } of collector.records) {
      const number = String(event_id![1]).split("/")[2]!;
      assertEquals([timeUnixNano, api_method![1], project![1], latency_ms![1]], sent.get(number), number);
      seen.add(number);
    }
    assertEquals(seen.size, 3_000);
    await usage.close();
    own.close();
  });
}
