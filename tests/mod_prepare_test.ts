import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { assert, assertEquals } from "@std/assert";
import { ConfigError, createRelay, type RelayConfig } from "../mod.ts";
import { FakeClock, settle } from "./support/fake_clock.ts";
import { MemorySink } from "./support/memory_sink.ts";
import { answering, type NodeScript, scriptedNodes } from "./support/scripted_node.ts";

const providerAt = (host: string) => ({ name: host, nodeUrls: [{ url: `http://${host}` }] });
const CONFIG: RelayConfig = { chainId: "ETH1", providers: [providerAt("a")] };

function start(scripts: Readonly<Record<string, NodeScript>>, config: RelayConfig = CONFIG) {
  const [clock, usage] = [new FakeClock(), new MemorySink()];
  const { fetch, calls } = scriptedNodes(scripts);
  const relay = createRelay({ ...config, clock, usage, fetch, random: () => 0 });
  const ask = async () => {
    const headers = { "content-type": "application/json" };
    const body = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}';
    const response = await relay.fetch(new Request("http://relay.example/", { method: "POST", headers, body }));
    return { status: response.status, result: (await response.json()).result };
  };
  return { relay, clock, usage, calls, ask };
}

function thrownBy(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

Deno.test("what is prepared changes nothing until it is applied, and what can't be prepared never does", async () => {
  const { relay, ask } = start({ a: answering(() => "a"), b: answering(() => "b") });
  const ready = relay.prepare({ ...CONFIG, providers: [providerAt("b")] });
  const late = relay.prepare(CONFIG);
  assertEquals((await ask()).result, "a");
  const bad = { ...CONFIG, chainId: "BASE", providers: [] };
  const error = thrownBy(() => relay.prepare(bad));
  assert(error instanceof ConfigError);
  assertEquals(error.mistakes.map(({ path }) => path[0]).sort(), ["chainId", "providers"]);
  assertEquals((await ask()).result, "a");
  ready.apply();
  assertEquals((await ask()).result, "b");
  assert(thrownBy(() => late.apply()) instanceof TypeError);
  assertEquals((await ask()).result, "b");
  await relay.close();
});

Deno.test("closing waits for calls that began under an old configuration, and ends them after the grace", async () => {
  const { promise: answered, resolve } = Promise.withResolvers<Response>();
  const { relay, clock, usage, ask } = start({
    a: (_call, signal) => {
      signal.addEventListener("abort", () => resolve(Response.json({})), { once: true });
      return answered;
    },
    b: answering(),
  });
  const held = ask();
  await settle();
  relay.prepare({ ...CONFIG, providers: [providerAt("b")] }).apply();
  assertEquals([(await ask()).status, relay.inFlight()], [200, 1]);
  const closing = relay.close(5_000);
  await clock.advance(5_000);
  await closing;
  assert((await held).status >= 500);
  assertEquals(usage.events.map(({ success }) => success), [true, false]);
  assertEquals(relay.inFlight(), 0);
});

Deno.test("probes stop with the configuration that wanted them", async () => {
  const { relay, clock, calls } = start({ a: answering(), b: answering() }, { ...CONFIG, probes: {} });
  await clock.advance(30_000);
  assert(calls.some(({ url }) => url.startsWith("http://a")), "the node was asked");
  relay.prepare({ ...CONFIG, providers: [providerAt("b")], probes: {} }).apply();
  await clock.advance(1);
  const before = calls.length;
  await clock.advance(60_000);
  const later = calls.slice(before);
  assert(later.length > 0 && later.every(({ url }) => url.startsWith("http://b")), JSON.stringify(later));
  relay.prepare(CONFIG).apply();
  await settle();
  assertEquals(clock.pending, 0);
  await relay.close();
});

Deno.test("configurations that are no longer in force are forgotten, however many there were", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const { relay, clock, ask } = start({ a: answering() }, { ...CONFIG, probes: {} });
  const configs: WeakRef<RelayConfig>[] = [];
  for (let i = 0; i < 10; i++) {
    const config: RelayConfig = { ...CONFIG, providers: [providerAt("a"), providerAt(`b${i}`)], probes: {} };
    configs.push(new WeakRef(config));
    relay.prepare(config).apply();
    assertEquals((await ask()).status, 200);
    await clock.advance(1_000);
  }
  // What a promise has settled with is kept until the next turn.
  await new Promise((resolve) => setTimeout(resolve, 0));
  collect();
  const left = configs.filter((config) => config.deref() !== undefined).length;
  assert(left <= 2, `${left} of ${configs.length} are still there`);
  await relay.close();
});
