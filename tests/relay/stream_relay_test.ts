import { assert, assertEquals } from "@std/assert";
import type { RelayUsageEvent } from "../../src/domain/usage_event.ts";
import { fieldOf } from "../../src/domain/wire.ts";
import { type GrpcRelay, plain, providersAt, startGrpcRelay } from "../support/grpc_relay.ts";
import {
  ANSWER_HEAD,
  answerWith,
  failWith,
  GrpcClient,
  type GrpcNode,
  message,
  startGrpcNode,
  statusOf,
  statusTextOf,
} from "../support/grpc_wire.ts";
import type { Side } from "../support/http2_streams.ts";
import { systemClock } from "../../src/domain/clock.ts";
import { ProjectBudgets } from "../../src/relay/project_budgets.ts";
import type { RelayConfig } from "../../src/config/relay_config.ts";

interface Setting {
  readonly relay: GrpcRelay;
  readonly client: GrpcClient;
  readonly nodes: readonly GrpcNode[];
}

/** A relay before nodes that do as told, and a check that nothing is left of their calls afterwards. */
async function run(
  behaviours: readonly ((side: Side) => void)[],
  test: (setting: Setting) => Promise<void>,
  config: Partial<RelayConfig> = {},
): Promise<void> {
  const nodes = await Promise.all(behaviours.map((behave) => startGrpcNode(behave)));
  const relay = await startGrpcRelay({ providers: providersAt(...nodes.map(({ port }) => port)), ...config });
  const client = await GrpcClient.connect(relay.port);
  try {
    await test({ relay, client, nodes });
  } finally {
    await client[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
    for (const node of nodes) {
      assertEquals(node.server.openStreams, 0, "streams that the relay left open");
      await node[Symbol.asyncDispose]();
    }
  }
}

const answers = (side: Side) => void side.bodyEnded.promise.then(() => answerWith(side, "pong"));
const isSilent = () => {};

function only(relay: GrpcRelay): RelayUsageEvent {
  assertEquals(relay.usage.events.length, 1, "one event for one call");
  return relay.usage.events[0]!;
}

Deno.test("a unary call, its metadata and its event", () =>
  run([answers], async ({ relay, client, nodes }) => {
    const call = await client.call("/test.Node/Read", "ping", [
      ["project-id", "acme"],
      ["origin", "https://a.example"],
      ["origin", "https://b.example"],
      ["x-key", "one"],
      ["x-key", "two"],
      ["data-bin", "AAEC/w"],
      ["lava-extension", ""],
    ]);
    assertEquals(statusOf(call), "0");
    assertEquals(call.text(), new TextDecoder().decode(message("pong")));
    assertEquals(fieldOf(call.head!, "lava-provider-address"), "a");
    const { incoming, side } = await nodes[0]!.call(0);
    assertEquals(side.text(), new TextDecoder().decode(message("ping")));
    const sent = incoming.fields.filter(([name]) => /^(x-|data|project|lava|te$)/.test(name)).map((f) => f.join("="));
    assertEquals(sent, ["te=trailers", "x-key=one", "x-key=two", "data-bin=AAEC/w"]);
    const event = only(relay);
    assertEquals(
      [event.apiInterface, event.apiMethod, event.computeUnits, event.success, event.provider, event.isWrite],
      ["grpc", "test.Node/Read", 10, true, "a", false],
    );
    assertEquals([event.project, event.origin, event.chain, event.attempts], ["acme", "https://a.example", "GRPC1", 1]);
  }));

Deno.test("an unknown method costs 20 and is the node's to refuse", () =>
  run([(side) => failWith(side, "12", "unknown")], async ({ relay, client }) => {
    const call = await client.call("/what.Ever/Is");
    assertEquals([statusOf(call), statusTextOf(call)], ["12", "unknown"]);
    const event = only(relay);
    assertEquals(
      [event.apiMethod, event.computeUnits, event.success, event.errorClass],
      ["Default-what.Ever/Is", 20, false, ""],
    );
  }));

Deno.test("reflection and health go through and are not on the bill", () =>
  run([answers], async ({ relay, client }) => {
    for (
      const path of [
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        "/grpc.health.v1.Health/Check",
      ]
    ) {
      assertEquals(statusOf(await client.call(path)), "0");
    }
    assertEquals(relay.usage.events.length, 0);
  }));

/** What the first of two nodes does, and what comes of it with a call that reads. */
const FIRST_NODE: Readonly<Record<string, readonly [behave: (side: Side) => void, attempts: number]>> = {
  "is overloaded": [(side) => failWith(side, "14", "try again"), 2],
  "limits the rate": [(side) => failWith(side, "8", "too many"), 2],
  "resets the stream": [(side) => side.stream.reset(2), 2],
  "refuses the stream": [(side) => side.stream.reset(7), 2],
  "is a proxy whose own node is away": [(side) => side.stream.sendHead([[":status", "502"]], true), 2],
  "answers with HTML": [(side) => side.stream.sendHead([[":status", "200"], ["content-type", "text/html"]], true), 2],
};

for (const [name, [behave, attempts]] of Object.entries(FIRST_NODE)) {
  Deno.test(`the next node answers when the first ${name}`, () =>
    run([behave, answers], async ({ relay, client }) => {
      const call = await client.call("/test.Node/Read");
      assertEquals(statusOf(call), "0");
      assertEquals(fieldOf(call.head!, "lava-provider-address"), "b");
      assertEquals(fieldOf(call.head!, "lava-retries"), "1");
      const event = only(relay);
      assertEquals([event.success, event.provider, event.attempts], [true, "b", attempts]);
    }));
}

Deno.test("a write that a node has seen is not made again", () =>
  run([(side) => side.stream.reset(2), answers], async ({ relay, client, nodes }) => {
    assertEquals(statusOf(await client.call("/test.Node/Write")), "14");
    const event = only(relay);
    assertEquals([event.success, event.computeUnits, event.errorClass, event.provider, event.isWrite], [
      false,
      0,
      "upstream_disconnected",
      "a",
      true,
    ]);
    assertEquals(nodes[1]!.calls.length, 0);
  }));

Deno.test("a write that no node has seen goes to the next", () =>
  run([(side) => side.stream.reset(7), answers], async ({ relay, client }) => {
    assertEquals(statusOf(await client.call("/test.Node/Write")), "0");
    assertEquals(only(relay).provider, "b");
  }));

Deno.test("a node that can't be reached is passed by, for streams too", async () => {
  const away = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = away.addr as Deno.NetAddr;
  away.close();
  await run([answers], async ({ nodes }) => {
    const relay = await startGrpcRelay({ providers: providersAt(port, nodes[0]!.port) });
    const client = await GrpcClient.connect(relay.port);
    const call = client.open("/test.Node/Write");
    call.stream.sendData(message("one"), false);
    const { side } = await nodes[0]!.call(0);
    await side.arrived(8);
    side.stream.sendHead(ANSWER_HEAD, false);
    await call.headed.promise;
    call.stream.sendData(message("two"), true);
    side.bodyEnded.promise.then(() => side.stream.sendTrailers([["grpc-status", "0"]]));
    await call.over.promise;
    assertEquals(statusOf(call), "0");
    assertEquals([only(relay).provider, only(relay).attempts], ["b", 2]);
    await client[Symbol.asyncDispose]();
    await relay[Symbol.asyncDispose]();
  });
});

Deno.test("the error that says most is the answer when all fail", () =>
  run([
    (side) => failWith(side, "14", "a%25"),
    (side) => failWith(side, "14", "b"),
    (side) => failWith(side, "14", "c"),
  ], async ({ relay, client }) => {
    const call = await client.call("/test.Node/Read");
    assertEquals([statusOf(call), statusTextOf(call)], ["14", "c"]);
    const event = only(relay);
    assertEquals([event.success, event.computeUnits, event.attempts, event.errorClass], [false, 10, 3, ""]);
  }));

Deno.test("a slow node is joined by another, and the first to answer counts", () =>
  run([isSilent, answers], async ({ relay, client, nodes }) => {
    assertEquals(statusOf(await client.call("/test.Node/Read", "x", [["lava-relay-timeout", "30ms"]])), "0");
    const event = only(relay);
    assertEquals([event.provider, event.hedgeCount, event.success], ["b", 1, true]);
    assertEquals((await nodes[0]!.calls[0]!.side.over.promise)?.code, 8, "the slow one is told that it is not needed");
  }));

Deno.test("nobody answers in time", () =>
  run([isSilent, isSilent], async ({ relay, client }) => {
    const call = await client.call("/test.Node/Read", "x", [["lava-relay-timeout", "20ms"]]);
    assertEquals(statusOf(call), "4");
    assertEquals([only(relay).errorClass, only(relay).computeUnits], ["upstream_timeout", 0]);
  }, { processingTimeoutMs: 60 }));

Deno.test("the caller's deadline travels, and ends the call", () =>
  run([isSilent], async ({ relay, client, nodes }) => {
    const call = await client.call("/test.Node/Read", "x", [["grpc-timeout", "80m"]]);
    assertEquals(statusOf(call), "4");
    const { incoming, side } = nodes[0]!.calls[0]!;
    const micros = Number(/^(\d+)u$/.exec(fieldOf(incoming.fields, "grpc-timeout") ?? "")?.[1]);
    assert(micros > 1_000 && micros <= 80_000, `${micros} us`);
    assertEquals((await side.over.promise)?.code, 8);
    assertEquals(only(relay).errorClass, "upstream_timeout");
  }));

Deno.test("a client that goes away before the answer is not charged", () =>
  run([isSilent], async ({ relay, client, nodes }) => {
    const call = client.open("/test.Node/Read");
    call.stream.sendData(message("x"), true);
    const { side } = await nodes[0]!.call(0);
    await side.bodyEnded.promise;
    call.stream.reset(8);
    assertEquals((await side.over.promise)?.code, 8);
    assertEquals([only(relay).success, only(relay).computeUnits, only(relay).errorClass], [false, 0, "client_closed"]);
  }));

Deno.test("a stream that the client ends after it was answered has been served", () =>
  run([isSilent], async ({ relay, client, nodes }) => {
    const call = client.open("/test.Node/Subscribe");
    call.stream.sendData(message("x"), true);
    const { side } = await nodes[0]!.call(0);
    side.stream.sendHead(ANSWER_HEAD, false);
    side.stream.sendData(message("event"), false);
    await call.arrived(10);
    call.stream.reset(8);
    assertEquals((await side.over.promise)?.code, 8);
    assertEquals([only(relay).success, only(relay).computeUnits], [true, 30]);
  }));

Deno.test("the head comes at once, also without a message", () =>
  run([isSilent], async ({ client, nodes }) => {
    const call = client.open("/test.Node/Subscribe");
    const { side } = await nodes[0]!.call(0);
    side.stream.sendHead([...ANSWER_HEAD, ["x-first", "1"]], false);
    await call.headed.promise;
    assertEquals(fieldOf(call.head!, "x-first"), "1");
    side.stream.sendTrailers([["grpc-status", "9"], ["grpc-status-details-bin", "CAkSAWE"], [
      "grpc-message",
      "%E2%82%AC",
    ]]);
    await call.over.promise;
    assertEquals([statusOf(call), statusTextOf(call)], ["9", "€"]);
    assertEquals(fieldOf(call.trailers!, "grpc-status-details-bin"), "CAkSAWE");
  }));

Deno.test("a node that dies in midstream: what came is with the client, and the status says so", () =>
  run([isSilent], async ({ relay, client, nodes }) => {
    const call = client.open("/test.Node/Subscribe");
    const { side } = await nodes[0]!.call(0);
    side.stream.sendHead(ANSWER_HEAD, false);
    side.stream.sendData(message("event"), false);
    await call.arrived(10);
    await nodes[0]!.server.close();
    await call.over.promise;
    assertEquals(statusOf(call), "14");
    assertEquals([only(relay).success, only(relay).errorClass], [false, "upstream_disconnected"]);
  }));

Deno.test("a node's reset in midstream is the client's", () =>
  run([isSilent], async ({ relay, client, nodes }) => {
    const call = client.open("/test.Node/Subscribe");
    const { side } = await nodes[0]!.call(0);
    side.stream.sendHead(ANSWER_HEAD, false);
    await call.headed.promise;
    side.stream.reset(11);
    assertEquals((await call.over.promise)?.code, 11);
    assertEquals(only(relay).success, false);
  }));

/** Bad requests: what is sent, and the status. None of them is on the bill but those that reached a node. */
const BAD_REQUESTS: Readonly<Record<string, readonly [body: Uint8Array, status: string, error: string]>> = {
  "a message over the limit": [message(new Uint8Array(2_000)), "8", "body_too_large"],
  "a flag that gRPC does not know": [message("x", 7), "13", "invalid_request"],
  "an end in the midst of a message": [message("xyz").subarray(0, 6), "13", "invalid_request"],
};

for (const [name, [body, status, error]] of Object.entries(BAD_REQUESTS)) {
  Deno.test(`refuses ${name}`, () =>
    run([isSilent], async ({ relay, client, nodes }) => {
      const call = client.open("/test.Node/Read");
      await nodes[0]!.call(0);
      call.stream.sendData(body, true);
      await call.over.promise;
      assertEquals([statusOf(call), fieldOf(call.head!, "lava-error-code")], [status, error]);
      assertEquals([only(relay).success, only(relay).computeUnits], [false, 0]);
      assertEquals((await nodes[0]!.calls[0]!.side.over.promise)?.code, 8);
    }, { maxGrpcMessageBytes: 1_000 }));
}

Deno.test("an answer over the limit is cut off", () =>
  run(
    [(side) => void side.bodyEnded.promise.then(() => answerWith(side, "x".repeat(2_000)))],
    async ({ client, relay }) => {
      const call = await client.call("/test.Node/Read");
      assertEquals(statusOf(call), "8");
      assertEquals(only(relay).errorClass, "answer_too_large");
    },
    { maxGrpcMessageBytes: 1_000 },
  ));

Deno.test("requests that are no gRPC", () =>
  run([answers], async ({ relay, client }) => {
    const refused = async (path: string, metadata: readonly [string, string][]) => {
      const call = await client.call(path, "x", metadata);
      return [statusOf(call), fieldOf(call.head!, "lava-error-code")];
    };
    assertEquals(await refused("/nothing", []), ["12", "unsupported_api"]);
    assertEquals(await refused("/test.Node/Read", [["grpc-timeout", "soon"]]), ["3", "invalid_header"]);
    assertEquals(await refused("/test.Node/Read", [["project-id", "p".repeat(300)]]), ["3", "invalid_header"]);
    const side = client.open("/x");
    side.stream.reset(8);
    assertEquals(relay.usage.events.length, 0);
  }));

Deno.test("flow control: who does not read stops the node, and memory stays bounded", () =>
  run([isSilent], async ({ client, nodes }) => {
    const call = client.open("/test.Node/Subscribe");
    call.reads = false;
    call.keeps = false;
    const { side } = await nodes[0]!.call(0);
    side.stream.sendHead(ANSWER_HEAD, false);
    const total = 16 * 1024 * 1024;
    side.stream.sendData(message(new Uint8Array(total - 5)), false);
    side.stream.sendTrailers([["grpc-status", "0"]]);
    await call.arrived(256 * 1024);
    // Both windows and the sockets' buffers: no more is on its way.
    assert(side.written < 2 * 1024 * 1024, `${side.written} bytes have left the node`);
    const other = client.open("/test.Node/Read");
    const { side: otherSide } = await nodes[0]!.call(1);
    failWith(otherSide, "5");
    await other.over.promise;
    call.reads = true;
    call.stream.consume(call.received);
    await call.over.promise;
    assertEquals([call.received, statusOf(call)], [total, "0"]);
  }));

Deno.test("1,000 calls at once on one connection", () =>
  run([(side) => void side.bodyEnded.promise.then(() => answerWith(side, "x"))], async ({ relay, client, nodes }) => {
    const calls = await Promise.all(Array.from({ length: 1_000 }, () => client.call("/test.Node/Read")));
    assertEquals(calls.filter((call) => statusOf(call) === "0").length, 1_000);
    assertEquals(relay.usage.events.length, 1_000);
    const { openConnections } = nodes[0]!.server;
    assert(openConnections >= 1 && openConnections <= 5, `${openConnections} channels`);
  }));

Deno.test("shutdown: calls get their time, then CANCELLED, and each has its event", () =>
  run([isSilent], async ({ relay, client, nodes }) => {
    const long = client.open("/test.Node/Subscribe");
    const { side } = await nodes[0]!.call(0);
    side.stream.sendHead(ANSWER_HEAD, false);
    await long.headed.promise;
    const short = client.open("/test.Node/Read");
    const { side: shortSide } = await nodes[0]!.call(1);
    const closed = relay.listener.close(100);
    await client.client.ending;
    failWith(shortSide, "0");
    await short.over.promise;
    assertEquals(statusOf(short), "0");
    await long.over.promise;
    assertEquals([statusOf(long), fieldOf(long.trailers!, "lava-error-code")], ["1", "shutting_down"]);
    await closed;
    assertEquals(relay.usage.events.map(({ success, errorClass }) => [success, errorClass]), [
      [true, ""],
      [false, "shutting_down"],
    ]);
  }));

Deno.test("GOAWAY of a node: its calls end, new ones go elsewhere", () =>
  run([isSilent, answers], async ({ relay, client, nodes }) => {
    const call = client.open("/test.Node/Read");
    call.stream.sendData(message("x"), false);
    const { side } = await nodes[0]!.call(0);
    await side.arrived(6);
    const drained = nodes[0]!.server.drain();
    // The first two of these may find the connection still there, or half gone.
    for (let i = 0; i < 3; i++) assertEquals(statusOf(await client.call("/test.Node/Write")), "0");
    failWith(side, "0");
    await call.over.promise;
    assertEquals(statusOf(call), "0");
    await drained;
    assertEquals(relay.usage.events.map(({ provider }) => provider), ["b", "b", "b", "a"]);
  }));

Deno.test("a node that is away for a moment is waited for, when there is no other", async () => {
  const first = await startGrpcNode(answers);
  const { port } = first;
  await first[Symbol.asyncDispose]();
  const relay = await startGrpcRelay({ providers: [{ name: "a", nodeUrls: [plain(port)] }] });
  const client = await GrpcClient.connect(relay.port);
  const call = client.call("/test.Node/Read");
  const second = await startGrpcNode(answers, { port });
  assertEquals(statusOf(await call), "0");
  assertEquals(only(relay).attempts, 1);
  await client[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
  await second[Symbol.asyncDispose]();
});

Deno.test("an old block asks for the archive, and costs five times as much", async () => {
  const node = await startGrpcNode((side) => failWith(side, "2", "failed to load state at height 7; pruned"));
  const archive = await startGrpcNode(answers);
  const relay = await startGrpcRelay({
    providers: [
      { name: "a", nodeUrls: [plain(node.port)] },
      { name: "b", nodeUrls: [plain(archive.port, { addons: ["archive"] })] },
    ],
  });
  const client = await GrpcClient.connect(relay.port);
  // A head is not known: any height is old.
  assertEquals(statusOf(await client.call("/test.Node/Read", "x", [["x-cosmos-block-height", "7"]])), "0");
  assertEquals([only(relay).isArchive, only(relay).computeUnits, only(relay).provider], [true, 50, "b"]);
  assertEquals(node.calls.length, 0);
  await client[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
  for (const one of [node, archive]) await one[Symbol.asyncDispose]();
});

Deno.test("a project over its budget is told so and when to come back; no node is asked, and nothing is billed", async () => {
  await using node = await startGrpcNode(answers);
  const budgets = new ProjectBudgets([{ project: "acme", unitsPerDay: 25 }], systemClock);
  await using relay = await startGrpcRelay({ providers: providersAt(node.port) }, undefined, budgets);
  await using client = await GrpcClient.connect(relay.port);
  const call = async (path = "/test.Node/Read") => await client.call(path, "ping", [["project-id", "acme"]]);
  assertEquals([statusOf(await call()), statusOf(await call())], ["0", "0"]);
  const refused = await call();
  assertEquals([statusOf(refused), fieldOf(refused.head!, "lava-error-code")], ["8", "over_budget"]);
  const waitMs = Number(fieldOf(refused.head!, "grpc-retry-pushback-ms"));
  assert(waitMs > 0 && waitMs <= 86_400_000, `${waitMs}`);
  assertEquals([relay.usage.events.length, node.calls.length], [2, 2]);
  assertEquals(statusOf(await call("/grpc.health.v1.Health/Check")), "0", "what is not billed is not limited");
});

Deno.test("by a quantile of its own latency a node is late before its timeout", () => {
  let isSlow = false;
  const node = (side: Side) => void side.bodyEnded.promise.then(() => isSlow || answerWith(side, "x"));
  return run([node, answers], async ({ relay, client }) => {
    for (let i = 0; i < 80; i++) await client.call("/test.Node/Read");
    isSlow = true;
    const startedAtMs = performance.now();
    for (let i = 0; i < 2; i++) assertEquals(statusOf(await client.call("/test.Node/Read")), "0");
    assert(performance.now() - startedAtMs < 900, "the relay timeout is a second");
    assert(relay.usage.events.slice(-2).some(({ hedgeCount }) => hedgeCount === 1));
  }, { hedgeQuantile: 0.95 });
});

Deno.test("a node that takes few calls at once: more channels, and then a queue", async () => {
  const node = await startGrpcNode(answers, { maxStreams: 10 });
  const relay = await startGrpcRelay({ providers: providersAt(node.port) });
  const client = await GrpcClient.connect(relay.port);
  const calls = await Promise.all(Array.from({ length: 200 }, () => client.call("/test.Node/Read")));
  assertEquals(calls.filter((call) => statusOf(call) === "0").length, 200);
  const { openConnections } = node.server;
  assert(openConnections >= 2 && openConnections <= 5, `${openConnections} channels`);
  await client[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
  await node[Symbol.asyncDispose]();
});
