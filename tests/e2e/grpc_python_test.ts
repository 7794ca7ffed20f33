import { assert, assertEquals } from "@std/assert";
import { systemClock } from "../../src/domain/clock.ts";
import { createDenoWire } from "../../src/http2/deno_wire.ts";
import { createNodeWire } from "../../src/http2/node_wire.ts";
import { hasPythonGrpc, runPythonClient, startPythonServer } from "../support/grpc/peers.ts";
import { plain, startGrpcRelay } from "../support/grpc_relay.ts";

const LIMIT = 64 * 1024 * 1024;

/** Through the relay: over either HTTP/2, and through two relays behind each other. */
const WAYS = {
  "frames by hand": () => createDenoWire(systemClock),
  "node:http2": () => createNodeWire(),
};

/** What does not depend on who sees first that a deadline is over, the client or the relay: each says it in its own words. */
function agreed(result: unknown): unknown {
  if (typeof result !== "object" || result === null) return result;
  const { details, ...others } = result as Readonly<Record<string, unknown>>;
  return others["code"] === "DEADLINE_EXCEEDED" ? others : { ...others, details };
}

Deno.test("a table of calls in Python, on the C core: the same through the relay as direct", async (t) => {
  if (!await hasPythonGrpc()) return;
  await using server = await startPythonServer();
  const direct = await runPythonClient(server.port);
  assert(direct.size > 40);

  for (const [name, createWire] of Object.entries(WAYS)) {
    await t.step(name, async () => {
      await using relay = await startGrpcRelay(
        { providers: [{ name: "a", nodeUrls: [plain(server.port)] }], maxGrpcMessageBytes: LIMIT },
        createWire(),
      );
      const relayed = await runPythonClient(relay.port);
      for (const [call, result] of direct) assertEquals([call, agreed(relayed.get(call))], [call, agreed(result)]);
      // One event for each call: those of the table, and the thousand of its last line.
      assertEquals(relay.usage.events.length, direct.size - 1 + 1_000);
      assertEquals(relay.usage.events.filter(({ project }) => project === "acme").length, 5);
    });
  }

  await t.step("relay behind relay", async () => {
    const maxGrpcMessageBytes = LIMIT;
    await using inner = await startGrpcRelay({
      providers: [{ name: "node", nodeUrls: [plain(server.port)] }],
      maxGrpcMessageBytes,
    });
    const authHeaders = { "project-id": "outer" };
    await using outer = await startGrpcRelay({
      providers: [{ name: "relay", nodeUrls: [plain(inner.port, { authHeaders })] }],
      maxGrpcMessageBytes,
    });
    const relayed = await runPythonClient(outer.port);
    for (const [call, result] of direct) assertEquals([call, agreed(relayed.get(call))], [call, agreed(result)]);
    assertEquals(inner.usage.events.length, outer.usage.events.length);
    assert(inner.usage.events.every(({ project, provider }) => project === "outer" && provider === "node"));
  });
});
