import { assert, assertEquals } from "@std/assert";
import { Http1Transport } from "../../../src/transports/http1/transport.ts";
import { denoConnect } from "../../../src/transports/http1/deno_connect.ts";
import { nodeConnect } from "../../../src/transports/http1/node_connect.ts";
import { CountingClock } from "../../support/counting_clock.ts";
import { answerOf, httpFaults } from "../../support/http1_faults.ts";
import { describe, requestOf, sendTo } from "../../support/http1_transports.ts";
import { type RawPeer, startRawNode } from "../../support/raw_node.ts";
import { seededRandom } from "../../support/seeded_random.ts";

const REQUESTS = 2_000;
const CLIENTS = 24;
const SEED = 20_261_124;

const bodyOf = (request: string) => request.slice(request.indexOf("\r\n\r\n") + 4);
const FAULTS = httpFaults(bodyOf);

/** A node that mostly answers with what it was sent, in pieces of any size, and now and then does something wrong. */
async function play(peer: RawPeer, random: () => number): Promise<void> {
  for (;;) {
    if (random() < 0.08) return await FAULTS[Math.floor(random() * FAULTS.length)]!.act(peer);
    const request = await peer.request();
    if (request === undefined) return;
    const body = bodyOf(request);
    const isLast = random() < 0.1;
    const answer = random() < 0.3
      ? `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
      : answerOf(body, isLast ? "Connection: close\r\n" : "");
    const at = Math.floor(random() * answer.length);
    await peer.write(answer.slice(0, at));
    if (random() < 0.3) await new Promise((resolve) => setTimeout(resolve, random() * 4));
    await peer.write(answer.slice(at));
    if (isLast) return;
  }
}

for (const [name, connect] of Object.entries({ "Deno's sockets": denoConnect, "node:net": nodeConnect })) {
  Deno.test(`many clients of a node that misbehaves at random, over ${name}: nobody gets another's answer`, async () => {
    const random = seededRandom(SEED);
    const clock = new CountingClock();
    const transport = new Http1Transport({ connect, clock }, { maxReplyBytes: 1_000_000, maxConnections: 16 });
    await using node = startRawNode((peer) => play(peer, random));
    const outcomes = new Map<string, number>();
    const wrong: string[] = [];
    let next = 0;
    const client = async () => {
      while (next < REQUESTS) {
        // Some are larger than what leaves with the head in one write.
        const body = `request ${next++} ${"x".repeat(random() < 0.05 ? 100_000 : random() * 200)}`;
        const controller = new AbortController();
        const cancel = random() < 0.05 ? clock.schedule(random() * 5, () => controller.abort()) : () => {};
        const outcome = describe(await sendTo(transport, node.url, requestOf(body), controller.signal));
        cancel();
        if (outcome.startsWith("200") && outcome !== `200 ${body}`) wrong.push(`${body.slice(0, 20)}: ${outcome}`);
        const kind = outcome.slice(0, 3) === "200" ? "200" : outcome;
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    transport.close();
    while (node.open > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    assertEquals(wrong.map((text) => text.slice(0, 100)), []);
    assertEquals([transport.connections, clock.pending], [0, 0]);
    const kinds = ["200", "answer_too_large", "malformed_answer", "upstream_disconnected"];
    assertEquals([...outcomes.keys()].sort(), kinds);
    assert(outcomes.get("200")! > REQUESTS * 0.8, JSON.stringify([...outcomes]));
  });
}
