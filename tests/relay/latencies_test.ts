import { assert, assertEquals } from "@std/assert";
import { Latencies } from "../../src/relay/latencies.ts";
import { apiFacts, Engine, HANG, ok } from "../support/engine.ts";
import { seededRandom } from "../support/seeded_random.ts";

const CHEAP = apiFacts();
const DEAR = apiFacts({ computeUnits: 80 });

Deno.test("a quantile is right to within a fifth, and never too low", () => {
  const latencies = new Latencies();
  const random = seededRandom(7);
  const values: number[] = [];
  for (let i = 0; i < 900; i++) {
    const ms = 2 + 500 * random() ** 3;
    values.push(ms);
    latencies.add("a", CHEAP, ms);
  }
  values.sort((a, b) => a - b);
  for (const share of [0.1, 0.5, 0.9, 0.95, 0.99]) {
    const exact = values[Math.ceil(share * values.length) - 1]!;
    const found = latencies.quantile("a", CHEAP, share);
    assert(found >= exact && found <= exact * 1.2, `${share}: ${found} for ${exact}`);
  }
});

Deno.test("nothing is known of a provider that has hardly answered, of dearer calls, of others", () => {
  const latencies = new Latencies();
  for (let i = 0; i < 29; i++) latencies.add("a", CHEAP, 5);
  assertEquals(latencies.quantile("a", CHEAP, 0.9), Infinity);
  latencies.add("a", CHEAP, 5);
  assert(latencies.quantile("a", CHEAP, 0.9) < 7);
  assertEquals([latencies.quantile("a", DEAR, 0.9), latencies.quantile("b", CHEAP, 0.9)], [Infinity, Infinity]);
});

Deno.test("what was long ago fades, and strange values do no harm", () => {
  const latencies = new Latencies();
  for (let i = 0; i < 1_000; i++) latencies.add("a", CHEAP, 1_000);
  for (let i = 0; i < 8_000; i++) latencies.add("a", CHEAP, 5);
  assert(latencies.quantile("a", CHEAP, 0.99) < 7);
  for (const ms of [0, -1, NaN, Infinity, 1e12]) latencies.add("a", CHEAP, ms);
  assert(latencies.quantile("a", CHEAP, 0.5) < 7);
});

Deno.test("an answer that is late by its provider's own measure is hedged, once, and the loser counts as slow", async () => {
  const usual = Array.from({ length: 40 }, () => ok("1", 50));
  const engine = new Engine({ a: [...usual, HANG], b: [...usual, ok("2", 50)] }, { hedgeQuantile: 0.9 });
  for (let i = 0; i < 80; i++) await engine.finish(engine.run());
  assertEquals(engine.usage.events.filter(({ hedgeCount }) => hedgeCount > 0), []);
  engine.selector.samples.length = 0;
  await engine.finish(engine.run());
  const { provider, hedgeCount, latencyMs } = engine.usage.events.at(-1)!;
  assertEquals([provider, hedgeCount], ["b", 1]);
  assert(latencyMs > 100 && latencyMs < 130, String(latencyMs));
  assert(/^b answered 50/.test(engine.selector.samples[0]!), engine.selector.samples[0]);
  assert(/^a outrun 1[0-3]\d/.test(engine.selector.samples[1]!), engine.selector.samples[1]);
});

Deno.test("a provider that is late three times in a row is stuck, and has failed", async () => {
  const usual = Array.from({ length: 40 }, () => ok("1", 50));
  const engine = new Engine({ a: [...usual, HANG], b: ok("2", 50) }, { hedgeQuantile: 0.9 });
  for (let i = 0; i < 80; i++) await engine.finish(engine.run());
  engine.selector.samples.length = 0;
  while (engine.sent.filter((sent) => sent.startsWith("a")).length < 43) await engine.finish(engine.run());
  const samples = engine.selector.samples.filter((sample) => sample.startsWith("a")).map((sample) =>
    sample.slice(0, 8)
  );
  assertEquals(samples, ["a outrun", "a outrun", "a failed"]);
  const asked = engine.sent.length;
  for (let i = 0; i < 5; i++) await engine.finish(engine.run());
  assertEquals(engine.sent.slice(asked).some((sent) => sent.startsWith("a")), false);
});

Deno.test("a provider that becomes slower is hedged until that is known, and not for ever", async () => {
  const engine = new Engine({
    a: [...Array.from({ length: 40 }, () => ok("1", 50)), ok("slower", 200)],
    b: ok("2", 190),
  }, { hedgeQuantile: 0.9 });
  for (let i = 0; i < 300; i++) await engine.finish(engine.run());
  const late = engine.usage.events.slice(-40).filter(({ hedgeCount }) => hedgeCount > 0).length;
  assert(late <= 6, `${late} of the last 40 hedged`);
});

Deno.test("a late answer of the only provider is waited for until its timeout", async () => {
  const engine = new Engine({ a: [...Array.from({ length: 40 }, () => ok("1", 50)), ok("late", 900)] }, {
    hedgeQuantile: 0.9,
  });
  for (let i = 0; i < 41; i++) await engine.finish(engine.run());
  const { success, hedgeCount, latencyMs } = engine.usage.events.at(-1)!;
  assertEquals([success, hedgeCount, latencyMs], [true, 0, 900]);
});

Deno.test("nothing is measured when it is not asked for", async () => {
  const engine = new Engine({ a: [...Array.from({ length: 40 }, () => ok("1", 50)), HANG], b: ok() });
  for (let i = 0; i < 81; i++) await engine.finish(engine.run());
  const last = engine.usage.events.at(-1)!;
  assertEquals([last.hedgeCount, last.latencyMs], [1, 1_000]);
});
