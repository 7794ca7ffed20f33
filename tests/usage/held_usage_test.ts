import { assertEquals, assertRejects } from "@std/assert";
import { HeldUsage } from "../../src/usage/held_usage.ts";
import { emptyCounts, type UsageSink } from "../../src/usage/usage_sink.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { relayEvent } from "../support/usage.ts";

/** A sink whose collector takes the first so many events and refuses the rest. */
function takingSink(taken: number): UsageSink & { readonly events: unknown[] } {
  const events: unknown[] = [];
  const stats = () => {
    const exported = Math.min(taken, events.length);
    const dropped = { ...emptyCounts().dropped, rejected: events.length - exported };
    return {
      relay_usage: { ...emptyCounts(), accepted: events.length, exported, dropped },
      optimizer_qos: emptyCounts(),
    };
  };
  return {
    events,
    emit: (event) => void events.push(event),
    emitOptimizerQos() {},
    stats,
    close: () => Promise.resolve(stats()),
  };
}

Deno.test("events are held until they are delivered, each delivery with a sink of its own", async () => {
  const sinks: ReturnType<typeof takingSink>[] = [];
  let told = 0;
  const usage = new HeldUsage({
    open() {
      sinks.push(takingSink(1));
      return sinks.at(-1)!;
    },
    onEvent: () => told++,
  });
  await usage.flush();
  assertEquals(sinks.length, 0, "nothing is opened for nothing");
  usage.emit(relayEvent());
  usage.emit(relayEvent());
  assertEquals(told, 2);
  assertEquals(usage.stats().relay_usage.queued, 2);
  await usage.flush();
  usage.emit(relayEvent());
  await usage.close();
  assertEquals(sinks.map(({ events }) => events.length), [2, 1]);
  const { accepted, exported, dropped, queued, inFlight } = usage.stats().relay_usage;
  assertEquals([accepted, exported, dropped.rejected, queued, inFlight], [3, 2, 1, 0, 0]);
});

Deno.test("what no sink could be opened for is held as it was", async () => {
  let isBroken = true;
  const memory = new MemorySink();
  const usage = new HeldUsage({
    open() {
      if (isBroken) throw new Error("no bindings");
      return memory;
    },
  });
  usage.emit(relayEvent({ project: "first" }));
  await assertRejects(() => usage.flush());
  usage.emit(relayEvent({ project: "second" }));
  assertEquals(usage.stats().relay_usage.queued, 2);
  isBroken = false;
  await usage.flush();
  assertEquals(memory.events.map(({ project }) => project), ["first", "second"]);
});

Deno.test("what waits is bounded, and what finds no room is counted", async () => {
  const usage = new HeldUsage({ open: () => takingSink(Infinity) });
  for (let i = 0; i < 10_003; i++) usage.emit(relayEvent());
  assertEquals(usage.stats().relay_usage.dropped.queue_full, 3);
  await usage.close();
  assertEquals(usage.stats().relay_usage.exported, 10_000);
});
