import { assertEquals } from "@std/assert";
import type { ConnectResult, Http2Client } from "../../../src/http2/port.ts";
import { Channel } from "../../../src/transports/grpc/channel.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

/** A channel whose connections are in the test's hands. */
class Scene {
  readonly clock = new FakeClock();
  readonly asked: ((result: ConnectResult) => void)[] = [];
  readonly heard: string[] = [];
  isShutDown = false;
  readonly channel = new Channel({
    clock: this.clock,
    random: () => 0.5,
    connect: () => new Promise((resolve) => this.asked.push(resolve)),
    onShutdown: () => this.isShutDown = true,
  }, 30_000);

  wait(name: string, isPatient = true): () => void {
    return this.channel.wait({
      isPatient,
      since: this.clock.monotonic(),
      go: () => this.heard.push(`${name} goes`),
      fail: (reason) => this.heard.push(`${name} fails: ${reason}`),
    });
  }

  async answer(result: ConnectResult): Promise<void> {
    this.asked.shift()!(result);
    await settle();
  }
}

const refused: ConnectResult = { kind: "failure", reason: "connection refused" };

function connected(
  ending: Promise<void> = new Promise(() => {}),
  canRequest: () => boolean = () => true,
): ConnectResult {
  const client = {
    get canRequest() {
      return canRequest();
    },
    openStreams: 0,
    request: () => {
      throw new Error("not used here");
    },
    ending,
    closed: Promise.resolve(),
    drain: () => Promise.resolve(),
    close() {},
  } satisfies Http2Client;
  return { kind: "connected", client };
}

Deno.test("it connects when it is wanted, once for all who wait", async () => {
  const scene = new Scene();
  assertEquals([scene.channel.state, scene.asked.length], ["IDLE", 0]);
  scene.wait("a");
  scene.wait("b");
  assertEquals([scene.channel.state, scene.asked.length], ["CONNECTING", 1]);
  await scene.answer(connected());
  assertEquals(scene.heard, ["a goes", "b goes"]);
  assertEquals([scene.channel.state, scene.clock.pending], ["READY", 0]);
});

Deno.test("the patient wait out a failure, the others hear of it", async () => {
  const scene = new Scene();
  scene.wait("patient");
  scene.wait("other", false);
  await scene.answer(refused);
  assertEquals(scene.heard, ["other fails: connection refused"]);
  assertEquals(scene.channel.state, "TRANSIENT_FAILURE");
  scene.wait("late", false);
  assertEquals(scene.heard.at(-1), "late fails: connection refused");
  await scene.clock.advance(999);
  assertEquals(scene.asked.length, 0);
  await scene.clock.advance(1);
  assertEquals([scene.channel.state, scene.asked.length], ["CONNECTING", 1]);
  await scene.answer(connected());
  assertEquals(scene.heard.at(-1), "patient goes");
});

Deno.test("after the connect timeout the channel is closed", async () => {
  const scene = new Scene();
  scene.wait("a");
  await scene.clock.advance(30_000);
  assertEquals(scene.heard, ["a fails: not ready within 30000 ms"]);
  assertEquals([scene.channel.state, scene.isShutDown, scene.clock.pending], ["SHUTDOWN", true, 0]);
  scene.wait("b");
  assertEquals(scene.heard.length, 2);
  await scene.answer(connected());
  assertEquals(scene.channel.state, "SHUTDOWN");
});

Deno.test("nobody waits: no timers, and the next one after the pause tries at once", async () => {
  const scene = new Scene();
  const giveUp = scene.wait("a");
  await scene.answer(refused);
  giveUp();
  assertEquals(scene.clock.pending, 0);
  await scene.clock.advance(1_000);
  assertEquals(scene.asked.length, 0);
  scene.wait("b", false);
  assertEquals([scene.channel.state, scene.asked.length], ["CONNECTING", 1]);
  await scene.answer(connected());
  assertEquals(scene.heard, ["b goes"]);
});

Deno.test("a connection that is lost comes again when it is wanted", async () => {
  const scene = new Scene();
  scene.wait("a");
  const { promise: ending, resolve: lose } = Promise.withResolvers<void>();
  await scene.answer(connected(ending));
  lose();
  await settle();
  assertEquals([scene.channel.state, scene.channel.ready, scene.asked.length], ["IDLE", undefined, 0]);
  scene.wait("b");
  await scene.answer(connected());
  assertEquals(scene.heard, ["a goes", "b goes"]);
});

Deno.test("a connection that is full is waited for, until a call ends or the time is up", async () => {
  const scene = new Scene();
  let isFull = true;
  scene.wait("a");
  await scene.answer(connected(undefined, () => !isFull));
  assertEquals(scene.heard, []);
  isFull = false;
  scene.channel.onFree();
  assertEquals(scene.heard, ["a goes"]);
  isFull = true;
  scene.wait("b");
  await scene.clock.advance(29_999);
  assertEquals([scene.heard.length, scene.clock.pending], [1, 1]);
  await scene.clock.advance(1);
  assertEquals(scene.heard.at(-1), "b fails: it has as many calls as it takes");
  assertEquals([scene.channel.state, scene.clock.pending], ["READY", 0]);
});
