import { assertEquals } from "@std/assert";
import type { Connect } from "../../../src/transports/http1/connection.ts";
import { denoConnect } from "../../../src/transports/http1/deno_connect.ts";
import { Http1Transport } from "../../../src/transports/http1/transport.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { answerOf } from "../../support/http1_faults.ts";
import { describe, sendTo } from "../../support/http1_transports.ts";
import { type Act, startRawNode } from "../../support/raw_node.ts";

/** Says who it is, on each request. */
const saying = (name: string): Act => async (peer) => {
  while (await peer.request() !== undefined) await peer.write(answerOf(name));
};

/** Says who it is, once, and ends the connection. */
const sayingOnce = (name: string): Act => async (peer) => {
  await peer.request();
  await peer.write(answerOf(name));
};

/** The runtime's connections behind a name whose address the test says; undefined for none. */
function scene(maxAgeMs = 60_000) {
  const name = { port: undefined as number | undefined, lookups: 0 };
  const connect: Connect = (origin, signal) => {
    name.lookups++;
    const { port } = name;
    if (port !== undefined) return denoConnect({ ...origin, hostname: "127.0.0.1", port }, signal);
    return denoConnect({ ...origin, hostname: "no-such-host.invalid" }, signal);
  };
  const clock = new FakeClock();
  const limits = { maxReplyBytes: 1_000, maxAgeMs, idleTimeoutMs: 60_000 };
  const transport = new Http1Transport({ connect, clock }, limits);
  const send = async () => {
    const sent = sendTo(transport, "http://node.example/");
    await clock.advance(0);
    return describe(await sent);
  };
  return { name, transport, clock, send };
}

Deno.test("a name that leads elsewhere is followed as soon as a connection is made", async () => {
  await using before = startRawNode(sayingOnce("before"));
  await using after = startRawNode(saying("after"));
  const { name, transport, send } = scene();
  name.port = before.port;
  assertEquals(await send(), "200 before");
  while (transport.connections > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  name.port = after.port;
  assertEquals([await send(), await send(), name.lookups], ["200 after", "200 after", 2]);
  transport.close();
});

Deno.test("a name that leads elsewhere is followed in time, although the node before still answers", async () => {
  await using before = startRawNode(saying("before"));
  await using after = startRawNode(saying("after"));
  const { name, transport, clock, send } = scene(2_000);
  name.port = before.port;
  assertEquals(await send(), "200 before");
  name.port = after.port;
  assertEquals([await send(), name.lookups], ["200 before", 1]);
  await clock.advance(2_500);
  // The connection's last request shows its age.
  assertEquals([await send(), await send(), name.lookups], ["200 before", "200 after", 2]);
  assertEquals(before.accepted, 1);
  transport.close();
});

Deno.test("a name that is gone for a while is unreachable for as long", async () => {
  await using node = startRawNode(sayingOnce("here"));
  const { name, transport, clock, send } = scene();
  assertEquals(await send(), "upstream_unreachable");
  name.port = node.port;
  assertEquals(await send(), "200 here");
  while (transport.connections > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  name.port = undefined;
  assertEquals(await send(), "upstream_unreachable");
  name.port = node.port;
  assertEquals(await send(), "200 here");
  transport.close();
  assertEquals([transport.connections, clock.pending], [0, 0]);
});
