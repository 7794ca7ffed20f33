import { assert, assertEquals } from "@std/assert";
import { answerOf, httpFaults } from "../support/http1_faults.ts";
import { type Act, startRawNode } from "../support/raw_node.ts";
import { startRelay } from "../support/relay_process.ts";

const TIMEOUT = "400ms";
/** What the client is told of what the transport saw. */
const STATUS = { answer_too_large: 502, malformed_answer: 502, upstream_disconnected: 502, upstream_timeout: 504 };

/** The answer to a call for the chain's number, with the id that the relay gave it. */
function goodOf(request: string): string {
  const { id } = JSON.parse(request.slice(request.indexOf("\r\n\r\n") + 4));
  return JSON.stringify({ jsonrpc: "2.0", id, result: "0x7a69" });
}

/** Answers three calls on a connection, and says with the last that it ends it. */
const wellBehaved: Act = async (peer) => {
  for (const fields of ["", "", "Connection: close\r\n"]) {
    await peer.write(answerOf(goodOf(await peer.request() ?? ""), fields));
  }
};

const trickling: Act = async (peer) => {
  for (const byte of answerOf(goodOf(await peer.request() ?? ""))) {
    await peer.write(byte);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

/** Answers without reading more of the request than its first byte. */
const hasty: Act = async (peer) => {
  await peer.reset("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 2\r\n\r\nno");
  await new Promise((resolve) => setTimeout(resolve, 100));
};

for (const transport of ["http1", "fetch"] as const) {
  Deno.test(`${transport}: a node's faults reach the client as errors of the table, and the next call is served`, async () => {
    let act: Act = wellBehaved;
    await using node = startRawNode((peer) => act(peer));
    const flags = [`--upstream=${node.url}`, `--upstream-transport=${transport}`, "--max-response-body-bytes=1000000"];
    await using relay = await startRelay(["127.0.0.1:0", "ETH1", "jsonrpc", ...flags]);
    const call = async (parameters: unknown[] = []) => {
      const response = await fetch(relay.urls[0]!, {
        method: "POST",
        headers: { "content-type": "application/json", "lava-relay-timeout": TIMEOUT },
        body: JSON.stringify({ jsonrpc: "2.0", id: "mine", method: "eth_chainId", params: parameters }),
      });
      const text = await response.text();
      assert(!text.includes(String(node.port)), "no URL of a node in an answer");
      const { id, result, error } = JSON.parse(text);
      assertEquals(id, "mine");
      return [response.status, result ?? error.data.code];
    };
    const good = [200, "0x7a69"];
    const errorOf = (code: keyof typeof STATUS) => [STATUS[code], code];
    const cases: [name: string, act: Act, expected: (string | number)[]][] = [
      ...httpFaults(goodOf).map(({ name, act, outcome, withFetch }): [string, Act, (string | number)[]] => {
        const seen = transport === "fetch" ? withFetch : outcome;
        if (seen === "answer") return [name, act, good];
        return [name, act, seen === "101" ? [502, "malformed_answer"] : errorOf(seen)];
      }),
      ["a byte now and then", trickling, errorOf("upstream_timeout")],
      ["an answer before the request was read", hasty, [502, "upstream_http_error"]],
    ];
    for (const [name, wrong, expected] of cases) {
      act = wrong;
      assertEquals(await call(wrong === hasty ? ["x".repeat(8_000_000)] : []), expected, name);
      // Nothing of it is left: the node's side of each connection is told that it is over.
      await until(() => node.open === 0);
      act = wellBehaved;
      for (const open of [1, 1, 0]) {
        assertEquals(await call(), good, `after ${name}`);
        await until(() => node.open === open);
      }
    }
    relay.kill("SIGTERM");
    assertEquals(await relay.exited, 0);
  });
}

/** Comes back once it is so; other processes' I/O is what is waited for. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 2));
}
