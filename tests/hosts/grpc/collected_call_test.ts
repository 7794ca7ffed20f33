import { assert, assertEquals } from "@std/assert";
import { fieldOf } from "../../../src/domain/wire.ts";
import { type GrpcRelay, providersAt, startGrpcRelay } from "../../support/grpc_relay.ts";
import {
  answerWith,
  failWith,
  GrpcClient,
  type GrpcNode,
  message,
  startGrpcNode,
  statusOf,
} from "../../support/grpc_wire.ts";
import type { Side } from "../../support/http2_streams.ts";

async function run(
  behaviours: readonly ((side: Side) => void)[],
  test: (relay: GrpcRelay, client: GrpcClient, nodes: readonly GrpcNode[]) => Promise<void>,
): Promise<void> {
  const nodes = await Promise.all(behaviours.map((behave) => startGrpcNode(behave)));
  {
    const providers = providersAt(...nodes.map(({ port }) => port));
    await using relay = await startGrpcRelay({ providers, maxGrpcMessageBytes: 1_000 });
    await using client = await GrpcClient.connect(relay.port);
    await test(relay, client, nodes);
  }
  for (const node of nodes) {
    assertEquals(node.server.openStreams, 0);
    await node[Symbol.asyncDispose]();
  }
}

function saying(text: string): (side: Side) => void {
  return (side) => void side.bodyEnded.promise.then(() => answerWith(side, text, "0", [["x-t", text]]));
}

const COMPARED = [
  ["lava-cross-validation-max-participants", "3"],
  ["lava-cross-validation-agreement-threshold", "2"],
] as const;

Deno.test("what is written to all nodes reaches all of them, and the first success is the answer", () =>
  run(
    [(side) => void side.bodyEnded.promise.then(() => failWith(side, "2", "no")), saying("done"), saying("done")],
    async (relay, client, nodes) => {
      const call = await client.call("/test.Node/Broadcast", "tx");
      assertEquals([statusOf(call), call.text().slice(5), fieldOf(call.trailers!, "x-t")], ["0", "done", "done"]);
      for (const node of nodes) {
        const { side } = await node.call(0);
        await side.bodyEnded.promise;
        assertEquals(side.text().slice(5), "tx");
      }
      const [event] = relay.usage.events;
      assertEquals([relay.usage.events.length, event?.success, event?.computeUnits, event?.isWrite], [
        1,
        true,
        15,
        true,
      ]);
    },
  ));

Deno.test("all nodes refuse a write: the status is theirs", () =>
  run([(side) => failWith(side, "3", "bad tx"), (side) => failWith(side, "3", "bad tx")], async (relay, client) => {
    const call = await client.call("/test.Node/Broadcast", "tx");
    assertEquals([statusOf(call), fieldOf(call.head!, "grpc-message")], ["3", "bad tx"]);
    assertEquals([relay.usage.events[0]?.success, relay.usage.events[0]?.computeUnits], [false, 15]);
  }));

Deno.test("answers are compared where the caller asks for it", () =>
  run([saying("7"), saying("8"), saying("7")], async (relay, client) => {
    const call = await client.call("/test.Node/Read", "x", COMPARED);
    assertEquals([statusOf(call), call.text().slice(5)], ["0", "7"]);
    assertEquals(fieldOf(call.head!, "lava-cross-validation-status"), "success");
    assertEquals(relay.usage.events.map(({ attempts, success }) => [attempts, success]), [[3, true]]);
  }));

Deno.test("no agreement is an error", () =>
  run([saying("7"), saying("8"), saying("9")], async (relay, client) => {
    const call = await client.call("/test.Node/Read", "x", COMPARED);
    assertEquals([statusOf(call), fieldOf(call.head!, "lava-error-code")], ["14", "no_agreement"]);
    assertEquals(relay.usage.events[0]?.success, false);
  }));

/** Requests that can't be collected, and the status. */
const BAD: Readonly<Record<string, readonly [Uint8Array, string]>> = {
  "two messages": [new Uint8Array([...message("a"), ...message("b")]), "12"],
  "a message over the limit": [message(new Uint8Array(2_000)), "8"],
  "half a message": [message("abc").subarray(0, 6), "13"],
};

for (const [name, [body, status]] of Object.entries(BAD)) {
  Deno.test(`refuses ${name} before a node is asked`, () =>
    run([saying("x")], async (relay, client, nodes) => {
      const call = client.open("/test.Node/Broadcast");
      call.stream.sendData(body, true);
      await call.over.promise;
      assertEquals(statusOf(call), status);
      assertEquals([relay.usage.events.length, nodes[0]!.calls.length], [0, 0]);
    }));
}

Deno.test("the caller's deadline, and its going away, end the attempts", () =>
  run([() => {}], async (relay, client, nodes) => {
    const call = await client.call("/test.Node/Broadcast", "tx", [["grpc-timeout", "60m"]]);
    assertEquals(statusOf(call), "4");
    assertEquals((await nodes[0]!.calls[0]!.side.over.promise)?.code, 8);
    const other = client.open("/test.Node/Broadcast");
    other.stream.sendData(message("tx"), true);
    const { side } = await nodes[0]!.call(1);
    other.stream.reset(8);
    assertEquals((await side.over.promise)?.code, 8);
    while (relay.usage.events.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    assert(relay.usage.events.every(({ success, computeUnits }) => !success && computeUnits === 0));
  }));

Deno.test("shutdown ends what is collected and what is asked", () =>
  run([() => {}], async (relay, client, nodes) => {
    const collected = client.open("/test.Node/Broadcast");
    collected.stream.sendData(message("tx").subarray(0, 3), false);
    const asked = client.open("/test.Node/Broadcast");
    asked.stream.sendData(message("tx"), true);
    await nodes[0]!.call(0);
    await relay.listener.close(20);
    await Promise.all([collected.over.promise, asked.over.promise]);
    assertEquals([statusOf(collected), statusOf(asked)], ["14", "14"]);
    assertEquals(relay.usage.events.map(({ errorClass }) => errorClass), ["shutting_down"]);
  }));
