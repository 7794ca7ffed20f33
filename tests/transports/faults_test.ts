import { assert, assertEquals } from "@std/assert";
import { CountingClock } from "../support/counting_clock.ts";
import { answerOf, httpFaults } from "../support/http1_faults.ts";
import { describe, requestOf, sendTo, TRANSPORTS } from "../support/http1_transports.ts";
import { type Act, startRawNode } from "../support/raw_node.ts";

/** Answers each request on a connection with `ok`. */
const wellBehaved: Act = async (peer) => {
  while (await peer.request() !== undefined) await peer.write(answerOf("ok"));
};

for (const [transportName, create] of Object.entries(TRANSPORTS)) {
  for (const { name, act, outcome, withFetch } of httpFaults(() => "hello")) {
    const expected = transportName === "fetch" ? withFetch : outcome;
    Deno.test(`${transportName}: ${name}: ${expected}, the connection dropped, the next request unharmed`, async () => {
      await using node = startRawNode(act, wellBehaved);
      const clock = new CountingClock();
      const transport = create({}, clock);
      const result = await sendTo(transport, node.url);
      assertEquals(describe(result), { answer: "200 hello", 101: "101 " }[expected as string] ?? expected);
      if (result.kind === "failure") assert(!result.error.message.includes(String(node.port)), result.error.message);
      await until(() => node.open === 0);
      assertEquals(transport.connections ?? 0, 0);
      for (let i = 0; i < 3; i++) assertEquals(describe(await sendTo(transport, node.url)), "200 ok");
      assertEquals([node.accepted, node.open], [2, 1]);
      transport.close?.();
      assertEquals([transport.connections ?? 0, clock.pending], [0, 0]);
    });
  }

  Deno.test(`${transportName}: a node that resets at any byte of its answer is a disconnect`, async () => {
    const answers = [
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n",
    ];
    const transport = create();
    for (const answer of answers) {
      let at = 0;
      await using node = startRawNode((peer) => peer.reset(answer.slice(0, at)));
      for (; at < answer.length; at++) {
        const outcome = describe(await sendTo(transport, node.url));
        assert(outcome === "upstream_disconnected", `${at}: ${outcome}`);
      }
      assertEquals(node.accepted, answer.length, "a request that the node has seen a part of is not made again");
    }
    transport.close?.();
  });

  Deno.test(`${transportName}: a node that stops reading in the middle of a large request`, async () => {
    await using node = startRawNode((peer) => peer.reset(), wellBehaved);
    const transport = create();
    assertEquals(
      describe(await sendTo(transport, node.url, requestOf("x".repeat(30_000_000)))),
      "upstream_disconnected",
    );
    assertEquals(describe(await sendTo(transport, node.url)), "200 ok");
    transport.close?.();
  });
}

/** Comes back once it is so; the runtime's own I/O is what is waited for. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
}
