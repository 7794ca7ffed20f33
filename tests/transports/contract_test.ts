import { assert, assertEquals } from "@std/assert";
import { fieldOf } from "../../src/domain/wire.ts";
import { describe, requestOf, sendTo, TRANSPORTS } from "../support/http1_transports.ts";
import { nodeUrlOf } from "../support/node_url.ts";
import { startRawNode } from "../support/raw_node.ts";

/** What every transport that speaks HTTP to nodes has to do. */
for (const [name, create] of Object.entries(TRANSPORTS)) {
  const contract = (what: string, run: (transport: ReturnType<typeof create>) => Promise<void>, options = {}) =>
    Deno.test(`${name}: ${what}`, async () => {
      const transport = create(options);
      try {
        await run(transport);
      } finally {
        transport.close?.();
      }
    });

  contract("a node gets the request, its own credentials, and nothing of the caller", async (transport) => {
    let seen: unknown;
    await using server = serve(async (request) => {
      const { pathname, search } = new URL(request.url);
      const names = ["x-key", "content-type", "accept-encoding", "x-forwarded-for", "x-sent"];
      seen = [request.method, pathname + search, await request.text(), ...names.map((key) => request.headers.get(key))];
      return new Response("[]", { status: 418, headers: { "retry-after": "7", "X-Some": "a" } });
    });
    const url = nodeUrlOf(`${server.url}path?key=s3cret`, { headers: [["x-key", "s3cret"]] });
    const request = requestOf('{"é":1}', { path: "/sub", query: "a=b", headers: [["x-sent", "1"]] });
    const result = await sendTo(transport, url, request);
    assert(result.kind === "reply");
    assertEquals(seen, ["POST", "/path/sub?key=s3cret&a=b", '{"é":1}', "s3cret", null, "identity", null, "1"]);
    assertEquals([result.reply.status, result.reply.retryAfterMs], [418, 7_000]);
    assertEquals([fieldOf(result.reply.headers, "x-some"), result.reply.trailers], ["a", []]);
  });

  contract("a node that is to know the client's address is told it", async (transport) => {
    await using server = serve((request) => new Response(request.headers.get("x-forwarded-for")));
    const result = await sendTo(transport, nodeUrlOf(server.url, { forwardsAddress: true }));
    assertEquals(describe(result), "200 192.0.2.7");
  });

  contract("verbs with and without a body", async (transport) => {
    await using server = serve(async (request) => new Response(`${request.method} ${await request.text()}`));
    for (const verb of ["GET", "DELETE", "POST", "PUT"]) {
      const bodiless = await sendTo(transport, server.url, requestOf("", { verb, body: null }));
      assertEquals(describe(bodiless), `200 ${verb} `);
    }
    assertEquals(describe(await sendTo(transport, server.url, requestOf("x", { verb: "PUT" }))), "200 PUT x");
    assertEquals(describe(await sendTo(transport, server.url, requestOf("", { verb: "HEAD", body: null }))), "200 ");
  });

  contract("a redirect is not followed", async (transport) => {
    let requests = 0;
    await using server = serve(() => {
      requests++;
      return new Response(null, { status: 307, headers: { location: "/elsewhere" } });
    });
    assertEquals([describe(await sendTo(transport, server.url)), requests], ["307 ", 1]);
  });

  contract("large bodies go both ways", async (transport) => {
    const body = "0123456789".repeat(90_000);
    await using server = serve(async (request) => new Response(await request.text()));
    assertEquals(describe(await sendTo(transport, server.url, requestOf(body))), `200 ${body}`);
    await using streaming = serve((request) => new Response(request.body));
    assertEquals(describe(await sendTo(transport, streaming.url, requestOf(body))), `200 ${body}`);
  });

  contract("an answer over the limit is refused, declared or not", async (transport) => {
    for (const extra of [0, 1]) {
      const body = new Uint8Array(1_000 + extra);
      for (const form of [() => body, () => new Blob([body]).stream()]) {
        await using server = serve(() => new Response(form()));
        const result = await sendTo(transport, server.url);
        assertEquals(result.kind === "reply" ? "reply" : result.error.code, extra ? "answer_too_large" : "reply");
      }
    }
  }, { maxReplyBytes: 1_000 });

  contract("requests side by side get each its own answer", async (transport) => {
    await using server = serve(async (request) => new Response(await request.text()));
    const texts = Array.from({ length: 200 }, (_, i) => `request ${i}`);
    const results = await Promise.all(texts.map((text) => sendTo(transport, server.url, requestOf(text))));
    assertEquals(results.map(describe), texts.map((text) => `200 ${text}`));
  });

  contract("what went wrong has the code that says so, and no URL in its words", async (transport) => {
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    closed.close();
    await using cutting = startRawNode(async (peer) => void await peer.request());
    const cases: [string, string][] = [
      [`http://127.0.0.1:${closed.addr.port}/s3cret`, "upstream_unreachable: connection refused"],
      ["http://no-such-host.invalid/s3cret", "upstream_unreachable: its name could not be resolved"],
      [`${cutting.url}s3cret`, "upstream_disconnected: the connection broke before the answer was complete"],
    ];
    for (const [target, expected] of cases) {
      const result = await sendTo(transport, target);
      assertEquals(result.kind === "failure" && `${result.error.code}: ${result.error.message}`, expected);
    }
  });

  contract("a request that is given up ends at once, and the next one is unharmed", async (transport) => {
    const controller = new AbortController();
    await using node = startRawNode(
      async (peer) => {
        await peer.request();
        controller.abort();
        await peer.ended();
      },
      async (peer) => {
        await peer.request();
        await peer.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx");
      },
    );
    const given = await sendTo(transport, node.url, requestOf(), controller.signal);
    assertEquals(given.kind, "failure");
    assertEquals(describe(await sendTo(transport, node.url)), "200 x");
  });

  contract("a node that closes at any byte of its answer is a disconnect, never a short answer", async (transport) => {
    const answers = [
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ];
    for (const answer of answers) {
      let at = 0;
      await using node = startRawNode(async (peer) => {
        await peer.request();
        await peer.write(answer.slice(0, at));
      });
      for (; at < answer.length; at++) {
        const code = describe(await sendTo(transport, node.url));
        // The platform's fetch calls a half status line and a half chunk what it likes; an answer it is not.
        assert(code === "upstream_disconnected", `${at}: ${code}`);
      }
      assertEquals(describe(await sendTo(transport, node.url)), "200 hello");
    }
  });
}

function serve(handler: (request: Request) => Response | Promise<Response>): { url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  return { url: `http://127.0.0.1:${server.addr.port}/`, [Symbol.asyncDispose]: () => server.shutdown() };
}
