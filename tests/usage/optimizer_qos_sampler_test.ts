import { assertEquals } from "@std/assert";
import { NoopUsageSink, type OptimizerQosEvent, OptimizerQosSampler, type OptimizerQosScores } from "../../mod.ts";
import { FakeClock } from "../support/fake_clock.ts";

class QosSink extends NoopUsageSink {
  readonly events: OptimizerQosEvent[] = [];

  override emitOptimizerQos(event: OptimizerQosEvent): void {
    this.events.push(event);
  }
}

const SCORES: OptimizerQosScores = {
  selectionAvailability: 0.9,
  selectionLatency: 0.8,
  selectionSync: 1,
  selectionStake: 0.7071,
  selectionComposite: 0.8514,
  availabilityContribution: 0.27,
  latencyContribution: 0.24,
  syncContribution: 0.2,
  stakeContribution: 0.1414,
};
const OPTIONS = { hostname: "host-1", publicAddress: "smart-router-x", geoLocation: 2, epochDurationMs: 60_000 };
const known = (...names: readonly string[]) => ({
  scoresOf: (name: string) => names.includes(name) ? SCORES : undefined,
});

Deno.test("each tick records every provider that has scores, with one time for all", async () => {
  const clock = new FakeClock(120_000);
  const usage = new QosSink();
  using sampler = new OptimizerQosSampler(usage, clock, OPTIONS);
  sampler.register("ETH1", known("a", "c"));
  sampler.setProviders("ETH1", [{ name: "a", stake: 10 }, { name: "b", stake: 5 }, { name: "c", stake: 1 }]);
  await clock.advance(1_000);
  const common = {
    kind: "optimizer_qos",
    timeUnixMs: 121_000,
    consumerHostname: "host-1",
    consumerPubAddress: "smart-router-x",
    chainId: "ETH1",
    epoch: 2,
    geoLocation: 2,
    ...SCORES,
  } as const;
  const expected: OptimizerQosEvent[] = [
    { ...common, provider: "a", entryIndex: 0, providerStake: 10 },
    { ...common, provider: "c", entryIndex: 2, providerStake: 1 },
  ];
  assertEquals(usage.events, expected);
  assertEquals([...sampler.latest()], expected);
});

Deno.test("a chain whose providers are not known is left out until they are", async () => {
  const clock = new FakeClock();
  const usage = new QosSink();
  using sampler = new OptimizerQosSampler(usage, clock, OPTIONS);
  sampler.register("ETH1", known("a"));
  await clock.advance(3_000);
  assertEquals(usage.events, []);
  sampler.setProviders("ETH1", [{ name: "a", stake: 1 }]);
  await clock.advance(1_000);
  assertEquals(usage.events.length, 1);
});

Deno.test("a second optimizer for a chain is refused, and the first stays", async () => {
  const clock = new FakeClock();
  const usage = new QosSink();
  using sampler = new OptimizerQosSampler(usage, clock, OPTIONS);
  sampler.setProviders("ETH1", [{ name: "a", stake: 1 }, { name: "b", stake: 1 }]);
  assertEquals(sampler.register("ETH1", known("a")), true);
  assertEquals(sampler.register("ETH1", known("b")), false);
  await clock.advance(1_000);
  assertEquals(usage.events.map(({ provider }) => provider), ["a"]);
});

Deno.test("the latest batch is complete: an optimizer that fails in the middle leaves the one before", async () => {
  const clock = new FakeClock();
  const sampler = new OptimizerQosSampler(new NoopUsageSink(), clock, OPTIONS);
  let isBroken = false;
  sampler.register("ETH1", {
    scoresOf(name) {
      if (isBroken && name === "b") throw new Error("no scores");
      return SCORES;
    },
  });
  sampler.setProviders("ETH1", [{ name: "a", stake: 1 }, { name: "b", stake: 1 }]);
  await clock.advance(1_000);
  isBroken = true;
  await clock.advance(1_000);
  assertEquals(sampler.latest().map(({ provider }) => provider), ["a", "b"]);
  isBroken = false;
  await clock.advance(1_000);
  assertEquals(sampler.latest().length, 2, "and the sampler goes on");
  sampler[Symbol.dispose]();
  assertEquals(clock.pending, 0);
});
