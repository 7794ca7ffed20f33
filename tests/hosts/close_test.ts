import { assert, assertEquals } from "@std/assert";
import { createRelay, type RelayConfig } from "../../mod.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { MemorySink } from "../support/memory_sink.ts";
import { answering, hanging, type NodeScript, scriptedNodes } from "../support/scripted_node.ts";

function start(script: NodeScript, options: Partial<RelayConfig> = {}) {
  const usage = new MemorySink();
  const clock = new FakeClock();
  const { fetch } = scriptedNodes({ a: script });
  const providers = [{ name: "a", nodeUrls: [{ url: "http://a" }] }];
  return {
    relay: createRelay({ chainId: "ETH1", providers, random: () => 0, ...options, usage, clock, fetch }),
    clock,
    usage,
  };
}

function post(body: BodyInit = '{"jsonrpc":"2.0","id":7,"method":"eth_chainId"}'): Request {
  const headers = { "content-type": "application/json" };
  return new Request("http://relay.example/", { method: "POST", headers, body });
}

/** A node that answers when it is told to. */
function onDemand(): { readonly script: NodeScript; readonly answer: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const script: NodeScript = async (call, signal) => {
    await promise;
    return await answering()(call, signal);
  };
  return { script, answer: resolve };
}

/** Whether a promise has settled, as its list says. */
function watch(...promises: readonly Promise<unknown>[]): boolean[] {
  const done = promises.map(() => false);
  promises.forEach((promise, index) => promise.then(() => done[index] = true));
  return done;
}

Deno.test("a relay with nothing to do closes at once, as often as it is asked", async () => {
  const { relay, clock } = start(answering());
  const done = watch(relay.close(), relay.close());
  await settle();
  assertEquals(done, [true, true]);
  await relay.close();
  assertEquals(clock.pending, 0);
});

Deno.test("closing takes no more requests, answers the one under way, and waits for it", async () => {
  const node = onDemand();
  const { relay, clock, usage } = start(node.script);
  const answer = relay.fetch(post());
  await settle();
  const closing = relay.close();
  const done = watch(closing);

  const refused = await relay.fetch(post());
  assertEquals(refused.status, 503);
  const { jsonrpc, error } = await refused.json();
  assertEquals([jsonrpc, error.data.code], ["2.0", "shutting_down"]);
  const health = await relay.fetch(new Request("http://relay.example/lava/health"));
  assertEquals([health.status, await health.text()], [503, "Health status not OK"]);
  assertEquals(done, [false]);

  node.answer();
  assertEquals(await (await answer).json(), { jsonrpc: "2.0", id: 7, result: "0x1" });
  await closing;
  assertEquals(usage.events.map(({ success }) => success), [true]);
  assertEquals(clock.pending, 0);
});

Deno.test("two who close while a request is under way both wait for it, and no longer", async () => {
  const node = onDemand();
  const { relay, clock } = start(node.script);
  const answer = relay.fetch(post());
  await settle();
  const done = watch(relay.close(), relay.close());
  await settle();
  assertEquals(done, [false, false]);
  node.answer();
  await (await answer).body?.cancel();
  await settle();
  assertEquals(done, [true, true]);
  assertEquals(clock.pending, 0);
});

Deno.test("after the grace attempts are ended; their relays are answered, metered as failed, and closing is done", async () => {
  const { relay, clock, usage } = start(hanging());
  const answer = relay.fetch(post());
  await settle();
  const done = watch(relay.close(500));
  await clock.advance(499);
  assertEquals([done, usage.events.length], [[false], 0]);
  await clock.advance(1);
  assertEquals(done, [true]);
  const response = await answer;
  assertEquals(response.status, 503);
  const { id, error } = await response.json();
  assertEquals([id, error.data.code], [7, "shutting_down"]);
  assertEquals(usage.events.map(({ success, computeUnits }) => [success, computeUnits]), [[false, 0]]);
  assertEquals(clock.pending, 0);
});

Deno.test("a later close with a shorter grace is obeyed", async () => {
  const { relay, clock } = start(hanging());
  const answer = relay.fetch(post());
  await settle();
  const done = watch(relay.close(30_000), relay.close(100));
  await clock.advance(100);
  assertEquals(done, [true, true]);
  await (await answer).body?.cancel();
});

Deno.test("a body that does not come holds closing up no longer than the grace", async () => {
  const { relay, clock, usage } = start(answering(), { bodyTimeoutMs: 600_000 });
  const answer = relay.fetch(post(new ReadableStream()));
  await settle();
  const done = watch(relay.close(500));
  await clock.advance(500);
  const isDone = done[0];
  await clock.advance(600_000);
  await (await answer).body?.cancel();
  assert(isDone, "closing waited for the body's own timeout");
  assertEquals(usage.events, []);
});

Deno.test("a relay is closed at the end of its block", async () => {
  const { relay } = start(answering());
  {
    await using own = relay;
    const response = await own.fetch(post());
    assertEquals(response.status, 200);
    await response.body?.cancel();
  }
  const response = await relay.fetch(post());
  assertEquals(response.status, 503);
  await response.body?.cancel();
});
