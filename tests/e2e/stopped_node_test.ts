import { assert, assertEquals } from "@std/assert";
import { startAnvil } from "../../examples/demo/anvil.ts";
import { startReceiver } from "../support/receiver.ts";
import { writeConfig } from "../support/config.ts";
import { startLoad } from "../support/load.ts";
import { startRelay } from "../support/relay_process.ts";

/** Relay timeout of the method that is called: 10 compute units. */
const RELAY_TIMEOUT_MS = 1_000;

for (
  const [how, flags, boundMs] of [
    ["at the relay timeout", [], RELAY_TIMEOUT_MS + 500],
    ["when it is late by its own measure", ["--hedge-quantile=0.99"], RELAY_TIMEOUT_MS],
  ] as const
) {
  Deno.test(`of three nodes one is stopped and one lags: no client sees an error, helped ${how}`, async () => {
    await using receiver = startReceiver();
    await using stopped = await startAnvil(["--block-time", "1"]);
    await using lagging = await startAnvil(["--no-mining"]);
    await using good = await startAnvil(["--block-time", "1"]);
    await using config = await writeConfig([
      { name: "stopped", url: stopped.url },
      { name: "lagging", url: lagging.url },
      { name: "good", url: good.url },
    ]);
    const usage = ["--usage-otel-enabled", "--usage-otel-flush-interval=20ms", "--usage-otel-extended"];
    await using relay = await startRelay([config.path, ...usage, `--usage-otel-endpoint=${receiver.url}`, ...flags]);
    const load = startLoad(relay.urls[0]!, 8, { method: "eth_chainId" });
    await load.untilAnswered(1_000);
    stopped.kill("SIGSTOP");
    const atStop = load.answered.length;
    // Clients that are with the stopped node wait for its hedge; it is the last of 2,000 answers that tells.
    await load.untilAnswered(atStop + 2_000);
    await load.stop();
    stopped.kill("SIGCONT");

    assertEquals(load.broken, []);
    assertEquals(load.answered.filter(({ status, text }) => status !== 200 || !text.includes('"result":"0x7a69"')), []);
    await receiver.waitFor(load.answered.length);
    const events = receiver.records.map(({ attributes }) => attributes);
    assertEquals(events.length, load.answered.length, "one event for each client's call");
    assertEquals(events.filter(({ success, cu }) => success !== true || cu !== 10), []);
    const hedged = events.filter(({ hedge_count }) => Number(hedge_count) > 0);
    // A node that is stopped is asked again when its time is over, so that a few more may be hedged.
    assert(hedged.length >= 1 && hedged.length < 200, `${hedged.length} hedged`);
    const waited = hedged.filter(({ provider }) => provider !== "stopped");
    assert(waited.length >= 1, "the answers came from the other two");
    const latencies = events.map(({ latency_ms }) => Number(latency_ms)).sort((a, b) => a - b);
    assert(latencies.at(-1)! < boundMs, `the slowest took ${latencies.at(-1)} ms`);
    assert(latencies[Math.floor(latencies.length * 0.99)]! < RELAY_TIMEOUT_MS, "p99 is under the hedge bound");
  });
}
