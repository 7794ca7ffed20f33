import { assert, assertEquals } from "@std/assert";
import { decodeText, encodeText } from "../../../src/protocols/grpc/web.ts";
import { concatBytes } from "../../../src/domain/bytes.ts";
import { type GrpcRelay, plain, startGrpcRelay } from "../../support/grpc_relay.ts";
import { ANSWER_HEAD, answerWith, failWith, type GrpcNode, message, startGrpcNode } from "../../support/grpc_wire.ts";
import type { Side } from "../../support/http2_streams.ts";
import { seededRandom } from "../../support/seeded_random.ts";

async function run(
  behave: (side: Side) => void,
  test: (relay: GrpcRelay, node: GrpcNode) => Promise<void>,
): Promise<void> {
  await using node = await startGrpcNode(behave);
  {
    await using relay = await startGrpcRelay({
      providers: [{ name: "a", nodeUrls: [plain(node.port)] }],
      maxGrpcMessageBytes: 100_000,
    });
    await test(relay, node);
  }
  assertEquals(node.server.openStreams, 0);
}

function request(body: BodyInit, headers: Record<string, string> = {}, path = "/test.Node/Read"): Request {
  const contentType = { "content-type": "application/grpc-web+proto" };
  return new Request(`http://relay.example${path}`, { method: "POST", headers: { ...contentType, ...headers }, body });
}

/** Frames of a body: messages as texts, and trailers. */
function framesOf(body: Uint8Array): string[] {
  const frames: string[] = [];
  for (let at = 0; at < body.length;) {
    const length = new DataView(body.buffer, body.byteOffset).getUint32(at + 1);
    const text = new TextDecoder().decode(body.subarray(at + 5, at + 5 + length));
    frames.push(body[at] === 0x80 ? `trailers ${text.trim().split("\r\n").join(" ")}` : text);
    at += 5 + length;
  }
  return frames;
}

const answers = (side: Side) => void side.bodyEnded.promise.then(() => answerWith(side, "pong", "0", [["x-t", "1"]]));
const ping = message("ping") as Uint8Array<ArrayBuffer>;

Deno.test("a unary call: message, trailers as lines, and its event", () =>
  run(answers, async (relay, node) => {
    const headers = { "project-id": "acme", "origin": "https://app.example", "x-key": "v", "grpc-timeout": "5S" };
    const response = await relay.fetch(request(ping, headers));
    assertEquals([response.status, response.headers.get("content-type")], [200, "application/grpc-web+proto"]);
    assertEquals(response.headers.get("access-control-allow-origin"), "*");
    assert(response.headers.get("access-control-expose-headers")?.includes("lava-provider-address"));
    const body = new Uint8Array(await response.arrayBuffer());
    assertEquals(framesOf(body), ["pong", "trailers grpc-status:0 x-t:1"]);
    const { incoming, side } = node.calls[0]!;
    assertEquals(side.text().slice(5), "ping");
    const fields = Object.fromEntries(incoming.fields);
    assertEquals([fields["content-type"], fields["te"], fields["x-key"]], ["application/grpc+proto", "trailers", "v"]);
    assertEquals(fields["project-id"], undefined);
    const [event] = relay.usage.events;
    assertEquals([event?.project, event?.origin, event?.success], ["acme", "https://app.example", true]);
  }));

Deno.test("as Base64 text, both ways", () =>
  run(answers, async (relay, node) => {
    // Written in two parts, each with its own padding.
    const text = concatBytes([encodeText(ping.subarray(0, 4)), encodeText(ping.subarray(4))]);
    const response = await relay.fetch(request(text, { "content-type": "application/grpc-web-text" }));
    assertEquals(response.headers.get("content-type"), "application/grpc-web-text");
    const body = decodeText(new Uint8Array(await response.arrayBuffer()))!;
    assertEquals(framesOf(body), ["pong", "trailers grpc-status:0 x-t:1"]);
    assertEquals(node.calls[0]!.side.text().slice(5), "ping");
    const broken = await relay.fetch(request("!!!", { "content-type": "application/grpc-web-text" }));
    assertEquals(broken.status, 400);
    await broken.body?.cancel();
  }));

Deno.test("Base64 survives any cuts", () => {
  const random = seededRandom(5);
  for (let round = 0; round < 200; round++) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 50_000 * random() ** 6) }, () => random() * 256);
    const cut = Math.floor(random() * bytes.length);
    const text = concatBytes([encodeText(bytes.subarray(0, cut)), encodeText(bytes.subarray(cut))]);
    assertEquals(decodeText(text), bytes);
  }
});

Deno.test("a stream of answers comes as it is sent", () =>
  run(() => {}, async (relay, node) => {
    const responding = relay.fetch(request(ping, {}, "/test.Node/Subscribe"));
    const { side } = await node.call(0);
    side.stream.sendHead(ANSWER_HEAD, false);
    const reader = (await responding).body!.getReader();
    for (const text of ["one", "two"]) {
      side.stream.sendData(message(text), false);
      assertEquals(framesOf((await reader.read()).value!), [text]);
    }
    side.stream.sendTrailers([["grpc-status", "9"], ["grpc-message", "%E2%82%AC"]]);
    assertEquals(framesOf((await reader.read()).value!), ["trailers grpc-status:9 grpc-message:%E2%82%AC"]);
    assertEquals((await reader.read()).done, true);
  }));

Deno.test("a client that goes away ends the call", () =>
  run(() => {}, async (relay, node) => {
    const responding = relay.fetch(request(ping, {}, "/test.Node/Subscribe"));
    const { side } = await node.call(0);
    side.stream.sendHead(ANSWER_HEAD, false);
    await (await responding).body!.cancel();
    assertEquals((await side.over.promise)?.code, 8);
    assertEquals(relay.usage.events.length, 1);
  }));

Deno.test("a page that does not read stops the node", () =>
  run(() => {}, async (relay, node) => {
    const responding = relay.fetch(request(ping, {}, "/test.Node/Subscribe"));
    const { side } = await node.call(0);
    side.stream.sendHead(ANSWER_HEAD, false);
    const response = await responding;
    for (let i = 0; i < 100; i++) side.stream.sendData(message(new Uint8Array(95_000)), false);
    side.stream.sendTrailers([["grpc-status", "0"]]);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 1));
    assert(side.written < 2_000_000, `${side.written} bytes have left the node`);
    const body = new Uint8Array(await response.arrayBuffer());
    assertEquals(framesOf(body).length, 101);
  }));

Deno.test("errors of the node and of the relay are in the head", () =>
  run((side) => failWith(side, "5", "not here"), async (relay) => {
    const response = await relay.fetch(request(ping));
    assertEquals([response.headers.get("grpc-status"), response.headers.get("grpc-message")], ["5", "not here"]);
    assertEquals((await response.arrayBuffer()).byteLength, 0);
    const refused = await relay.fetch(request(ping, { "project-id": "p".repeat(300) }));
    assertEquals(refused.headers.get("grpc-status"), "3");
    await refused.body?.cancel();
    const tooLarge = await relay.fetch(request(new Uint8Array(200_000)));
    assertEquals(tooLarge.headers.get("grpc-status"), "8");
    await tooLarge.body?.cancel();
  }));

Deno.test("what is no gRPC-Web", () =>
  run(answers, async (relay) => {
    const other = await relay.fetch(request("{}", { "content-type": "application/json" }));
    assertEquals(other.status, 415);
    const preflight = await relay.fetch(
      new Request("http://relay.example/x/Y", {
        method: "OPTIONS",
        headers: { "origin": "https://app.example", "access-control-request-headers": "x-grpc-web,grpc-timeout" },
      }),
    );
    assertEquals(preflight.headers.get("access-control-allow-headers"), "x-grpc-web,grpc-timeout");
    const health = await relay.fetch(new Request("http://relay.example/lava/health"));
    assertEquals([health.status, health.headers.get("content-type")], [200, "text/plain; charset=utf-8"]);
    assertEquals(await health.text(), "Health status OK");
    assertEquals(relay.usage.events.length, 0);
  }));
