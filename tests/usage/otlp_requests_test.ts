import { assert, assertEquals } from "@std/assert";
import { createOtelUsageSink } from "../../mod.ts";
import { Collector } from "../support/collector.ts";
import { countsOf, relayEvent } from "../support/usage.ts";

const LONG = "x".repeat(65_536);
const MAX_BODY_BYTES = 4 * 1024 * 1024;

for (const protocol of ["http/json", "http/protobuf"] as const) {
  Deno.test(`a batch over 4 MiB goes in several ${protocol} requests, none larger, each record once and in order`, async () => {
    await using collector = new Collector();
    const usage = await createOtelUsageSink({ url: collector.url, protocol, batchSize: 300 });
    for (let i = 0; i < 300; i++) usage.emit(relayEvent({ apiMethod: LONG, latencyMs: i }));
    assertEquals(countsOf((await usage.close()).relay_usage), { accepted: 300, exported: 300 });
    assert(collector.requests.length >= 5 && collector.requests.length <= 10, `${collector.requests.length}`);
    for (const { bytes } of collector.requests) assert(bytes <= MAX_BODY_BYTES, `${bytes}`);
    const order = collector.records.map(({ attributes }) => Number(attributes["latency_ms"]![1]));
    assertEquals(order, Array.from({ length: 300 }, (_, index) => index));
  });

  Deno.test(`a ${protocol} request that just fits has 4 MiB with everything around its records`, async () => {
    const sizeOf = async (lengths: readonly number[]) => {
      await using collector = new Collector();
      const usage = await createOtelUsageSink({ url: collector.url, protocol, resource: { "service.name": LONG } });
      for (const length of lengths) usage.emit(relayEvent({ apiMethod: "x".repeat(length) }));
      await usage.close();
      return collector.requests.map(({ bytes }) => bytes);
    };
    const [one, two] = [(await sizeOf([60_000]))[0]!, (await sizeOf([60_000, 60_000]))[0]!];
    const record = two - one;
    // As many whole records as fit 4 MiB without the rest of the request; with it they do not.
    const bodies = await sizeOf(Array.from({ length: Math.floor(MAX_BODY_BYTES / record) }, () => 60_000));
    for (const bytes of bodies) assert(bytes <= MAX_BODY_BYTES, `${bytes - MAX_BODY_BYTES} bytes too many`);
  });

  Deno.test(`partial successes of the requests of one ${protocol} batch are summed up`, async () => {
    await using collector = new Collector({ kind: "partial", rejected: 2 }, { kind: "accept" }, {
      kind: "partial",
      rejected: 3,
    });
    const usage = await createOtelUsageSink({ url: collector.url, protocol, batchSize: 300 });
    for (let i = 0; i < 300; i++) usage.emit(relayEvent({ apiMethod: LONG }));
    assertEquals(countsOf((await usage.close()).relay_usage), { accepted: 300, exported: 295, rejected: 5 });
    assertEquals(collector.records.length, 295);
  });

  Deno.test(`one ${protocol} request of a batch that is refused costs no other its records`, async () => {
    await using collector = new Collector({ kind: "status", status: 413 });
    const usage = await createOtelUsageSink({ url: collector.url, protocol, batchSize: 300 });
    for (let i = 0; i < 300; i++) usage.emit(relayEvent({ apiMethod: LONG }));
    const { accepted, exported, rejected } = countsOf((await usage.close()).relay_usage);
    assertEquals([accepted, exported, exported! + rejected!], [300, collector.records.length, 300]);
    assert(rejected! > 0 && rejected! < 100, `${rejected}`);
  });
}

Deno.test("an event that is none costs no other event its place, and emit does not throw", async () => {
  await using collector = new Collector();
  const usage = await createOtelUsageSink({ url: collector.url });
  const nothing = undefined as unknown as string;
  const events = [{}, { apiMethod: nothing }, { origin: nothing }, { computeUnits: Number(nothing) }, {}];
  for (const different of events) usage.emit(relayEvent(different));
  const { accepted, exported } = (await usage.close()).relay_usage;
  assertEquals([accepted, exported], [5, collector.records.length]);
  assert(exported >= 3, `${exported} of the three that are events`);
});

Deno.test("close in the middle of a batch of many requests books those that the collector has taken as exported", async () => {
  await using collector = new Collector({ kind: "accept" }, { kind: "accept" });
  collector.otherwise = { kind: "hang" };
  const usage = await createOtelUsageSink({ url: collector.url, batchSize: 400, exportTimeoutMs: 1_000 });
  for (let i = 0; i < 400; i++) usage.emit(relayEvent({ apiMethod: LONG }));
  const { exported, dropped } = (await usage.close()).relay_usage;
  assertEquals([exported, dropped.timeout], [collector.records.length, 400 - collector.records.length]);
});
